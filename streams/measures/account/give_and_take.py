"""Give and take: what was given, what was received, and whether it came back.

- Definition: given = actions on others (but follow and unfollow); balance = given − received. Of the people
  engaged with in the window, those who acted towards the account within 7 days after it: `returned_people`;
  their share is `returned_share`. Counting people, not actions, keeps two who trade all day from looking like
  a generous crowd.
- Units: actions; persons; a share of 1. NULL where nobody was engaged with.
- Source: the ledger of the mission.
- Fooled by: what came back late, or outside the stream; in a window that just began, little can have come
  back.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from schemas.fact import CHECKIN, FOLLOW, POST, UNFOLLOW
from schemas.rows.table import Column
from streams.measures.account.columns import Ints, ratio
from streams.measures.account.measure import WindowMeasure, split
from streams.measures.account.views import WindowViews

_NOT_TO_OTHERS: Final = np.array((POST, CHECKIN, FOLLOW, UNFOLLOW))
_NO_ENGAGEMENT: Final = np.array((FOLLOW, UNFOLLOW))


def give_and_take(views: WindowViews) -> tuple[np.ndarray, ...]:
    """Return given (three, and undisclosed), balance (three), returned people and share.

    >>> from schemas.fact import LIKE, REPLY
    >>> from streams.measures.account.person import Person
    >>> from streams.measures.account.views import window
    >>> people = (Person(out_earned=9, returned=9), Person(out_earned=8))
    >>> MEASURE.rows(window(people=people, start=5, given={REPLY: 4}, received={LIKE: 1}))
    [(4, 4, 0, 0, 3, 3, 0, 1, 0.5)]
    """
    given, bought, hidden = (
        _net(each, _NOT_TO_OTHERS) for each in (views.given, views.given_bought, views.given_undisclosed)
    )
    received, received_bought = (_net(each, _NO_ENGAGEMENT) for each in (views.received, views.received_bought))
    people, since = views.people, views.since
    engaged_with = (people.out_earned >= since) | (people.out_bought >= since)
    returned = views.count(engaged_with & (people.returned >= since))
    return (
        given,
        np.maximum(given - bought, 0),
        bought,
        hidden,
        given - received,
        (given - bought) - (received - received_bought),
        bought - received_bought,
        returned * views.scale,
        ratio(returned, views.count(engaged_with)),
    )


def _net(counts: Ints, without: Ints) -> Ints:
    """Return the sum of `counts` without some kinds, and not below 0."""
    net: Ints = np.maximum(counts.sum(axis=0) - counts[without].sum(axis=0), 0)
    return net


MEASURE: Final = WindowMeasure(
    (
        *split("given", "UInt64", "actions on others but follow and unfollow"),
        Column("given_undisclosed", "UInt64", "of the incentivised, those that do not say so"),
        *split("balance", "Int64", "given less engagement received"),
        Column("returned_people", "UInt64", "people engaged with who acted in return within 7 days"),
        Column("returned_share", "Nullable(Float64)", "returned_people among given_people"),
    ),
    give_and_take,
)
