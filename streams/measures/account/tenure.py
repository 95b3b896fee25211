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

import numpy as np

from schemas.rows.table import Column
from streams.measures.account.columns import Ints
from streams.measures.account.measure import StandingMeasure
from streams.measures.account.views import StandingViews


def tenure(views: StandingViews) -> tuple[Ints, Ints]:
    """Return the first minute (epoch seconds), and days since.

    >>> from streams.measures.account.rhythm import Rhythm
    >>> from streams.measures.account.views import account
    >>> MEASURE.rows(account(now=100_000, rhythm=Rhythm(first=95_000)))
    [(5700000, 3)]
    """
    first = views.rhythm.first
    return (first * 60, np.maximum(views.now - first, 0) // 1440)


MEASURE: Final = StandingMeasure(
    (
        Column("first_seen", "DateTime('UTC')", "first minute in which anything was heard of the account"),
        Column("tenure_days", "UInt32", "whole days since first_seen"),
    ),
    tenure,
)
