"""Who passed it on, and before how many it came at most.

- Definition: distinct accounts among those who shared; followers of the author and of these, of each account once, the most
  it had (`reach.py`).
- Units: accounts; followers.
- Source: the upper bound that is sold as "reach" or "potential impressions".
- Fooled by: overlap of audiences, sleeping and bought followers.
"""

from __future__ import annotations

from typing import Final

from schemas.rows.table import Column, Summed
from streams.measures.cascade.measure import SUM, CascadeMeasure
from streams.measures.cascade.names import number_of
from streams.measures.cascade.view import CascadeView


def audience(view: CascadeView) -> tuple[int, int]:
    """Return people and reach: here of the author and two others, of ten followers each.

    >>> from streams.measures.cascade.view import cascade
    >>> audience(cascade((10, "bob", ""), (20, "cy", "bob")))
    (2, 30)
    """
    return view.reach.people, view.reach.with_author(number_of(view.author), view.followers)


MEASURE: Final = CascadeMeasure(
    (
        Summed(
            Column("people", "UInt64", "distinct accounts that amplified"),
            SUM,
            "distinct accounts that amplified, added up over episodes",
        ),
        Summed(
            Column("reach", "UInt64", "followers of the author and of these: an upper bound of people reached"),
            SUM,
            "followers of the author and of these, added up over episodes: an upper bound of people reached",
        ),
    ),
    audience,
)
