"""Self-promotion ratio: posts about oneself among all posts.

- Formula: promo posts / posts. Units: a share of 1, NULL without posts.
- Source: the mission; the healthy share is a setting (0.2), not a law, and enters `outreach` alone.
- Fooled by: promotion that producers do not mark as `promo`.
"""

from __future__ import annotations

from typing import Final

from schemas.fact import POST
from schemas.rows.table import Column
from streams.measures.account.measure import WindowMeasure, WindowView, ratio


def self_promotion(view: WindowView) -> tuple[int, float | None]:
    """Return promotional posts, and their share of all posts.

    >>> view = WindowView(promo=1)
    >>> view.given[0] = 4
    >>> self_promotion(view)
    (1, 0.25)
    """
    return (max(view.promo, 0), ratio(view.promo, view.given[POST]))


MEASURE: Final = WindowMeasure(
    (
        Column("promo_posts", "UInt64", "posts that are self-promotion"),
        Column("self_promotion_ratio", "Nullable(Float64)", "promo_posts among posts"),
    ),
    self_promotion,
)
