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

from typing import Final

import numpy as np

from schemas.rows.table import Column
from streams.measures.account.burstiness import burstiness
from streams.measures.account.columns import Ints, counted, sums
from streams.measures.account.measure import StandingMeasure
from streams.measures.account.views import StandingViews

PERIODS: Final = (30, 60)


def consistency(views: StandingViews) -> tuple[np.ndarray, ...]:
    """Return active-day share, longest gap and burstiness over 30 days, then over 60.

    >>> from streams.measures.account.views import account
    >>> days = [{"number": 0, "acted": 1}, {"number": 1, "acted": 5}, {"number": 4, "acted": 1}]
    >>> MEASURE.rows(account(now=6 * 1440, days=days))[0][:3]  # today is day 5
    (0.1, 2, None)
    """
    columns: list[np.ndarray] = []
    days, whose, today = views.days, views.day_of, views.today
    count = len(today)
    for length in PERIODS:
        active = (days.acted > 0) & (days.number > today[whose] - length)
        gaps, total, squares = (
            sums(each * active, whose, count) for each in (days.gaps, days.gap_sum, days.gap_squares)
        )
        columns += (
            counted(active, whose, count) / length,
            _longest(days.number[active], whose[active], today),
            burstiness(gaps, total, squares),
        )
    return tuple(columns)


def _longest(active: Ints, whose: Ints, today: Ints) -> Ints:
    """Return the longest pause of each account, given its active days in the order of time."""
    following = np.append(active[1:], 0)
    last = np.append(whose[1:] != whose[:-1], True)[: len(whose)]
    following = np.where(last, today[whose] + 1, following[: len(active)])
    longest = np.zeros(len(today), np.int64)
    np.maximum.at(longest, whose, following - active - 1)
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
