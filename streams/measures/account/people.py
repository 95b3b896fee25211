"""People: distinct accounts behind the engagement, received and given.

- Formula: number of persons whose last engagement lies in the window. Exact while no more than 512 persons
  are remembered (and for 5m and 1h while no hour had more than 512); beyond, persons are sampled by a hash of
  their name (one in 2^level, a theta sketch after Dasgupta, Lang, Rhodes & Thaler 2016, with the threshold
  moved in powers of two) and the number found is multiplied by 2^level. `people_error` is the standard error
  of that: √(found · (1 − θ)) / θ with θ = 2^−level; 0 while exact.
- Units: persons. A person may be both earned and incentivised, so the two can add up to more than all.
- Source: theta sketches, arXiv 1510.01455.
- Fooled by: many accounts of one person.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from schemas.fact import CHECKIN, FOLLOW, POST, UNFOLLOW
from schemas.rows.table import Column
from streams.measures.account.columns import Floats, Ints, rounded
from streams.measures.account.measure import WindowMeasure, split
from streams.measures.account.views import WindowViews


def people(views: WindowViews) -> tuple[np.ndarray, ...]:
    """Return people who engaged (all, earned, incentivised, error) and people engaged with (the same).

    >>> from schemas.fact import LIKE
    >>> from streams.measures.account.person import Person
    >>> from streams.measures.account.views import window
    >>> both = Person(in_earned=100, out_earned=90), Person(in_earned=40, in_bought=101)
    >>> MEASURE.rows(window(people=both, start=95))
    [(2, 1, 1, 0.0, 0, 0, 0, 0.0)]
    >>> actions = {"received": {LIKE: 7}, "received_bought": {LIKE: 5}}
    >>> MEASURE.rows(window(people=both, start=95, scale=4, **actions))[0][:4]
    (7, 2, 4, 4.898979)
    """
    counts, scale = _counted(views), views.scale
    if views.lately:
        scale = scale.copy()
        for at, (*finer, finer_scale) in views.lately.items():
            counts[:, at], scale[at] = finer, finer_scale
    if (scale == 1).all():
        exact = np.zeros(len(scale))
        return (*counts[:3], exact, *counts[3:], exact)
    # Where there are actions there is somebody, and there are no more people than actions.
    received, bought = _actions(views.received), _actions(views.received_bought)
    gave, bought_gifts = _actions(views.given), _actions(views.given_bought)
    actions = np.stack([received, received - bought, bought, gave, gave - bought_gifts, bought_gifts])
    between = np.where(actions > 0, np.maximum(np.minimum(counts * scale, actions), 1), 0)
    estimates = np.where(scale > 1, between, counts)
    return (*estimates[:3], error(counts[0], scale), *estimates[3:], error(counts[3], scale))


def _actions(counts: Ints) -> Ints:
    actions: Ints = np.maximum(counts.sum(axis=0) - counts[_TO_NOBODY].sum(axis=0), 0)
    return actions


_TO_NOBODY: Final = np.array((POST, CHECKIN, FOLLOW, UNFOLLOW))
"""Kinds that are no engagement with anybody."""


def _counted(views: WindowViews) -> Ints:
    since, people = views.since, views.people
    earned, bought = people.in_earned >= since, people.in_bought >= since
    given_earned, given_bought = people.out_earned >= since, people.out_bought >= since
    six = (earned | bought, earned, bought, given_earned | given_bought, given_earned, given_bought)
    return np.stack([views.count(each) for each in six])


def error(found: Ints, scale: Ints) -> Floats:
    """Return the standard error of `found` · `scale` when each person was sampled with probability 1 /
    `scale`.

    >>> error(np.array([100, 100]), np.array([1, 2])).tolist()
    [0.0, 14.142136]
    """
    return rounded(np.sqrt(found * (1.0 - 1.0 / scale)) * scale)


MEASURE: Final = WindowMeasure(
    (
        *split("people", "UInt64", "distinct people who engaged with the account"),
        Column("people_error", "Float64", "standard error of people; 0 while exact"),
        *split("given_people", "UInt64", "distinct people the account engaged with"),
        Column("given_people_error", "Float64", "standard error of given_people; 0 while exact"),
    ),
    people,
)
