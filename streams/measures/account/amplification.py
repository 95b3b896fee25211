"""Amplification: what others carried further, and the three rates after Kaushik.

- Definition: amplification = shares + quotes + tags received. Rates have their denominator in their name: per
  post of the account in the window, and per thousand followers as last known. Conversation is replies,
  applause is likes.
- Units: actions; actions per post; actions per thousand followers. A rate is NULL where its denominator is 0
  or unknown.
- Source: Avinash Kaushik, "Best Social Media Metrics: Conversation, Amplification, Applause, Economic Value"
  (2011).
- Fooled by: sharing rings; posts made before the window and shared in it, which make the rate of a quiet
  account look high.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from schemas.fact import LIKE, POST, QUOTE, REPLY, SHARE, TAG
from streams.measures.account.columns import Ints, ratio
from streams.measures.account.measure import WindowMeasure, split
from streams.measures.account.views import WindowViews

RATE: Final = "Nullable(Float64)"


def amplification(views: WindowViews) -> tuple[np.ndarray, ...]:
    """Return amplification (three), then per post amplification, conversation, applause (three each), then
    per 1k.

    >>> from streams.measures.account.views import window
    >>> [said] = MEASURE.rows(window(given={POST: 2}, received={SHARE: 6, LIKE: 1}, followers=2000))
    >>> row = dict(zip((column.name for column in MEASURE.columns), said))
    >>> row["amplification"], row["amplification_per_post"], row["applause_per_1k_followers"]
    (6, 3.0, 0.5)
    """
    received, bought = views.received, views.received_bought
    carried = _split(received[SHARE] + received[QUOTE] + received[TAG], bought[SHARE] + bought[QUOTE] + bought[TAG])
    nine = np.concatenate([carried, _split(received[REPLY], bought[REPLY]), _split(received[LIKE], bought[LIKE])])
    return (*carried, *ratio(nine, views.given[POST]), *ratio(nine * 1000, views.followers))


def _split(everything: Ints, bought: Ints) -> Ints:
    split = np.stack([everything, np.maximum(everything - bought, 0), np.maximum(bought, 0)])
    return np.where(everything > 0, split, 0)


MEASURE: Final = WindowMeasure(
    (
        *split("amplification", "UInt64", "shares, quotes and tags received"),
        *split("amplification_per_post", RATE, "shares, quotes and tags received, per post of the account"),
        *split("conversation_per_post", RATE, "replies received, per post of the account"),
        *split("applause_per_post", RATE, "likes received, per post of the account"),
        *split("amplification_per_1k_followers", RATE, "shares, quotes and tags received, per 1,000 followers"),
        *split("conversation_per_1k_followers", RATE, "replies received, per 1,000 followers"),
        *split("applause_per_1k_followers", RATE, "likes received, per 1,000 followers"),
    ),
    amplification,
)
