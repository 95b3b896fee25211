"""The rules file: what is right is read, what is wrong is said with line and hint."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.campaigns.lines import lines_of
from streams.campaigns.problem import Problem
from streams.campaigns.rule import KINDS, Caps, Contest, Mayor, PostWithMedia, TagChain
from streams.campaigns.rules import load_rules, parse_rules

EXAMPLES = Path(__file__).parents[3] / "infra" / "campaigns"

GOOD = """
[[campaign]]
id = "coffee"
kind = "contest"
start = 2024-05-01T00:00:00+02:00
end = 2024-06-01T00:00:00Z
hashtags = ["#Coffee", "KAFFEE", "coffee"]
network = "mastodon"
winners = 3
caps = { per_account = 5 }
[campaign.disclosure]
flag = false
tags = "#Werbung"
[campaign.disqualified]
"ann lee" = "bought posts"
"""


def problems(text: str | bytes) -> list[tuple[int, str]]:
    """Return line and text of what is wrong."""
    raw = text.encode() if isinstance(text, str) else text
    return [(problem.line, problem.says) for problem in parse_rules(raw, "f.toml")[1]]


def with_line(line: str, kind: str = "contest") -> str:
    """Return a campaign with `line` as its sixth line."""
    times = "start = 2024-05-01T00:00:00Z\nend = 2024-06-01T00:00:00Z"
    return f'[[campaign]]\nid = "a"\nkind = "{kind}"\n{times}\n{line}\n'


def test_every_field_is_read() -> None:
    """A rule says what the file says, with tags folded and times in UTC."""
    (rule,), wrong = parse_rules(GOOD.encode(), "f.toml")
    assert wrong == []
    assert isinstance(rule, Contest)
    assert rule.start == datetime(2024, 4, 30, 22, tzinfo=UTC).timestamp() * 1000
    assert rule.hashtags == ("coffee", "kaffee")
    assert rule.networks == ("mastodon",)
    assert (rule.winners, rule.caps) == (3, Caps(per_account=5))
    assert (rule.disclosure.flag, rule.disclosure.tags) == (False, ("werbung",))
    assert rule.disqualified == {"ann lee": "bought posts"}


def test_examples_cover_every_kind() -> None:
    """The examples that come with the project are sound, and there is one of each kind."""
    rules = load_rules(EXAMPLES)
    assert isinstance(rules, tuple), rules
    assert {rule.kind for rule in rules} == set(KINDS)
    by_id = {rule.id: rule for rule in rules}
    latte, photo, chain = by_id["free-latte"], by_id["photo-popup"], by_id["five-things"]
    assert isinstance(latte, Mayor)
    assert latte.venues == ("cafe-central", "cafe-am-markt")
    assert isinstance(photo, PostWithMedia)
    assert photo.period == "day"
    assert isinstance(chain, TagChain)
    assert chain.memes == ("five-things-about-me",)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('hastags = ["x"]', "`hastags` is not known; did you mean `hashtags`?"),
        ("tagged = 5", "`tagged` is not known; it belongs to the kind `tag_chain`"),
        ("total = 5", "`total` is not known; it belongs into [campaign.caps]"),
        ('hashtags = ["Du Bois"]', "'Du Bois' is not a hashtag"),
        ('hashtags = ["2024"]', "'2024' is not a hashtag"),
        ("hashtags = [1]", "a list of words is expected"),
        ('media = "foto"', "'foto' is not known; did you mean `photo`?"),
        ("winners = 0", "expected a whole number >= 1: 0"),
        ("winners = true", "expected a whole number, got `bool`: True"),
        ("caps = 5", "`caps` is a table"),
        ("caps = { total = 5 }", "`caps.total` has no meaning for a contest"),
        ("caps = { per_acount = 5 }", "`caps.per_acount` is not known; did you mean `per_account`?"),
        ('caps = { per_account = "5" }', "`caps.per_account`: expected a whole number, got `str`: '5'"),
        ('disclosure = { tags = ["a b"] }', "'a b' is not a hashtag"),
        ("disqualified = { ann = 5 }", "`disqualified`: expected `str`"),
        ('venue = "a"\nvenues = ["b"]', "`venues` is there in singular and plural"),
    ],
)
def test_a_wrong_line_is_named(line: str, says: str) -> None:
    """Whatever is wrong in a line is said with its number and what was meant."""
    ((number, text),) = problems(with_line(line))
    assert number == 6 + line.count("\n")
    assert says in text


@pytest.mark.parametrize(
    ("start", "end", "line", "says"),
    [
        ("2024-05-01T00:00:00Z", "2024-05-01T02:00:00+02:00", 5, "`end` is not after `start`"),
        ("2024-05-01", "2024-06-01T00:00:00Z", 4, "needs a time with an offset"),
        ("2024-05-01T00:00:00", "2024-06-01T00:00:00Z", 4, "as 2024-05-01T00:00:00Z"),
        ('"2024-05-01T00:00:00Z"', "2024-06-01T00:00:00Z", 4, "without quotes"),
        ("1969-12-31T00:00:00Z", "2024-06-01T00:00:00Z", 4, "is before 1970 or after 2105"),
        ("5", "2024-06-01T00:00:00Z", 4, "5 is not a time"),
    ],
)
def test_times(start: str, end: str, line: int, says: str) -> None:
    """Times need an order and an offset."""
    text = f'[[campaign]]\nid = "a"\nkind = "contest"\nstart = {start}\nend = {end}\n'
    ((number, found),) = problems(text)
    assert number == line
    assert says in found


def test_all_at_once() -> None:
    """Everything that is wrong is said, each with its line, in the order of the file."""
    text = with_line("hastags = 1") + with_line("", kind="contset") + with_line("followers = 0", "threshold")
    assert [(line, says.split(";")[0]) for line, says in problems(text)] == [
        (6, "`hastags` is not known"),
        (8, "id 'a' is used before, on line 2"),
        (9, "kind 'contset' is not known"),
        (14, "id 'a' is used before, on line 2"),
        (18, "`followers`: expected a whole number >= 1: 0"),
    ]


def test_missing() -> None:
    """What is missing is named with what needs it."""
    text = '[[campaign]]\nid = "a"\nkind = "threshold"\n\n[[campaign]]\nstart = 2024-05-01T00:00:00Z\n'
    assert problems(text) == [
        (1, "`end` is missing: a threshold needs it"),
        (1, "`followers` is missing: a threshold needs it"),
        (1, "`start` is missing: a threshold needs it"),
        (5, "`kind` is missing; known are: " + ", ".join(KINDS)),
    ]


def test_kinds_have_their_own_conditions() -> None:
    """A mayor needs venues and days within the window; a daily cap must not add up beyond what is kept."""
    ((line, says),) = problems(with_line("", "mayor"))
    assert (line, says) == (1, '`venues` is missing: a mayor needs it ("*" for all venues)')
    ((line, says),) = problems(with_line('venue = "*"\nmin_days = 61', "mayor"))
    assert (line, says) == (7, "`min_days` 61 can never be reached in `window_days` 60")
    ((line, says),) = problems(with_line("caps = { per_day = 1000 }", "referral"))
    assert line == 6
    assert says == "`caps.per_day` over 32 days makes more than 10000; set `caps.total` as well"


@pytest.mark.parametrize(
    ("raw", "line", "says"),
    [
        (b"[[campaign]]\nid = \n", 2, "not TOML, column 6: Invalid value"),
        (b"[[campaign]]\nid = 'a'\nid = 'b'", 3, "Cannot overwrite a value"),
        (b"[[campaign]]\n\nid = '\xff'", 3, "not UTF-8: byte 0xff"),
        (b"[campaign]\nid = 'a'", 1, "write [[campaign]]"),
        (b"campaigns = 5", 1, "each campaign begins with a line [[campaign]]"),
        (b"x = " + b"[" * 100_000, 0, "recursion"),
        (b" " * (1 << 21), 0, "2097152 bytes; at most"),
    ],
)
def test_no_toml(raw: bytes, line: int, says: str) -> None:
    """What cannot be read as a list of campaigns is said so, with the line."""
    ((number, found),) = problems(raw)
    assert number == line
    assert says in found


def test_folder(tmp_path: Path) -> None:
    """All files of a folder count as one; an id that comes again is a problem that names the first."""
    (tmp_path / "a.toml").write_text(with_line(""))
    (tmp_path / "b.toml").write_text(with_line(""))
    found = load_rules(tmp_path)
    first, second = str(tmp_path / "a.toml"), str(tmp_path / "b.toml")
    assert found == [Problem(second, 2, f"id 'a' is used before, in {first}; ids must differ")]
    (tmp_path / "b.toml").unlink()
    assert isinstance(load_rules(tmp_path), tuple)
    (tmp_path / "a.toml").unlink()
    assert load_rules(tmp_path) == [Problem(str(tmp_path), 0, "there is no .toml file in this folder")]
    nowhere = tmp_path / "c.toml"
    assert load_rules(nowhere) == [Problem(str(nowhere), 0, "cannot be read: No such file or directory")]


def test_lines_in_odd_places() -> None:
    """Lines are right behind long strings and arrays, comments, dotted keys and inline tables."""
    text = (
        '[[campaign]]\nname = """\nx = 1\n[[campaign]]\n"""  # [[campaign]]\nvenues = [ # ]\n  "a]",\n]\n'
        'caps.total = 1\ndisclosure = { flag = true }\n[[campaign]]\n[campaign."disqualified"]\n"a.b" = "c"\n'
    )
    lines = lines_of(text)
    assert lines["campaign", 0, "venues"] == 6
    assert lines["campaign", 0, "caps", "total"] == 9
    assert lines["campaign", 0, "disclosure", "flag"] == 10
    assert lines["campaign", 1] == 11
    assert lines["campaign", 1, "disqualified", "a.b"] == 13


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("[]{}=\"#'\n.,ab1 -:TZ"), max_size=60), st.binary(max_size=40))
@example('a="""\n"""', b"")
def test_any_text(middle: str, raw: bytes) -> None:
    """Nothing makes the reader raise, and every problem has a line of the file or none."""
    for text in (with_line(middle).encode(), middle.encode(), raw):
        for problem in parse_rules(text, "f")[1]:
            assert 0 <= problem.line <= text.count(b"\n") + text.count(b"\r") + 1
