"""Whose will it is: shares that were earned, and those made for something in return.

- Definition: shares (quotes, tags) of the cascade by class of their incentive; `undisclosed` are those of the incentivised
  that do not say so. earned + incentivised is the size.
- Units: shares.
- Source: docs/glossary.md, *incentivised*.
- Fooled by: what nobody says and nothing gives away counts as earned.
"""

from __future__ import annotations

from typing import Final

from schemas.rows.table import Column, Summed
from streams.measures.cascade.measure import SUM, CascadeMeasure
from streams.measures.cascade.view import CascadeView


def counts(view: CascadeView) -> tuple[int, int, int]:
    """Return earned, incentivised and undisclosed shares.

    >>> from streams.measures.cascade.view import cascade
    >>> counts(cascade((10, "bob", ""), (20, "cy", ""), (30, "dee", ""), incentivised=2, undisclosed=1))
    (1, 2, 1)
    """
    return view.size - view.incentivised, view.incentivised, view.undisclosed


MEASURE: Final = CascadeMeasure(
    (
        Summed(Column("earned", "UInt64", "of the size, without an incentive"), SUM),
        Summed(Column("incentivised", "UInt64", "of the size, made for something in return, said or not"), SUM),
        Summed(Column("undisclosed", "UInt64", "of the incentivised, those that do not say so"), SUM),
    ),
    counts,
)
