"""Cold asks: asking people one never engaged with before.

- Definition: a mention, a tag or a follow asks. It is cold when there was no exchange before: they never
  engaged with the account, and it never gave them more than a request. A second request to somebody who never
  answered is cold again.
- Formula: people asked cold in the window / people asked in it. People, not actions: a hundred strangers are
  a hundred, a friend mentioned a hundred times is one. Units: persons; a share of 1, NULL when nobody was
  asked.
- Source: the mission ("asking people one never engaged with before").
- Fooled by: exchanges outside the stream, or longer ago than the 60 days for which a silent person is
  remembered.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from schemas.rows.table import Column
from streams.measures.account.columns import ratio
from streams.measures.account.measure import WindowMeasure
from streams.measures.account.views import WindowViews


def cold_asks(views: WindowViews) -> tuple[np.ndarray, ...]:
    """Return people asked, people asked cold, and their share.

    >>> from streams.measures.account.person import Person
    >>> from streams.measures.account.views import window
    >>> MEASURE.rows(window(people=(Person(asked=9, cold=9), Person(asked=8, warm=1)), start=5))
    [(2, 1, 0.5)]
    """
    people, since = views.people, views.since
    was_asked = people.asked >= since
    asked, cold = views.count(was_asked), views.count(was_asked & (people.cold >= since))
    return (asked * views.scale, cold * views.scale, ratio(cold, asked))


MEASURE: Final = WindowMeasure(
    (
        Column("asked_people", "UInt64", "people mentioned, tagged or followed"),
        Column("cold_asked_people", "UInt64", "of these, asked with no exchange before"),
        Column("cold_ask_share", "Nullable(Float64)", "cold_asked_people among asked_people"),
    ),
    cold_asks,
)
