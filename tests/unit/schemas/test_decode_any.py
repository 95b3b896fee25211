"""Any bytes at all: generated junk, nearly good events, good events with a piece cut out or put in."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.decode import MAX_TIME, Reason, Rejected, _examine, decode
from schemas.event import INCENTIVES, KINDS, MAX_COUNT, Event
from tests.unit.schemas.records import accepted, refused

JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**40), 10**40)
    | st.floats(allow_nan=True)
    | st.text(max_size=20)
    | st.sampled_from([*KINDS, *INCENTIVES, "photo", "2012-07-04T12:00:00Z", "2012-07-04T11:59:59.9999999Z"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
NAMES = st.sampled_from(Event.__struct_fields__) | st.text(max_size=5)
GOOD: dict[str, st.SearchStrategy[Any]] = {
    "id": st.text(min_size=1, max_size=9),
    "type": st.sampled_from(KINDS),
    "time": st.integers(0, MAX_TIME)
    | st.integers(0, MAX_TIME // 1000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC).isoformat()),
    "actor": st.text(min_size=1, max_size=9),
    "undo_of": st.text(min_size=1, max_size=9),
    "text": st.text(max_size=30),
    "targets": st.lists(st.text(min_size=1, max_size=9), max_size=3),
    "hashtags": st.none() | st.lists(st.text(min_size=1, max_size=9), max_size=3),
    "actor_followers": st.none() | st.integers(0, MAX_COUNT),
    "incentive": st.sampled_from(INCENTIVES),
}
NEARLY = st.builds(
    lambda good, junk: json.dumps(good | junk).encode(),
    st.fixed_dictionaries(GOOD),
    st.dictionaries(NAMES, JUNK),
)


def cut(raw: bytes, start: int, stop: int, other: bytes) -> bytes:
    """Return `raw` with a part of it replaced."""
    start, stop = sorted((start % (len(raw) + 1), stop % (len(raw) + 1)))
    return raw[:start] + other + raw[stop:]


RECORDS = (
    st.binary(max_size=60)
    | JUNK.map(lambda value: json.dumps(value).encode())
    | NEARLY
    | st.builds(cut, NEARLY, st.integers(0, 999), st.integers(0, 999), st.binary(max_size=3))
    | st.builds(lambda raw, other: raw[:-1] + b"," + other[1:], NEARLY, NEARLY)
)


@settings(max_examples=600)
@given(RECORDS)
def test_never_raises_and_always_agrees(raw: bytes) -> None:
    """For any bytes the short way and the long way say the same, and nothing raises.

    What is accepted by the short way is what the long way, the definition, accepts, at the same time; what is
    refused has a printable detail, and is called malformed just where Python's reader of JSON refuses it.
    """
    result = decode(raw)
    if not raw:
        assert result == Rejected(Reason.MALFORMED, "empty value")
        return
    slow = _examine(raw)
    if isinstance(result, Rejected):
        assert slow == result
        refused(raw)
        assert (result.reason is Reason.MALFORMED) == (not is_json(raw))
    else:
        assert not isinstance(slow, Rejected)
        assert slow[1] == result[1]
        assert slow[0] == msgspec.structs.replace(result[0], time=slow[0].time)
        assert is_json(raw)


def is_json(raw: bytes) -> bool:
    """Return whether the standard library reads `raw` as strict JSON in UTF-8 without unpaired surrogates."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        value = json.loads(raw.decode(), parse_constant=refuse)
        json.dumps(value, ensure_ascii=False).encode()
    except ValueError:
        return False
    return True


@given(st.fixed_dictionaries(GOOD))
def test_good_events_are_accepted(said: dict[str, Any]) -> None:
    """An event whose every field is right is accepted, and its strings are unchanged."""
    event, _ = accepted(json.dumps(said).encode())
    assert {name: getattr(event, name) for name in ("id", "type", "actor", "undo_of", "text")} == {
        name: said[name] for name in ("id", "type", "actor", "undo_of", "text")
    }
    assert list(event.targets) == said["targets"]
