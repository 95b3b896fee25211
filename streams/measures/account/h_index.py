"""h-index of posts by shares.

- Definition: the largest h such that h posts have h shares (and quotes) each; posts count while they were
  shared within the last 60 days.
- Units: posts. Exact up to 256 such posts; beyond, posts are sampled like people and each stands for `scale`.
- Source: Hirsch 2005, "An index to quantify an individual's scientific research output", PNAS 102(46).
- Fooled by: sharing rings; and it says nothing where events do not name the post they share.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from schemas.rows.table import Column
from streams.measures.account.measure import StandingMeasure
from streams.measures.account.views import StandingViews


def h_index(views: StandingViews) -> list[tuple[int, ...]]:
    """Return the h-index and the number of posts that were shared.

    >>> from streams.measures.account.views import account
    >>> MEASURE.rows(account(now=1, shares=(10, 8, 5, 4, 3)))
    [(4, 5)]
    >>> MEASURE.rows(account(now=1, shares=(10, 8, 5, 4, 3), share_scale=2))
    [(5, 10)]
    """
    rows = [
        _row(shares, scale) if shares else (0, 0) for shares, scale in zip(views.shares, views.share_scale, strict=True)
    ]
    return list(zip(*rows, strict=True))


def _row(every: Sequence[int], scale: int) -> tuple[int, int]:
    index = posts = 0
    for shares in sorted(every, reverse=True):
        if shares <= 0:
            break
        posts += scale
        index = max(index, min(posts, shares))
    return (index, posts)


MEASURE: Final = StandingMeasure(
    (
        Column("h_index", "UInt32", "h posts of the account were shared h times or more"),
        Column("shared_posts", "UInt64", "posts of the account that were shared in the last 60 days"),
    ),
    h_index,
)
