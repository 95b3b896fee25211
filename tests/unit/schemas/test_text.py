"""Hashtags, mentions and replies are found as twitter-text finds them."""

from __future__ import annotations

from collections.abc import Callable
from time import process_time
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.text import _ASCII_HASHTAG, _HASHTAG, hashtags, hashtags_at, mentions, mentions_at, replied_to
from tests.data import real

SECTIONS: dict[str, tuple[int, Callable[[str], Any]]] = {
    "mentions": (23, lambda text: list(mentions(text))),
    "mentions_with_indices": (
        3,
        lambda text: [{"screen_name": name, "indices": list(at)} for name, at in mentions_at(text)],
    ),
    "replies": (13, replied_to),
    "hashtags": (65, lambda text: list(hashtags(text))),
    "hashtags_from_astral": (3, lambda text: list(hashtags(text))),
    "hashtags_with_indices": (
        8,
        lambda text: [{"hashtag": tag, "indices": list(at)} for tag, at in hashtags_at(text)],
    ),
}
"""Section → how many cases it has at least, and how our answer is written in its terms."""


@pytest.mark.parametrize("section", SECTIONS)
def test_conformance(section: str) -> None:
    """Every case of twitter-text's section gives what twitter-text gives; without the file this fails."""
    cases = yaml.safe_load(real("twitter-text/extract.yml").read_text(encoding="utf-8"))["tests"][section]
    least, answer = SECTIONS[section]
    assert len(cases) >= least
    wrong = {case["text"]: answer(case["text"]) for case in cases if answer(case["text"]) != case["expected"]}
    assert wrong == {}


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("", []),
        ("no sign at all", []),
        ("#", []),
        ("#juice", ["juice"]),
        ("#Juice and #juice", ["Juice", "juice"]),
        ("＃ジュース #сок #saft2 #2x #42", ["ジュース", "сок", "saft2", "2x"]),
        ("press #️⃣ for #help", ["help"]),
        ("price&#tag a#tag", []),
        ("##twice ###thrice", ["twice", "thrice"]),
        ("#one#two #three", ["three"]),
        ("https://example.org/#top https://example.org/a?b=#c #d", ["d"]),
        ("(example.org/x,#y) or/#z", ["z"]),
        ("nul \x00#nul\x00 end", ["nul"]),
        ("#" + "a" * 1000, ["a" * 1000]),
    ],
)
def test_hashtags(text: str, tags: list[str]) -> None:
    """A hashtag has a letter, does not follow a letter, a digit or `&`, and does not lie in a link."""
    assert list(hashtags(text)) == tags


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", []),
        ("@", []),
        ("@ada, ＠bob_2 and @ada", ["ada", "bob_2", "ada"]),
        ("mail eve@example.org", []),
        ("@eve@example.org", []),
        ("RT@ada .@bob (@eve)", ["ada", "bob", "eve"]),
        ("the list @ada/friends", []),
        ("@adaé @bob", ["bob"]),
        ("https://example.org/@ada @bob", ["bob"]),
        ("@" + "a" * 30, ["a" * 20]),
    ],
)
def test_mentions(text: str, names: list[str]) -> None:
    """A mention is a sign and a name, not part of an address, a list or a link."""
    assert list(mentions(text)) == names


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("@ada yes", "ada"),
        ("  ＠ada", "ada"),
        ("‏@ada", "ada"),
        ("yes @ada", None),
        ("@adaé", None),
        ("", None),
    ],
)
def test_replied_to(text: str, name: str | None) -> None:
    """A reply starts with a mention, save for white space and marks of direction."""
    assert replied_to(text) == name


PIECES = st.sampled_from(["#", "＃", "@", "＠", "a", "é", "語", "1", "_", " ", "/", ".", "http://", "b.com", "?", "&"])


@given(st.lists(PIECES | st.characters(), max_size=60).map("".join))
def test_names_are_where_they_are_said_to_be(text: str) -> None:
    """For any text, each hashtag and mention stands in it at its place, after its sign, in order."""
    for found, signs in ((hashtags_at(text), "#＃"), (mentions_at(text), "@＠")):
        end = 0
        for name, (start, stop) in found:
            assert start >= end
            assert text[start] in signs
            assert text[start + 1 : stop] == name != ""
            end = stop


@pytest.mark.parametrize(
    "piece", ["#", "#1", "@", "@a/b", "http://", "a.", "a.bc/", "a.bc/#x ", "-a", "RT", "RT@", "é"]
)
def test_work_grows_with_length(piece: str) -> None:
    """A text of the greatest length, made to mislead the patterns, takes work in proportion to its length.

    Linear work is some tens of milliseconds, quadratic work is minutes: the limit is far from both.
    """
    text = (piece * 65_536)[:65_536] + "#x"
    start = process_time()
    for find in (hashtags, mentions, replied_to):
        find(text)
    assert process_time() - start < 5


@given(st.text(st.sampled_from("#@ab1_& .:/-\n"), max_size=14))
def test_both_engines_find_the_same_hashtags(text: str) -> None:
    """Where all characters are ASCII the quicker pattern finds what the general one does."""
    ours, general = ([match.span("name") for match in pattern.finditer(text)] for pattern in (_ASCII_HASHTAG, _HASHTAG))
    assert ours == general


@given(
    st.lists(st.sampled_from(["#", "_", "1", "a", "B", " ", "\n", "\t", ".", "://", "x.org/", "&", "é"])).map("".join)
)
@example("#a #b\n#c").via("all at once")
@example("#a http://x.org/ #b#c #d://").via("all at once, of which some are none")
def test_all_at_once_finds_the_same_hashtags(text: str) -> None:
    """Where white space precedes every sign one search finds what one by one are found."""
    assert hashtags(text) == tuple(tag for tag, _ in hashtags_at(text))
