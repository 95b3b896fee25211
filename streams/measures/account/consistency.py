"""Consistency: on how many days an account acts, its longest pause, and whether it acts in bursts.

- Definition: days are UTC days with an action of the account itself, over the last 30 and 60 days, today
  included. Active-day share = active days / 30 (or 60). Longest gap = most days in a row without an action,
  counted from the first active day in the period to today. Burstiness over the gaps between minutes in which
  it acted; a gap counts on the day it ends.
- Units: a share of 1; days; burstiness from −1 to 1, NULL with fewer than two gaps.
- Source: `burstiness`; the mission ("a long and consistent history").
- Fooled by: bots, which are nothing if not consistent; and by youth: an account that is 10 days old has a
  share of 10/30 at most, and `tenure_days` says so.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from schemas.rows.table import Column
from streams.measures.account.burstiness import burstiness
from streams.measures.account.measure import StandingMeasure, StandingView

PERIODS: Final = (30, 60)


def consistency(view: StandingView) -> tuple[float | None, ...]:
    """Return active-day share, longest gap and burstiness over 30 days, then over 60.

    >>> from streams.measures.account.measure import Day
    >>> days = {0: Day(acted=1), 1: Day(acted=5), 4: Day(acted=1)}
    >>> consistency(StandingView(now=6 * 1440, days=days))[:3]  # today is day 5
    (0.1, 2, None)
    """
    row: list[float | None] = []
    today = view.today
    for length in PERIODS:
        active = []
        gaps = total = squares = 0
        for number, day in view.days.items():
            if number > today - length and day.acted > 0:
                active.append(number)
                if day.gaps:
                    gaps += day.gaps
                    total += day.gap_sum
                    squares += day.gap_squares
        row += (len(active) / length, _longest(active, today), burstiness(gaps, total, squares))
    return tuple(row)


def _longest(active: list[int], today: int) -> int:
    if not active:
        return 0
    active.sort()
    longest = today - active[-1]
    for earlier, later in pairwise(active):
        longest = max(longest, later - earlier - 1)
    return longest


MEASURE: Final = StandingMeasure(
    tuple(
        column
        for length in PERIODS
        for column in (
            Column(f"active_day_share_{length}d", "Float64", f"share of the last {length} days with own actions"),
            Column(f"longest_gap_days_{length}d", "UInt16", f"longest pause in the last {length} days, in days"),
            Column(f"burstiness_{length}d", "Nullable(Float64)", "gaps between own actions: −1 regular, 1 bursty"),
        )
    ),
    consistency,
)
