"""Reciprocity of an account: of those it engaged with, who engaged with it.

- Formula: people with engagement both ways in the window / people engaged with in it. The account's own row
  of the share of ties returned. Units: persons; a share of 1, NULL when nobody was engaged with.
- Source: Garlaschelli & Loffredo 2004 (the ratio, for one node; the network's own figures are in the tie
  views).
- Fooled by: chance in dense groups, where much is mutual anyway; compare with the network's ρ.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from schemas.rows.table import Column
from streams.measures.account.columns import ratio
from streams.measures.account.measure import WindowMeasure
from streams.measures.account.views import WindowViews


def reciprocity(views: WindowViews) -> tuple[np.ndarray, ...]:
    """Return people with engagement both ways, and their share of those engaged with.

    >>> from streams.measures.account.person import Person
    >>> from streams.measures.account.views import window
    >>> MEASURE.rows(window(people=(Person(in_earned=7, out_earned=9), Person(out_earned=8)), start=5))
    [(1, 0.5)]
    """
    people, since = views.people, views.since
    given = (people.out_earned >= since) | (people.out_bought >= since)
    mutual = views.count(given & ((people.in_earned >= since) | (people.in_bought >= since)))
    return (mutual * views.scale, ratio(mutual, views.count(given)))


MEASURE: Final = WindowMeasure(
    (
        Column("mutual_people", "UInt64", "people with engagement both ways"),
        Column("reciprocity", "Nullable(Float64)", "mutual_people among given_people"),
    ),
    reciprocity,
)
