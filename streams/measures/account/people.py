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

from collections.abc import Sequence
from math import sqrt
from typing import Final

from schemas.fact import CHECKIN, FOLLOW, POST, UNFOLLOW
from schemas.rows.table import Column
from streams.measures.account.measure import WindowMeasure, WindowView, split
from streams.measures.account.person import Person

Row = tuple[int, int, int, float, int, int, int, float]


def people(view: WindowView) -> Row:
    """Return people who engaged (all, earned, incentivised, error) and people engaged with (the same).

    >>> ada, bob = Person(in_earned=100, out_earned=90), Person(in_earned=40, in_bought=101)
    >>> people(WindowView(people=(ada, bob), start=95))
    (2, 1, 1, 0.0, 0, 0, 0, 0.0)
    >>> view = WindowView(people=(ada, bob), start=95, scale=4)
    >>> view.received[3], view.received_bought[3] = 7, 5  # likes
    >>> people(view)[:4]
    (7, 2, 4, 4.898979)
    """
    if view.lately is not None:
        *counts, scale = view.lately
    else:
        counts, scale = _counted(view.people, view.start), view.scale
    engaged, earned, bought, given, given_earned, given_bought = counts
    if scale == 1:
        return (engaged, earned, bought, 0.0, given, given_earned, given_bought, 0.0)
    # Where there are actions there is somebody, and there are no more people than actions.
    received, bought_actions = _actions(view.received), _actions(view.received_bought)
    gave, bought_gifts = _actions(view.given), _actions(view.given_bought)
    return (
        _between(engaged * scale, received),
        _between(earned * scale, received - bought_actions),
        _between(bought * scale, bought_actions),
        error(engaged, scale),
        _between(given * scale, gave),
        _between(given_earned * scale, gave - bought_gifts),
        _between(given_bought * scale, bought_gifts),
        error(given, scale),
    )


def _between(estimate: int, actions: int) -> int:
    return max(min(estimate, actions), 1) if actions > 0 else 0


def _actions(counts: list[int]) -> int:
    return max(sum(counts) - sum(counts[kind] for kind in _TO_NOBODY), 0)


_TO_NOBODY: Final = (POST, CHECKIN, FOLLOW, UNFOLLOW)
"""Kinds that are no engagement with anybody."""


def _counted(people: Sequence[Person], start: int) -> list[int]:
    engaged = earned = bought = given = given_earned = given_bought = 0
    for person in people:
        if person.in_earned >= start:
            earned += 1
            engaged += 1
            if person.in_bought >= start:
                bought += 1
        elif person.in_bought >= start:
            bought += 1
            engaged += 1
        if person.out_earned >= start:
            given_earned += 1
            given += 1
            if person.out_bought >= start:
                given_bought += 1
        elif person.out_bought >= start:
            given_bought += 1
            given += 1
    return [engaged, earned, bought, given, given_earned, given_bought]


def error(found: int, scale: int) -> float:
    """Return the standard error of `found` · `scale` when each person was sampled with probability 1 /
    `scale`.

    >>> error(100, 1), error(100, 2)
    (0.0, 14.142136)
    """
    return round(sqrt(found * (1.0 - 1.0 / scale)) * scale, 6) if scale > 1 else 0.0


MEASURE: Final = WindowMeasure(
    (
        *split("people", "UInt64", "distinct people who engaged with the account"),
        Column("people_error", "Float64", "standard error of people; 0 while exact"),
        *split("given_people", "UInt64", "distinct people the account engaged with"),
        Column("given_people_error", "Float64", "standard error of given_people; 0 while exact"),
    ),
    people,
)
