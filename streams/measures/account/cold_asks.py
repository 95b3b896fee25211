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

from schemas.rows.table import Column
from streams.measures.account.measure import WindowMeasure, WindowView, ratio


def cold_asks(view: WindowView) -> tuple[int, int, float | None]:
    """Return people asked, people asked cold, and their share.

    >>> from streams.measures.account.person import Person
    >>> cold_asks(WindowView(people=(Person(asked=9, cold=9), Person(asked=8, warm=1)), start=5))
    (2, 1, 0.5)
    """
    start = view.start
    asked = cold = 0
    for person in view.people:
        if person.asked >= start:
            asked += 1
            if person.cold >= start:
                cold += 1
    return (asked * view.scale, cold * view.scale, ratio(cold, asked))


MEASURE: Final = WindowMeasure(
    (
        Column("asked_people", "UInt64", "people mentioned, tagged or followed"),
        Column("cold_asked_people", "UInt64", "of these, asked with no exchange before"),
        Column("cold_ask_share", "Nullable(Float64)", "cold_asked_people among asked_people"),
    ),
    cold_asks,
)
