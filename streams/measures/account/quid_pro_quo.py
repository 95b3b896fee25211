"""Quid pro quo: applause returned within minutes, again and again, between the same two.

- Definition: a swap is a like, share, quote or recommendation that comes within 10 minutes of having been
  engaged with by the same person, either way. A person with 3 swaps or more, the last of them in the window,
  is counted.
- Units: persons. Replies, mentions and tags swap nothing: quick answers are conversation.
- Source: the mission ("whether they look like quid pro quo"); the figures are the project's own.
- Fooled by: trades that take longer, go through a third account, or are of two sorts (a follow for a like).
"""

from __future__ import annotations

from typing import Final

from schemas.rows.table import Column
from streams.measures.account.columns import Ints
from streams.measures.account.measure import WindowMeasure
from streams.measures.account.person import SWAPS
from streams.measures.account.views import WindowViews


def quid_pro_quo(views: WindowViews) -> tuple[Ints]:
    """Return people with whom applause is traded.

    >>> from streams.measures.account.person import Person
    >>> from streams.measures.account.views import window
    >>> MEASURE.rows(window(people=(Person(swaps=40, swapped=9), Person(swaps=1, swapped=9)), start=5))
    [(1,)]
    """
    people = views.people
    return (views.count((people.swapped >= views.since) & (people.swaps >= SWAPS)) * views.scale,)


MEASURE: Final = WindowMeasure(
    (
        Column(
            "quid_pro_quo_people",
            "UInt64",
            "people with whom applause is traded within minutes, 3 times or more",
        ),
    ),
    quid_pro_quo,
)
