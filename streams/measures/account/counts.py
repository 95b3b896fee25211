"""Counts: actions by kind, received and given.

- Definition: net actions in the window, those taken back by an undo taken off; an action on several accounts
  is one received by each and as many given. Received kinds are those the contract lets an account receive.
- Formula: Σ sign over the window's panes. Units: actions.
- Source: the ledger of the contract ("who receives").
- Fooled by: one person acting a thousand times; see `people`.
"""

from __future__ import annotations

from typing import Final

from schemas.event import KINDS
from schemas.fact import CHECKIN, POST, TO_AUTHOR, TO_TARGETS
from schemas.rows.table import Column
from streams.measures.account.measure import WindowMeasure, WindowView, split

RECEIVABLE: Final = tuple(sorted(TO_AUTHOR | TO_TARGETS))
GIVABLE: Final = tuple(sorted(TO_AUTHOR | TO_TARGETS | {POST, CHECKIN}))


def counts(view: WindowView) -> tuple[int, ...]:
    """Return all actions, then three counts for each received kind, then for each given kind.

    >>> view = WindowView()
    >>> view.received[3], view.received_bought[3] = 5, 2  # likes
    >>> row = dict(zip((column.name for column in MEASURE.columns), counts(view)))
    >>> row["actions"], row["received_like"], row["received_like_earned"]
    (5, 5, 3)
    """
    row = _ZEROS.copy()
    row[0] = max(sum(view.received) + sum(view.given), 0)
    for first, everything, bought in (
        (_RECEIVED, view.received, view.received_bought),
        (_GIVEN, view.given, view.given_bought),
    ):
        if any(everything):
            for kind, at in first:
                number = everything[kind]
                if number > 0:
                    incentivised = max(bought[kind], 0)
                    row[at : at + 3] = (number, max(number - incentivised, 0), incentivised)
    return tuple(row)


_RECEIVED: Final = tuple((kind, 1 + 3 * at) for at, kind in enumerate(RECEIVABLE))
_GIVEN: Final = tuple((kind, 1 + 3 * at) for at, kind in enumerate(GIVABLE, start=len(RECEIVABLE)))
"""Kind, and the place of its first column."""
_ZEROS: Final = [0] * (1 + 3 * len(RECEIVABLE) + 3 * len(GIVABLE))


def _columns() -> tuple[Column, ...]:
    columns = [Column("actions", "UInt64", "all that was received and given; 0 says that the window is empty")]
    for direction, kinds in (("received", RECEIVABLE), ("given", GIVABLE)):
        for kind in kinds:
            columns += split(f"{direction}_{KINDS[kind]}", "UInt64", f"{KINDS[kind]} actions {direction}")
    return tuple(columns)


MEASURE: Final[WindowMeasure] = WindowMeasure(_columns(), counts)
