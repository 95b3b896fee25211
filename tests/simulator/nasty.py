"""Records that are no event, as they do turn up: each is one way to be wrong."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

_LEAST: Final = b'"id":"nasty","type":"like","time":1714521600000,"actor":"u1"'


def _with(**fields: str) -> bytes:
    """Return an event that would do, but for these fields (their JSON; empty: the field is missing)."""
    least = {"id": '"nasty"', "type": '"like"', "time": "1714521600000", "actor": '"u1"'}
    said = ",".join(f'"{name}":{value}' for name, value in (least | fields).items() if value)
    return f"{{{said}}}".encode()


def _without(field: str) -> bytes:
    return _with(**{field: ""})


NO_JSON: Final = (
    b"",
    b" ",
    b"\x00" * 16,
    b"hello",
    b"{",
    b"{" + _LEAST,
    b"{" + _LEAST + b",}",
    b"{" + _LEAST + b"} {}",
    b"{" + _LEAST.replace(b'"', b"'") + b"}",
    b"\xef\xbb\xbf{" + _LEAST + b"}",
    b"{" + _LEAST + b',"text":"\xff\xfe"}',
    b"{" + _LEAST + b',"text":"\xed\xa0\xbd"}',
    b"{" + _LEAST + b',"text":"\\ud83d alone"}',
    b"{" + _LEAST + b',"text":"line\nbreak"}',
    b"{" + _LEAST + b',"x":NaN}',
    b"{" + _LEAST + b',"actor_followers":-Infinity}',
    b"{" + _LEAST + b',"x":' + b"[" * 70 + b"]" * 70 + b"}",
    b'{"x":' * 2000 + b"1" + b"}" * 2000,
    b"[" * 100_000,
)
NO_EVENT: Final = (
    b"null",
    b"42",
    b'"like"',
    b"[{" + _LEAST + b"}]",
    b"{}",
    *(_without(field) for field in ("id", "type", "time", "actor")),
    *(_with(**{field: "null"}) for field in ("id", "type", "time", "actor")),
    _with(id='""'),
    _with(id="17"),
    _with(id='"' + "i" * 513 + '"'),
    _with(type="[]"),
    _with(actor='["u1","u2"]'),
    _with(time='"yesterday"'),
    _with(time='"2024-05-01T00:00:00"'),
    _with(time='"2024-02-30T00:00:00Z"'),
    _with(time='"2024-05-01T25:00:00Z"'),
    _with(time='"0001-01-01T00:00:00Z"'),
    _with(time="-1"),
    _with(time="1714521600000.5"),
    _with(time="true"),
    _with(actor_followers="-1"),
    _with(actor_followers='"many"'),
    _with(actor_following="1" + "0" * 30),
    _with(targets='"u2"'),
    _with(targets="[1]"),
    _with(targets='["u2",""]'),
    _with(targets="[" + '"u2",' * 1000 + '"u2"]'),
    _with(text='"' + "long " * 13_200 + '"'),
    _with(hashtags='"#juice"'),
    _with(media='["hologram"]'),
    _with(incentive='"love"'),
    _with(disclosed='"yes"'),
    _with(promo="1"),
    _with(type='"undo"'),
    _with(type='"undo"', undo_of='""'),
)
UNKNOWN_TYPE: Final = (_with(type='"poke"'), _with(type='"LIKE"'), _with(type='""', id=""))
TOO_LARGE: Final = _with(text='"' + "x" * (1 << 20) + '"')
FAR_FUTURE: Final = (
    '"2101-01-01T00:00:00Z"',
    "4133980800000",
    '"9999-12-31T23:59:59.999Z"',
    "253402300799999",
    "1" + "0" * 25,
)
"""Times more than a day ahead of any clock that this may meet."""


def nasty(rng: Random) -> Iterator[bytes]:
    """Yield nasty records without end: all in turn, shuffled once, and now and then a large one."""
    turn = [*NO_JSON, *NO_EVENT, *UNKNOWN_TYPE]
    rng.shuffle(turn)
    count = 0
    while True:
        for record in turn:
            yield TOO_LARGE if count % 1000 == 10 else record
            count += 1


def from_the_future(rng: Random, name: str) -> bytes:
    """Return an event with the id `name` that nobody can have seen yet."""
    return _with(id=f'"{name}"', time=FAR_FUTURE[int(rng.random() * len(FAR_FUTURE))])
