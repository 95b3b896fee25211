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

from math import sqrt
from typing import Any, Final, NamedTuple

from schemas.rows.table import Column
from streams.measures.account.measure import Day, StandingMeasure, StandingView

LOOK_BACK: Final = 30
MIN_GAIN: Final = 100
MIN_Z: Final = 6.0
RISING_Z: Final = 3.0
_EMPTY: Final = Day()


class Jump(NamedTuple):
    """A day on which followers jumped."""

    day: int
    gained: int
    z: float
    engagement_z: float
    bought: bool


def jumps(view: StandingView) -> list[Jump]:
    """Return the days of the last 30 on which followers jumped, oldest first.

    >>> days = {day: Day(gained=3, engaged=20) for day in range(20)}
    >>> days[20] = Day(gained=1000, engaged=22)
    >>> jumps(StandingView(now=21 * 1440 + 1, days=days))
    [Jump(day=20, gained=1000, z=575.618218, engagement_z=0.447214, bought=True)]
    >>> days[20] = Day(gained=1000, engaged=4000)  # a viral day
    >>> [jump.bought for jump in jumps(StandingView(now=21 * 1440 + 1, days=days))]
    [False]
    """
    if not any(day.gained >= MIN_GAIN for day in view.days.values()):
        return []
    first, today = min(view.days), view.today
    days = [view.days.get(number, _EMPTY) for number in range(first, today + 1)]
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


def flagged(view: StandingView) -> bool:
    """Return whether a jump of the last 30 days looks bought."""
    return any(jump.bought for jump in jumps(view))


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


def follower_jumps(view: StandingView) -> tuple[Any, ...]:
    """Return bought followers, and day (epoch seconds), gain, z and engagement z of the largest jump.

    >>> days = {0: Day(gained=3, engaged=20), 1: Day(gained=2, engaged=24), 2: Day(gained=500, engaged=9)}
    >>> follower_jumps(StandingView(now=3 * 1440, days=days))
    (500, 172800, 500, 314.646627, -2.771609)
    """
    found = jumps(view)
    if not found:
        return _NOTHING
    largest = max(found, key=lambda jump: (jump.bought, jump.z))
    bought = sum(jump.gained for jump in found if jump.bought)
    return (bought, largest.day * 86_400, largest.gained, largest.z, largest.engagement_z)


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
