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

from schemas.fact import LIKE, POST, QUOTE, REPLY, SHARE, TAG
from streams.measures.account.measure import WindowMeasure, WindowView, split

RATE: Final = "Nullable(Float64)"
_NO_RATES: Final[tuple[float | None, ...]] = (None,) * 9


def amplification(view: WindowView) -> tuple[float | None, ...]:
    """Return amplification (three), then per post amplification, conversation, applause (three each), then
    per 1k.

    >>> view = WindowView(followers=2000)
    >>> view.given[0], view.received[4], view.received[3] = 2, 6, 1  # posts, shares, likes
    >>> row = dict(zip((column.name for column in MEASURE.columns), amplification(view)))
    >>> row["amplification"], row["amplification_per_post"], row["applause_per_1k_followers"]
    (6, 3.0, 0.5)
    """
    received, bought = view.received, view.received_bought
    carried = _split(received[SHARE] + received[QUOTE] + received[TAG], bought[SHARE] + bought[QUOTE] + bought[TAG])
    posts, followers = view.given[POST], view.followers
    if posts <= 0 and followers <= 0:
        return carried + _NO_RATES + _NO_RATES
    nine = (
        *carried,
        *_split(received[REPLY], bought[REPLY]),
        *_split(received[LIKE], bought[LIKE]),
    )
    per_post = tuple([number / posts for number in nine]) if posts > 0 else _NO_RATES
    per_1k = tuple([number * 1000 / followers for number in nine]) if followers > 0 else _NO_RATES
    return carried + per_post + per_1k


def _split(everything: int, bought: int) -> tuple[int, int, int]:
    if everything <= 0:
        return (0, 0, 0)
    return (everything, max(everything - bought, 0), max(bought, 0))


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
