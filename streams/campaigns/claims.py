"""What one account may claim where acting is enough: a reward for each period in which it acted. Pure.

The first act of a period claims; later ones of that period add nothing. Of what is claimed, `per_account` are
granted, first come first served. A claim whose acts have all been undone is void, and is named as long as its
undo could have come after the reward was said.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from streams.campaigns.rule import Caps


class Claim(NamedTuple):
    """A claim for `period` by an act at `at` (ms)."""

    at: int
    period: str


class Claims(msgspec.Struct, array_like=True, omit_defaults=True):
    """The acts of one account."""

    open: dict[int, int] = {}
    """time (ms) → acts that stand; 0 or less where undone, remembered until settled"""
    settled: dict[str, int] = {}
    """period → first act of it, final"""

    def add(self, time: int, sign: int) -> None:
        """Add an act, or take it back."""
        self.open[time] = self.open.get(time, 0) + sign

    def first(self, unit: str) -> list[Claim]:
        """Return the first act of each period, ascending; `unit` is the rules' `period`."""
        found = dict(self.settled)
        for time in sorted(time for time, count in self.open.items() if count > 0):
            found.setdefault(period_of(time, unit), time)
        return sorted(Claim(at, period) for period, at in found.items())

    def granted(self, unit: str, caps: Caps) -> list[Claim]:
        """Return the claims that are granted, ascending."""
        return self.first(unit)[: caps.per_account]

    def void(self, unit: str) -> list[Claim]:
        """Return the claims that nothing supports any more, with the first act undone of each."""
        stand = {claim.period for claim in self.first(unit)}
        found: dict[str, int] = {}
        for time in sorted(time for time, count in self.open.items() if count <= 0):
            period = period_of(time, unit)
            if period not in stand:
                found.setdefault(period, time)
        return sorted(Claim(at, period) for period, at in found.items())

    def settle(self, floor: int, unit: str) -> None:
        """Make final what came before `floor`; nothing earlier must follow."""
        for time in sorted(time for time in self.open if time < floor):
            if self.open.pop(time) > 0:
                self.settled.setdefault(period_of(time, unit), time)


def period_of(time: int, unit: str) -> str:
    """Return the name of the period of length `unit` (campaign, month, week, day; UTC, ISO weeks) that holds
    `time`.

    >>> [period_of(1_341_100_800_000, unit) for unit in ("campaign", "month", "week", "day")]
    ['', '2012-07', '2012-W26', '2012-07-01']
    """
    if unit == "campaign":
        return ""
    date = datetime.fromtimestamp(time // 1000, UTC).date()
    if unit == "month":
        return date.strftime("%Y-%m")
    if unit == "week":
        year, week, _ = date.isocalendar()
        return f"{year:04d}-W{week:02d}"
    return date.isoformat()
