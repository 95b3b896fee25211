"""Large states that were just stored, kept as they are, so that the next batch need not decode them."""

from __future__ import annotations

from typing import Final, Generic, TypeVar

State = TypeVar("State")

LEAST: Final = 1 << 16
"""Bytes from which on decoding costs more than comparing."""
MOST: Final = 16
"""States kept; the one that was stored longest ago goes first."""


class Warm(Generic[State]):
    """States by key, each with the bytes that it was stored as.

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
        self._kept: dict[str, tuple[bytes, State]] = {}

    def keep(self, key: str, raw: bytes, state: State) -> None:
        """Remember that `state` was stored as `raw`."""
        if len(raw) < LEAST:
            return
        self._kept.pop(key, None)
        self._kept[key] = (raw, state)
        if len(self._kept) > MOST:
            del self._kept[next(iter(self._kept))]

    def take(self, key: str, raw: bytes) -> State | None:
        """Return the state that was stored as `raw`, if it is here, and forget it."""
        kept = self._kept.pop(key, None)
        return kept[1] if kept is not None and kept[0] == raw else None

    def touched(self, key: str) -> None:
        """Forget a state because it changes."""
        if self._kept:
            self._kept.pop(key, None)
