"""Repeat engagers: people who came back.

- Definition: people with two visits in the window; a visit ends with an hour of silence of that person.
- Formula: persons whose last engagement before their latest visit lies in the window / people. Units:
  persons; a share of 1, NULL without people.
- Source: loyalty as repeat rate (Ehrenberg, Goodhardt & Barwise 1990, "Double Jeopardy Revisited"): `loyalty`
  in ClickHouse compares it with what reach predicts.
- Fooled by: bots on a timer; windows shorter than a visit's silence, which can show none.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from schemas.rows.table import Column
from streams.measures.account.columns import ratio
from streams.measures.account.measure import WindowMeasure
from streams.measures.account.views import WindowViews


def repeat_engagers(views: WindowViews) -> tuple[np.ndarray, ...]:
    """Return people who came back within the window, and their share of people.

    >>> from streams.measures.account.person import Person
    >>> from streams.measures.account.views import window
    >>> MEASURE.rows(window(people=(Person(in_earned=90, visited=20), Person(in_earned=80)), start=5))
    [(1, 0.5)]
    """
    people, since = views.people, views.since
    engaged = (people.in_earned >= since) | (people.in_bought >= since)
    repeated = views.count(engaged & (people.visited >= since))
    return (repeated * views.scale, ratio(repeated, views.count(engaged)))


MEASURE: Final = WindowMeasure(
    (
        Column("repeat_people", "UInt64", "people with two visits or more"),
        Column("repeat_share", "Nullable(Float64)", "repeat_people among people"),
    ),
    repeat_engagers,
)
