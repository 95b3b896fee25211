"""Records for tests, and what must become of them."""

from __future__ import annotations

import json
from typing import Any

from schemas.decode import MAX_DETAIL, Rejected, decode
from schemas.event import Event
from tests.data import real

LEAST: dict[str, Any] = {"id": "e1", "type": "post", "time": 1_341_388_800_000, "actor": "ada"}
"""An event that says what it must and nothing else."""


def record(**fields: Any) -> bytes:
    """Return the record of the least event with other fields."""
    return json.dumps(LEAST | fields).encode()


def raw_record(name: str, value: str) -> bytes:
    """Return the record of the least event with one more field, whose value is this very JSON."""
    return record()[:-1] + f', "{name}": {value}}}'.encode()


def accepted(raw: bytes) -> tuple[Event, int]:
    """Return the event and time of a record that must be accepted."""
    result = decode(raw)
    assert not isinstance(result, Rejected), result
    return result


def refused(raw: bytes | None) -> Rejected:
    """Return the refusal of a record that must be refused."""
    result = decode(raw)
    assert isinstance(result, Rejected), result
    assert 0 < len(result.detail) <= MAX_DETAIL
    assert result.detail.isprintable()
    return result


def naughty() -> list[str]:
    """Return strings that break things."""
    strings = json.loads(real("naughty-strings/blns.json").read_text(encoding="utf-8"))
    assert len(strings) > 500
    return [*strings, "\x00", "a\x00b", "\x7f\x1b[0m", "\u2028\u2029\ufeff", "\uffff", "\U0010ffff", '\\"/']
