"""Engagement: every received action but follow and unfollow.

- Formula: Σ received actions of those kinds; earned + incentivised = all, undisclosed is a part of
  incentivised. Net follows stand beside it, since a follow is no engagement. Units: actions; net follows may
  be negative.
- Source: measures of the project.
- Fooled by: repetition, and by engagement that hides what was got for it; `people` and `influence` look
  through the first, nothing in the events through the second.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from schemas.fact import FOLLOW, UNFOLLOW
from schemas.rows.table import Column
from streams.measures.account.columns import Ints
from streams.measures.account.measure import WindowMeasure, split
from streams.measures.account.views import WindowViews


def engagement(views: WindowViews) -> tuple[np.ndarray, ...]:
    """Return engagement, earned, incentivised, undisclosed, and follows less unfollows.

    >>> from schemas.fact import LIKE
    >>> from streams.measures.account.views import window
    >>> MEASURE.rows(window(received={LIKE: 5, FOLLOW: 7}, received_bought={LIKE: 2}))
    [(5, 3, 2, 0, 7)]
    """
    everything, paid, hidden = (
        _engagement(each) for each in (views.received, views.received_bought, views.received_undisclosed)
    )
    four = np.maximum([everything, everything - paid, paid, hidden], 0) * (everything > 0)
    return (*four, views.received[FOLLOW] - views.received[UNFOLLOW])


def _engagement(counts: Ints) -> Ints:
    found: Ints = counts.sum(axis=0) - counts[FOLLOW] - counts[UNFOLLOW]
    return found


MEASURE: Final = WindowMeasure(
    (
        *split("engagement", "UInt64", "received actions but follow and unfollow"),
        Column("engagement_undisclosed", "UInt64", "of the incentivised, those that do not say so"),
        Column("net_follows", "Int64", "follows less unfollows received"),
    ),
    engagement,
)
