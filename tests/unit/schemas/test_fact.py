"""What the computation sees of an event."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.event import KIND_CODE, KINDS
from schemas.fact import (
    DISCLOSURES,
    EARNED,
    INCENTIVISED,
    KLASSES,
    UNDISCLOSED,
    UNKNOWN,
    Fact,
    fact_of,
    hash_of,
    normal_tags,
)
from tests.unit.schemas.records import LEAST, accepted, record


def fact(**fields: Any) -> Fact:
    """Return the fact of the least event with other fields."""
    return fact_of(*accepted(record(**fields)))


def received(**fields: Any) -> tuple[tuple[str, ...], int]:
    """Return who receives, and how many given actions it is."""
    said = fact(**fields)
    return said.receivers, said.given


TO_AUTHOR = ("reply", "like", "share", "quote", "click")
TO_TARGETS = ("mention", "tag", "recommend", "follow", "unfollow", "referral")
TO_NOBODY = ("post", "checkin")


def test_kinds_are_all_accounted_for() -> None:
    """Every type but undo is received by the author, by the targets, or by nobody."""
    assert {*TO_AUTHOR, *TO_TARGETS, *TO_NOBODY, "undo"} == set(KINDS)


@pytest.mark.parametrize("kind", TO_AUTHOR)
def test_author_receives(kind: str) -> None:
    """The author of the object receives, targets or not; without an author the action is still given."""
    assert received(type=kind, object_author="bob", targets=["eve"]) == (("bob",), 1)
    assert received(type=kind, targets=["eve"], text="@eve") == ((), 1)
    assert received(type=kind, object_author="ada") == ((), 0), "on oneself"


@pytest.mark.parametrize("kind", TO_TARGETS)
def test_targets_receive(kind: str) -> None:
    """Each entry of targets receives and is one given action, the actor's own aside."""
    assert received(type=kind, targets=["bob", "eve", "bob"], object_author="x") == (("bob", "eve", "bob"), 3)
    assert received(type=kind, targets=["ada", "bob", "ada"]) == (("bob",), 1)
    assert received(type=kind, targets=["ada"]) == ((), 0)
    assert received(type=kind, object_author="x") == ((), 0)


@pytest.mark.parametrize("kind", TO_TARGETS)
def test_targets_from_the_text(kind: str) -> None:
    """A mention or tag without targets is of whom its text mentions, each once; targets go before it."""
    text = "@bob, @ada and @eve; I mean @bob"
    found = (("bob", "eve"), 2) if kind in ("mention", "tag") else ((), 0)
    assert received(type=kind, text=text) == found
    assert received(type=kind, text=text, targets=["tom"]) == (("tom",), 1)


@pytest.mark.parametrize("kind", TO_NOBODY)
def test_nobody_receives(kind: str) -> None:
    """A post or a check-in is given and received by nobody, whoever is named."""
    assert received(type=kind, object_author="bob", targets=["eve"], text="@eve") == ((), 1)


def test_undo_is_nothing_itself() -> None:
    """An undo is neither given nor received."""
    assert received(type="undo", undo_of="e0", object_author="bob", targets=["eve"]) == ((), 0)


@pytest.mark.parametrize(
    ("fields", "klass"),
    [
        ({}, EARNED),
        ({"incentive": "none"}, EARNED),
        ({"disclosed": True, "text": "#ad", "promo": True}, EARNED),
        ({"campaign": "c"}, UNDISCLOSED),
        ({"campaign": "c", "disclosed": True}, INCENTIVISED),
        ({"campaign": "c", "text": "Lovely #Ad"}, INCENTIVISED),
        ({"campaign": "c", "text": "Lovely ad"}, UNDISCLOSED),
        ({"campaign": "c", "text": "#ad", "hashtags": []}, UNDISCLOSED),
        ({"incentive": "paid"}, UNDISCLOSED),
        ({"incentive": "reward", "hashtags": ["#SPONSORED"]}, INCENTIVISED),
        ({"incentive": "sweepstake", "hashtags": ["giveaway"]}, INCENTIVISED),
    ],
)
def test_klass(fields: dict[str, Any], klass: int) -> None:
    """Incentivised is what got an incentive or is for a campaign, undisclosed what does not say so."""
    assert fact(**fields).klass == klass


def test_words_for_classes_and_disclosures() -> None:
    """Names of classes are in the order of their codes, and disclosures are written as tags are compared."""
    assert [KLASSES[code] for code in (EARNED, INCENTIVISED, UNDISCLOSED)] == [
        "earned",
        "incentivised",
        "undisclosed",
    ]
    assert set(normal_tags(sorted(DISCLOSURES))) == DISCLOSURES


def test_tags() -> None:
    """Listed hashtags count, else those of the text; each once, without sign and case, in order."""
    assert fact(text="#B #a #b").tags == ("b", "a")
    assert fact(text="#Straße #STRASSE #É #é").tags == ("strasse", "é")
    assert fact(text="#B", hashtags=["#X", "＃x", "##y", "STRASSE", "straße", "#"]).tags == (
        "x",
        "y",
        "strasse",
    )
    assert fact(text="#B", hashtags=[]).tags == ()
    assert fact().tags == ()


def test_the_rest_is_taken_over() -> None:
    """What is neither derived nor absent is as the event says it; the absent is empty or unknown."""
    said = {
        "actor_followers": 0,
        "actor_following": 3,
        "object": "o",
        "object_author": "bob",
        "root": "r",
        "parent": "p",
        "venue": "v",
        "campaign": "c",
        "network": "n",
        "lang": "en",
        "media": ["photo"],
        "disclosed": True,
        "promo": True,
    }
    renamed = {"actor_followers": "followers", "actor_following": "following", "object_author": "author"}
    full = msgspec.structs.asdict(fact(type="quote", **said))
    for name, value in said.items():
        assert full[renamed.get(name, name)] == (tuple(value) if isinstance(value, list) else value)
    assert fact() == Fact(id="e1", kind=KIND_CODE["post"], time=LEAST["time"], actor="ada", given=1)
    assert fact().followers == fact().following == UNKNOWN


def test_text_hash() -> None:
    """Texts that differ only in case or white space have one hash, for ever; acts without words have none."""
    assert fact(text="Hello  World\n").text_hash == fact(type="reply", text="hello world").text_hash
    assert fact(text="hello world").text_hash == 0x878633AA32A3B150
    assert fact(text="hello worlds").text_hash != fact(text="hello world").text_hash
    assert fact(text=" \n").text_hash == fact().text_hash == 0
    assert {kind for kind in KINDS if fact(type=kind, text="a", undo_of="e0").text_hash} == {
        "post",
        "reply",
        "quote",
    }


@given(st.text())
def test_text_hash_is_64_bits(text: str) -> None:
    """Any text has a hash that an unsigned 64-bit integer holds."""
    assert 0 <= hash_of(text) < 1 << 64


@given(
    st.sampled_from(KINDS),
    st.lists(st.sampled_from(["ada", "bob", "eve"]), max_size=4),
    st.sampled_from(["", "ada", "bob"]),
    st.sampled_from(["", "@bob #ad", "@ada @eve"]),
)
def test_a_fact_survives_the_wire(kind: str, targets: list[str], author: str, text: str) -> None:
    """A fact written and read again is itself; its actor does not receive it, and gives what is received."""
    said = fact(type=kind, targets=targets, object_author=author, text=text, undo_of="e0")
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(said), type=Fact) == said
    assert said.actor not in said.receivers
    assert list(said.accounts()) == ["ada", *said.receivers]
    assert said.given >= len(said.receivers)
    assert json.loads(msgspec.json.encode(said)) == json.loads(json.dumps(msgspec.structs.astuple(said)))
