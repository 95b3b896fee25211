"""Any bytes are an event or a refusal with a true reason, and nothing in between."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from schemas.decode import MAX_DEPTH, MAX_DETAIL, Reason, Rejected, _examine, rejected
from schemas.event import (
    KINDS,
    MAX_COUNT,
    MAX_LIST,
    MAX_NAME,
    MAX_RECORD_BYTES,
    MAX_TARGETS,
    MAX_TEXT,
    MAX_URL,
    Event,
)
from tests.unit.schemas.records import LEAST, accepted, naughty, raw_record, record, refused


def test_every_field() -> None:
    """All fields of the schema come out as they went in."""
    said = LEAST | {
        "network": "bluesky",
        "actor_followers": 0,
        "actor_following": MAX_COUNT,
        "object": "o",
        "object_author": "bob",
        "root": "r",
        "parent": "p",
        "targets": ["bob", "bob", "eve"],
        "text": "Hello #there",
        "lang": "en",
        "hashtags": [],
        "media": ["photo", "video", "audio"],
        "urls": ["https://example.org"],
        "venue": "v",
        "campaign": "c",
        "incentive": "paid",
        "disclosed": True,
        "promo": True,
        "undo_of": "e0",
    }
    assert set(said) == set(Event.__struct_fields__)
    event, time = accepted(json.dumps(said).encode())
    assert json.loads(msgspec.json.encode(event)) == said
    assert time == LEAST["time"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_type(kind: str) -> None:
    """Every type of the contract is known; beyond the required fields only an undo needs one."""
    assert accepted(record(type=kind, undo_of="e0"))[0].type == kind
    if kind == "undo":
        for nothing in ({}, {"undo_of": ""}, {"undo_of": None}):
            assert refused(record(type=kind, **nothing)).reason is Reason.INVALID
    else:
        assert accepted(record(type=kind))[0].type == kind


@pytest.mark.parametrize(
    ("raw", "detail"),
    [
        (None, "no value"),
        (b"", "empty value"),
        (b" ", "not JSON"),
        (b"\x00", "not JSON"),
        (b"\xff\xfe{\x00}\x00", "not UTF-8: byte 0xff at 0"),
        (b"\xef\xbb\xbf" + record(), "not JSON"),
        (record()[:-1], "not JSON: Input data was truncated"),
        (record() + b"x", "trailing characters"),
        (record() + record(), "trailing characters"),
        (record()[:-1] + b',"x":"\xff"}', "not UTF-8"),
        (record()[:-1] + b',"text":"\xed\xa0\x80"}', "not UTF-8"),
        (record()[:-1] + b',"x":"\x00"}', "not JSON"),
        (raw_record("text", '"\\ud800"'), "unpaired surrogate \\ud800"),
        (raw_record("text", '"\\ud83d\\ude00 \\uDC00"'), "unpaired surrogate \\uDC00"),
        (raw_record("x", '"\\udfff\\ud800"'), "unpaired surrogate \\udfff"),
        (raw_record("x", "NaN"), "not JSON"),
        (raw_record("time", "NaN"), "not JSON"),
        (raw_record("x", "-Infinity"), "not JSON"),
        (raw_record("x", "01"), "not JSON"),
        (raw_record("x", "'a'"), "not JSON"),
        (raw_record("x", "[1,]"), "not JSON"),
        (b"[1, 2", "not JSON"),
        (b'{"id": 5, "x": NaN}', "not JSON"),
        (raw_record("x", "[" * 100_000 + "]" * 100_000), f"nested more than {MAX_DEPTH} deep"),
        (raw_record("x", '{"a":' * 100_000 + "1" + "}" * 100_000), f"nested more than {MAX_DEPTH} deep"),
        (raw_record("targets", "[" * 100_000), f"nested more than {MAX_DEPTH} deep"),
        (b"[" * 100_000, f"nested more than {MAX_DEPTH} deep"),
    ],
)
def test_malformed(raw: bytes | None, detail: str) -> None:
    """What is not JSON in UTF-8, or nested too deep, is malformed, wherever in the record it is so."""
    result = refused(raw)
    assert result.reason is Reason.MALFORMED
    assert detail in result.detail


@pytest.mark.parametrize("raw", [b"null", b"1", b'"post"', b"[]", b"[{}]", b"true", b"1e5"])
def test_no_object(raw: bytes) -> None:
    """JSON that is no object is invalid."""
    result = refused(raw)
    assert result.reason is Reason.INVALID
    assert result.detail.startswith("Expected `object`")


WRONG: dict[tuple[str, ...], tuple[Any, ...]] = {
    ("id", "type", "actor"): (None, 1, True, [], ["a"], {}),
    ("id", "actor"): ("", "a" * (MAX_NAME + 1)),
    ("time",): (None, 1.5, True, [], {}, "", "yesterday", "1341388800000", -1),
    ("network", "object", "lang", "venue", "undo_of"): ("a" * (MAX_NAME + 1), 1, [], False),
    ("text",): ("a" * (MAX_TEXT + 1), 1, ["a"]),
    ("actor_followers", "actor_following"): (-1, 1.5, "7", True, MAX_COUNT + 1, 10**30, []),
    ("targets", "hashtags", "urls", "media"): ("a", {}, 1, [1], [None], [["a"]]),
    ("targets", "hashtags"): ([""], ["a" * (MAX_NAME + 1)], ["a"] * (MAX_TARGETS + 1)),
    ("hashtags", "urls"): (["a"] * (MAX_LIST + 1),),
    ("urls",): (["a" * (MAX_URL + 1)],),
    ("media",): (["gif"], ["photo"] * (MAX_LIST + 1)),
    ("incentive",): ("money", "", 1),
    ("disclosed", "promo"): ("yes", 1, []),
}
"""Fields, and what none of them may be."""


@pytest.mark.parametrize(
    ("name", "wrong"),
    [(name, value) for names, values in WRONG.items() for name in names for value in values],
)
def test_invalid(name: str, wrong: object) -> None:
    """A field that is missing or not of its kind makes the event invalid, and the detail names the field."""
    result = refused(record(**{name: wrong}))
    assert result.reason is Reason.INVALID
    assert result.detail.startswith(f"`{name}`: ")


@pytest.mark.parametrize("name", ["id", "type", "time", "actor"])
def test_missing(name: str) -> None:
    """An event without a required field is invalid, and the detail says which."""
    raw = json.dumps({key: value for key, value in LEAST.items() if key != name}).encode()
    assert refused(raw) == Rejected(Reason.INVALID, f"`{name}`: missing")


@pytest.mark.parametrize("kind", ["poke", "Post", "", "post ", "\x00\n", "p" * 100_000, "🙂" * 400])
def test_unknown_type(kind: str) -> None:
    """An event of another type is of unknown type, whatever else it says or does not say."""
    for raw in (record(type=kind), json.dumps({"type": kind}).encode(), record(type=kind, time="never")):
        assert refused(raw).reason is Reason.UNKNOWN_TYPE


def test_too_large() -> None:
    """A record of the greatest length is read, a longer one is refused for its length alone."""
    room = MAX_RECORD_BYTES - len(raw_record("x", '""'))
    assert accepted(raw_record("x", '"' + "x" * room + '"'))
    assert refused(raw_record("x", '"' + "x" * (room + 1) + '"')).reason is Reason.TOO_LARGE
    assert refused(b"\xff" * 10_000_000).reason is Reason.TOO_LARGE


OPTIONAL = [field.name for field in msgspec.structs.fields(Event) if not field.required]


@pytest.mark.parametrize("name", OPTIONAL)
def test_null_is_absent(name: str) -> None:
    """An optional field that is null counts as absent."""
    event, time = accepted(record(**{name: None}))
    assert (msgspec.structs.replace(event, time=time), time) == accepted(record())


def test_unknown_fields_are_ignored() -> None:
    """Fields the schema does not know may hold anything that is JSON."""
    for value in ("1e999", "9" * 5000, '"\\u0000"', "[[[{}]]]", "null", "-0.0"):
        assert accepted(raw_record("x", value)) == accepted(record())
        assert _examine(raw_record("x", value)) == accepted(record())


def test_depth() -> None:
    """Unknown fields may nest as deep as MAX_DEPTH, the event included; brackets in strings do not count."""
    deep = MAX_DEPTH - 1
    assert accepted(raw_record("x", "[" * deep + "]" * deep))
    assert refused(raw_record("x", "[" * (deep + 1) + "]" * (deep + 1))).reason is Reason.MALFORMED
    assert accepted(raw_record("x", json.dumps("[{" * 10_000 + '"\\')))
    assert accepted(raw_record("x", "[" + "[],{}," * 10_000 + "1]"))


def test_last_of_duplicate_keys_counts() -> None:
    """Of a field said twice the last counts, as in most readers of JSON."""
    assert accepted(raw_record("actor", '"bob"'))[0].actor == "bob"
    assert accepted(b'{"id": 5, "actor": null, "type": "?", ' + record()[1:]) == _examine(record())
    assert refused(raw_record("actor", "5")).reason is Reason.INVALID


@pytest.mark.parametrize("escaped", [True, False])
def test_naughty_strings(escaped: bool) -> None:
    """Strings come out as they went in, NUL, control characters and astral planes included."""
    for string in filter(None, naughty()):
        assert len(string) <= MAX_NAME, "else it would have to be cut"
        said = LEAST | {
            "id": string,
            "actor": string,
            "text": string,
            "targets": [string],
            "hashtags": [string],
        }
        event, _ = accepted(json.dumps(said, ensure_ascii=escaped).encode())
        assert (event.id, event.actor, event.text, *event.targets) == (string,) * 4
        assert event.hashtags == (string,)


def test_details_are_short_and_printable() -> None:
    """A refusal quotes what it must, but never at length nor with control characters."""
    said = rejected(Reason.LATE, "\x00\n\u202e" * 200).detail
    assert len(said) == MAX_DETAIL
    assert said.startswith("\\x00\\n\\u202e")
    assert rejected(Reason.LATE, "é🙂" * 150).detail == "é🙂" * 150
