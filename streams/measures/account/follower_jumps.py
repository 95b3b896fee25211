"""Bought followers: a jump in follows with no engagement behind it.

- Definition: for each of the last 30 days, the robust z of net follows against the days before it, back to
  the first day on record: z = (x − median) / max(1.4826 · MAD, √max(median, 1)). A day is flagged when
  1. it gained at least 100 followers with z > 6;
  2. engagement that day and the next did not rise (its own z at most 3); and
  3. engagement per follower fell: engagement per follower gained is less than half of what followers brought
  before. Follows that a declared incentive brought are left out: a declared giveaway is no fraud. The row
  shows the day with the largest z, flagged or not, as evidence.
- Units: followers; standard deviations. The floor √median keeps a quiet account (MAD 0) from being flagged
  for nothing: counts scatter at least like Poisson's.
- Source: Iglewicz & Hoaglin 1993 (robust z); mission ("10,000 followers in one day").
- Fooled by: followers bought in small portions; bought engagement beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any, Final, NamedTuple

import numpy as np

from schemas.rows.table import Column
from streams.measures.account.columns import Flags
from streams.measures.account.measure import StandingMeasure
from streams.measures.account.views import StandingViews

LOOK_BACK: Final = 30
MIN_GAIN: Final = 100
MIN_Z: Final = 6.0
RISING_Z: Final = 3.0


class Day(NamedTuple):
    """What came on a day."""

    gained: int
    engaged: int


class Jump(NamedTuple):
    """A day on which followers jumped."""

    day: int
    gained: int
    z: float
    engagement_z: float
    bought: bool


_EMPTY: Final = Day(0, 0)


def jumps(known: Mapping[int, Day], today: int) -> list[Jump]:
    """Return the days of the last 30 on which followers jumped, oldest first; days by number.

    >>> days = {day: Day(gained=3, engaged=20) for day in range(20)}
    >>> days[20] = Day(gained=1000, engaged=22)
    >>> jumps(days, 21)
    [Jump(day=20, gained=1000, z=575.618218, engagement_z=0.447214, bought=True)]
    >>> days[20] = Day(gained=1000, engaged=4000)  # a viral day
    >>> [jump.bought for jump in jumps(days, 21)]
    [False]
    """
    first = min(known)
    days = [known.get(number, _EMPTY) for number in range(first, today + 1)]
    found = []
    for at in range(max(today - first - LOOK_BACK + 1, 0), len(days)):
        gained = days[at].gained
        if gained < MIN_GAIN:
            continue
        before = days[:at]
        z = _robust_z(gained, [day.gained for day in before])
        if z <= MIN_Z:
            continue
        engaged = max(day.engaged for day in days[at : at + 2])
        engagement_z = _robust_z(engaged, [day.engaged for day in before])
        follows = sum(max(day.gained, 0) for day in before)
        engagement = sum(day.engaged for day in before)
        falling = engaged * 2 * max(follows, 1) < gained * max(engagement, 1) if before else engaged < gained
        found.append(Jump(first + at, gained, z, engagement_z, engagement_z <= RISING_Z and falling))
    return found


def _jumps(views: StandingViews) -> dict[int, list[Jump]]:
    """Return the jumps of those accounts that have any, by number of the account."""
    days, whose = views.days, views.day_of
    found = {}
    for at in np.unique(whose[days.gained >= MIN_GAIN]).tolist():
        own = whose == at
        known = map(Day, days.gained[own].tolist(), days.engaged[own].tolist())
        if several := jumps(dict(zip(days.number[own].tolist(), known, strict=True)), int(views.today[at])):
            found[at] = several
    return found


def flagged(views: StandingViews) -> Flags:
    """Return of which accounts a jump of the last 30 days looks bought."""
    found = np.zeros(len(views.now), np.bool_)
    found[[at for at, several in _jumps(views).items() if any(jump.bought for jump in several)]] = True
    return found


def _robust_z(value: int, sample: list[int]) -> float:
    middle = _median(sample)
    mad = _median([abs(number - middle) for number in sample])
    return round((value - middle) / max(1.4826 * mad, sqrt(max(middle, 1.0))), 6)


def _median(sample: list[Any]) -> float:
    if not sample:
        return 0.0
    ordered = sorted(sample)
    half = len(ordered) // 2
    return float(ordered[half]) if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def follower_jumps(views: StandingViews) -> list[tuple[Any, ...]]:
    """Return bought followers, and day (epoch seconds), gain, z and engagement z of the largest jump.

    >>> from streams.measures.account.views import account
    >>> columns = ("number", "gained", "engaged")
    >>> days = [dict(zip(columns, day)) for day in ((0, 3, 20), (1, 2, 24), (2, 500, 9))]
    >>> MEASURE.rows(account(now=3 * 1440, days=days))
    [(500, 172800, 500, 314.646627, -2.771609)]
    """
    rows: list[tuple[Any, ...]] = [_NOTHING] * len(views.now)
    for at, found in _jumps(views).items():
        largest = max(found, key=lambda jump: (jump.bought, jump.z))
        bought = sum(jump.gained for jump in found if jump.bought)
        rows[at] = (bought, largest.day * 86_400, largest.gained, largest.z, largest.engagement_z)
    return list(zip(*rows, strict=True))


_NOTHING: Final = (0, None, 0, None, None)


MEASURE: Final = StandingMeasure(
    (
        Column(
            "bought_followers",
            "UInt64",
            "followers that came in jumps with no engagement behind them, 30 days",
        ),
        Column("follower_jump_day", "Nullable(DateTime('UTC'))", "evidence: day of the largest jump"),
        Column("follower_jump", "UInt64", "evidence: net follows of that day"),
        Column("follower_jump_z", "Nullable(Float64)", "evidence: its robust z among the days before"),
        Column(
            "follower_jump_engagement_z",
            "Nullable(Float64)",
            "evidence: that of engagement, that day and next",
        ),
    ),
    follower_jumps,
)
