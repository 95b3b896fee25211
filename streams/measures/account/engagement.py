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

from schemas.fact import FOLLOW, UNFOLLOW
from schemas.rows.table import Column
from streams.measures.account.measure import WindowMeasure, WindowView, split


def engagement(view: WindowView) -> tuple[int, ...]:
    """Return engagement, earned, incentivised, undisclosed, and follows less unfollows.

    >>> view = WindowView()
    >>> view.received[3], view.received_bought[3], view.received[10] = 5, 2, 7  # likes, follows
    >>> engagement(view)
    (5, 3, 2, 0, 7)
    """
    received, bought, undisclosed = view.received, view.received_bought, view.received_undisclosed
    net = received[FOLLOW] - received[UNFOLLOW]
    everything = sum(received) - received[FOLLOW] - received[UNFOLLOW]
    if everything <= 0:
        return (0, 0, 0, 0, net)
    paid = sum(bought) - bought[FOLLOW] - bought[UNFOLLOW]
    hidden = sum(undisclosed) - undisclosed[FOLLOW] - undisclosed[UNFOLLOW]
    return (everything, max(everything - paid, 0), max(paid, 0), max(hidden, 0), net)


MEASURE: Final = WindowMeasure(
    (
        *split("engagement", "UInt64", "received actions but follow and unfollow"),
        Column("engagement_undisclosed", "UInt64", "of the incentivised, those that do not say so"),
        Column("net_follows", "Int64", "follows less unfollows received"),
    ),
    engagement,
)
