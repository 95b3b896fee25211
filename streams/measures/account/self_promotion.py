"""Self-promotion ratio: posts about oneself among all posts.

- Formula: promo posts / posts. Units: a share of 1, NULL without posts.
- Source: the mission; the healthy share is a setting (0.2), not a law, and enters `outreach` alone.
- Fooled by: promotion that producers do not mark as `promo`.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from schemas.fact import POST
from schemas.rows.table import Column
from streams.measures.account.columns import ratio
from streams.measures.account.measure import WindowMeasure
from streams.measures.account.views import WindowViews


def self_promotion(views: WindowViews) -> tuple[np.ndarray, ...]:
    """Return promotional posts, and their share of all posts.

    >>> from streams.measures.account.views import window
    >>> MEASURE.rows(window(promo=1, given={POST: 4}))
    [(1, 0.25)]
    """
    return (np.maximum(views.promo, 0), ratio(views.promo, views.given[POST]))


MEASURE: Final = WindowMeasure(
    (
        Column("promo_posts", "UInt64", "posts that are self-promotion"),
        Column("self_promotion_ratio", "Nullable(Float64)", "promo_posts among posts"),
    ),
    self_promotion,
)
