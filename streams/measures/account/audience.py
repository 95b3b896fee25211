"""Audience: last known followers per network, and their trend.

- Definition: what the account's own events say of its followers (`actor_followers`), the latest per network;
  the total over networks; the change of the total against what was known 1, 7 and 30 days ago, over the
  networks known then. Units: followers, NULL while unknown.
- Source: measures of the project. Shown, and buys no score by itself: "followers alone add nothing".
- Fooled by: bought followers (see `follower_jumps`); accounts that are quiet, of which nothing new is heard.
  What an event that was undone said of its actor's followers stays said.
"""

from __future__ import annotations

from typing import Any, Final

from schemas.rows.table import Column
from streams.measures.account.measure import StandingMeasure
from streams.measures.account.views import Audience, StandingViews

TRENDS: Final = (1, 7, 30)
_NOTHING: Final[tuple[Any, ...]] = (None, None, {}, None, None, None)


def audience(views: StandingViews) -> list[tuple[Any, ...]]:
    """Return followers, following, followers by network, and changes over 1, 7 and 30 days.

    >>> from streams.measures.account.views import account
    >>> day = 86_400_000
    >>> seen = {"bluesky": (0, 100, 9, 5 * day, 160, -1), "mastodon": (5 * day, 40, 10)}
    >>> MEASURE.rows(account(now=6 * 1440, audience=seen))
    [(200, 10, {'bluesky': 160, 'mastodon': 40}, 60, None, None)]
    >>> MEASURE.rows(account(now=7 * 1440 + 1, audience=seen))[0][4]
    60
    """
    rows = [_row(seen, now) if seen else _NOTHING for seen, now in zip(views.audience, views.now.tolist(), strict=True)]
    return list(zip(*rows, strict=True))


def _row(audience: Audience, now: int) -> tuple[Any, ...]:
    by_network = {}
    following = None
    for network, seen in audience.items():
        if seen[-2] >= 0:
            by_network[network] = seen[-2]
        if seen[-1] >= 0:
            following = (following or 0) + seen[-1]
    if not by_network:
        return (None, following, {}, None, None, None)
    changes = [_change(audience, (now - days * 1440) * 60_000) for days in TRENDS]
    return (sum(by_network.values()), following, by_network, *changes)


def total(audience: Audience) -> int:
    """Return followers over all networks as last known, −1 while none is."""
    numbers = [seen[-2] for seen in audience.values() if seen[-2] >= 0]
    return sum(numbers) if numbers else -1


def _change(audience: Audience, then: int) -> int | None:
    change = None
    for seen in audience.values():
        known = -1
        for at in range(0, len(seen), 3):
            if seen[at] < then and seen[at + 1] >= 0:
                known = seen[at + 1]
        if known >= 0 and seen[-2] >= 0:
            change = (change or 0) + seen[-2] - known
    return change


MEASURE: Final = StandingMeasure(
    (
        Column("followers", "Nullable(UInt64)", "followers as last known, over all networks"),
        Column("following", "Nullable(UInt64)", "whom the account follows, as last known, over all networks"),
        Column("followers_by_network", "Map(String, UInt64)", "followers as last known, by network"),
        *(
            Column(f"followers_change_{days}d", "Nullable(Int64)", f"followers against {days} days before")
            for days in TRENDS
        ),
    ),
    audience,
)
