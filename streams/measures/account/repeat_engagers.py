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

from schemas.rows.table import Column
from streams.measures.account.measure import WindowMeasure, WindowView, ratio


def repeat_engagers(view: WindowView) -> tuple[int, float | None]:
    """Return people who came back within the window, and their share of people.

    >>> from streams.measures.account.person import Person
    >>> repeat_engagers(WindowView(people=(Person(in_earned=90, visited=20), Person(in_earned=80)), start=5))
    (1, 0.5)
    """
    start = view.start
    engaged = repeated = 0
    for person in view.people:
        if person.in_earned >= start or person.in_bought >= start:
            engaged += 1
            if person.visited >= start:
                repeated += 1
    return (repeated * view.scale, ratio(repeated, engaged))


MEASURE: Final = WindowMeasure(
    (
        Column("repeat_people", "UInt64", "people with two visits or more"),
        Column("repeat_share", "Nullable(Float64)", "repeat_people among people"),
    ),
    repeat_engagers,
)
