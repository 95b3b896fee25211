"""Tenure: since when the account has been seen.

- Definition: the first minute with an action received or given that was not taken back, and whole days since
  then.
- Units: UTC; days. Shown, and buys no score by itself.
- Source: the mission ("those who came early still lead").
- Fooled by: the start of the stream, before which nobody has a past. An account of which nothing was heard
  for 60 days is forgotten and starts anew; its panes in ClickHouse remember.
"""

from __future__ import annotations

from typing import Final

from schemas.rows.table import Column
from streams.measures.account.measure import StandingMeasure, StandingView


def tenure(view: StandingView) -> tuple[int, int]:
    """Return the first minute (epoch seconds), and days since.

    >>> from streams.measures.account.rhythm import Rhythm
    >>> tenure(StandingView(now=100_000, rhythm=Rhythm(first=95_000)))
    (5700000, 3)
    """
    first = view.rhythm.first
    return (first * 60, max(view.now - first, 0) // 1440)


MEASURE: Final = StandingMeasure(
    (
        Column("first_seen", "DateTime('UTC')", "first minute in which anything was heard of the account"),
        Column("tenure_days", "UInt32", "whole days since first_seen"),
    ),
    tenure,
)
