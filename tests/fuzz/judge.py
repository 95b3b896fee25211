"""What must become of a record, said without the product: by the standard library and the rules of the contract."""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple

from tests.fuzz.hostile import APPENDED
from tests.simulator.reading import read

FUTURE: Final = 300_000
"""How far ahead of its arrival an event may be, in ms."""


class Verdict(NamedTuple):
    """A reason for which a record cannot be used, or the id and time (ms) of the event it is."""

    reason: str
    id: str = ""
    time: int = 0


def is_json(raw: bytes) -> bool:
    """Return whether `raw` is JSON in UTF-8, no more than 64 deep: also in those values whose name comes again."""
    try:
        said = _everything(raw.decode())
        json.dumps(said, ensure_ascii=False).encode()  # half a surrogate pair is no character
    except (ValueError, RecursionError):
        return False
    inside = [said]
    for _ in range(65):  # arrays and objects within each other, a level at a time
        inside = [part for value in inside if isinstance(value, list) for part in (*value, "")]
    return not inside


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _flat(pairs: list[tuple[str, Any]]) -> list[Any]:
    return [part for pair in pairs for part in pair]


_everything = json.JSONDecoder(parse_constant=_refuse, parse_int=str, parse_float=str, object_pairs_hook=_flat).decode


def judge(raw: bytes | None) -> Verdict:
    """Return what must become of `raw`, all but whether it is late or comes again."""
    if not raw or (len(raw) <= 1 << 20 and not is_json(raw)):
        return Verdict("malformed")
    said = read(raw)
    if isinstance(said, str):
        return Verdict(said)
    if said.time > APPENDED + FUTURE:
        return Verdict("future")
    return Verdict("", said.id, said.time)
