"""The points of one entrant of a contest: distinct things counted in event time, with caps and undo. Pure.

An entrant has a point for each distinct unit (the post's `object`), at the time it first came. Of one UTC day
at most `per_day` count, in the whole campaign at most `per_account`; a unit that came beyond the cap of its
day does not count on a later one. The entrant *reached* its points when the last one that counts came, which
is what breaks ties.

What may still change is kept as a multiset of (time, unit); what cannot is kept as a set of 8-byte hashes and
sums, so the size is 8 bytes per settled entry and some 25 per open one. Units that coincide by hash count
once (`streams.campaigns.ids.short_hash` says how likely that is).

>>> tally = Tally()
>>> for time, unit in [(30, 7), (10, 7), (20, 8)]:
...     tally.add(time, unit, 1)
>>> tally.score(Caps())
Score(points=2, reached=20, day=0, day_points=2)
>>> tally.add(10, 7, -1)
>>> tally.score(Caps())
Score(points=2, reached=30, day=0, day_points=2)
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from sys import byteorder
from typing import NamedTuple

import msgspec

from streams.campaigns.rule import Caps
from streams.subject import DAY


class Score(NamedTuple):
    """Points, when they were reached (ms, 0 with none), and how many of them on the day of the last."""

    points: int = 0
    reached: int = 0
    day: int = -1
    day_points: int = 0

    def then(self, times: Iterable[int], caps: Caps) -> Score:
        """Return the score after units that first came at `times`, ascending, none before the last."""
        points, reached, day, day_points = self
        most = caps.per_account
        daily = caps.per_account_day
        for time in times:
            if most is not None and points >= most:
                break
            if time // DAY != day:
                day, day_points = time // DAY, 0
            if daily is None or day_points < daily:
                points, reached, day_points = points + 1, time, day_points + 1
        return Score(points, reached, day, day_points)


class Tally(msgspec.Struct, array_like=True, omit_defaults=True):
    """What is kept of one entrant; see the module's docstring. Times in ms, units as `short_hash`."""

    open: dict[tuple[int, int], int] = {}
    """(time, unit) → entries that stand; 0 or less where undone, remembered until settled"""
    done: bytes = b""
    """Units that count for good, 8 bytes each."""
    settled: Score = Score()

    @property
    def size(self) -> int:
        """Return about how many bytes it takes."""
        return 24 + 25 * len(self.open) + len(self.done)

    def add(self, time: int, unit: int, sign: int) -> None:
        """Add an entry, or take it back."""
        self.open[time, unit] = self.open.get((time, unit), 0) + sign

    def score(self, caps: Caps) -> Score:
        """Return the score with all that has come so far."""
        return self.settled.then(sorted(self._firsts().values()), caps)

    def settle(self, floor: int, caps: Caps) -> None:
        """Make final what came before `floor`; nothing earlier must follow."""
        if not any(time < floor for time, _ in self.open):
            return
        firsts = sorted((time, unit) for unit, time in self._firsts().items() if time < floor)
        self.settled = self.settled.then([time for time, _ in firsts], caps)
        self.done += _packed(unit for _, unit in firsts)
        self.open = {entry: count for entry, count in self.open.items() if entry[0] >= floor}

    def _firsts(self) -> dict[int, int]:
        """Return the open units that count, each with when it first came."""
        firsts: dict[int, int] = {}
        for (time, unit), count in self.open.items():
            if count > 0 and time < firsts.get(unit, time + 1):
                firsts[unit] = time
        if firsts and self.done:
            for unit in _unpacked(self.done):
                firsts.pop(unit, None)
        return firsts


def _packed(units: Iterable[int]) -> bytes:
    """Return 8 bytes, little-endian, per unit."""
    packed = array("q", units)
    if byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def _unpacked(raw: bytes) -> array[int]:
    """Return the units in `raw`."""
    units = array("q")
    units.frombytes(raw)
    if byteorder == "big":
        units.byteswap()
    return units
