"""h-index of posts by shares.

- Definition: the largest h such that h posts have h shares (and quotes) each; posts count while they were
  shared within the last 60 days.
- Units: posts. Exact up to 256 such posts; beyond, posts are sampled like people and each stands for `scale`.
- Source: Hirsch 2005, "An index to quantify an individual's scientific research output", PNAS 102(46).
- Fooled by: sharing rings; and it says nothing where events do not name the post they share.
"""

from __future__ import annotations

from typing import Final

from schemas.rows.table import Column
from streams.measures.account.measure import StandingMeasure, StandingView


def h_index(view: StandingView) -> tuple[int, int]:
    """Return the h-index and the number of posts that were shared.

    >>> h_index(StandingView(now=1, shares=(10, 8, 5, 4, 3)))
    (4, 5)
    >>> h_index(StandingView(now=1, shares=(10, 8, 5, 4, 3), share_scale=2))
    (5, 10)
    """
    index = posts = 0
    scale = view.share_scale
    for shares in sorted(view.shares, reverse=True):
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
