"""Pacing: events as far apart as they happened, or so many times closer."""

from __future__ import annotations


class Pace:
    """When events are due: the first at once, the others as much later as they happened, over `speed`.

    An event that happened before one that was due already is due at once.
    """

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self._start: tuple[int, float] | None = None

    def left(self, time: int, now: float) -> float:
        """Return the seconds from `now` until an event of `time` (ms) is due; not above 0 when it is."""
        if self._start is None:
            self._start = (time, now)
        origin, start = self._start
        return start + (time - origin) / 1000 / self.speed - now
