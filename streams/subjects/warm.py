"""Large states that were just stored, kept as they are, so that the next batch need not decode them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Generic, TypeVar

State = TypeVar("State")

LEAST: Final = 1 << 16
"""Bytes from which on decoding costs more than comparing."""
MOST: Final = 2 << 20
"""Bytes of the states that are kept, unless one alone has more. As objects they take some six times as much: of sixteen
cascades that never rest that had become 60 MiB after a day."""
PATIENCE: Final = 64
"""After this many stores without being touched, a state is evicted first, whatever its size."""


@dataclass(frozen=True, slots=True)
class _Kept(Generic[State]):
    raw: bytes
    state: State
    turn: int


class Warm(Generic[State]):
    """States by key, each with the bytes that it was stored as; of those that come again and again the largest.

    A state is only given back for exactly those bytes, only once, and not after it was `touched` again; so
    whether it is decoded or taken from here cannot be told apart, except by the clock: decoding a cascade of
    100,000 shares and indexing it takes a tenth of a second, comparing its bytes a millisecond.

    >>> warm = Warm[list[int]]()
    >>> state, raw = [1, 2], bytes(LEAST)
    >>> warm.keep("a", raw, state)
    >>> warm.take("a", raw) is state, warm.take("a", raw)
    (True, None)
    >>> warm.keep("a", raw, state)
    >>> warm.touched("a")
    >>> warm.take("a", raw)
    """

    def __init__(self) -> None:
        """Nothing is kept."""
        self._kept: dict[str, _Kept[State]] = {}
        """In the order in which they were stored."""
        self._turn = 0

    def keep(self, key: str, raw: bytes, state: State) -> None:
        """Remember that `state` was stored as `raw`, as long as there is room."""
        if len(raw) < LEAST:
            return
        self._turn += 1
        self._kept.pop(key, None)
        self._kept[key] = _Kept(raw, state, self._turn)
        while len(self._kept) > 1 and sum(len(kept.raw) for kept in self._kept.values()) > MOST:
            oldest = next(iter(self._kept))
            rests = self._turn - self._kept[oldest].turn > PATIENCE
            # Not who was stored longest ago: where more come in turn than there is room for, nobody would ever be here.
            del self._kept[oldest if rests else min(reversed(self._kept), key=lambda each: len(self._kept[each].raw))]

    def take(self, key: str, raw: bytes) -> State | None:
        """Return the state that was stored as `raw`, if it is here, and forget it."""
        kept = self._kept.pop(key, None)
        return kept.state if kept is not None and kept.raw == raw else None

    def touched(self, key: str) -> None:
        """Forget a state because it changes."""
        if self._kept:
            self._kept.pop(key, None)
