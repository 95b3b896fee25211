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
    row = [sum(view.received) + sum(view.given)]
    for kinds, everything, bought in (
        (RECEIVABLE, view.received, view.received_bought),
        (GIVABLE, view.given, view.given_bought),
    ):
        for kind in kinds:
            number = everything[kind]
            if number > 0:
                row += (number, max(number - bought[kind], 0), max(bought[kind], 0))
            else:
                row += (0, 0, 0)
    return tuple(row)


def _columns() -> tuple[Column, ...]:
    columns = [
        Column("actions", "UInt64", "all that was received and given; 0 says that the window is empty")
    ]
    for direction, kinds in (("received", RECEIVABLE), ("given", GIVABLE)):
        for kind in kinds:
            columns += split(f"{direction}_{KINDS[kind]}", "UInt64", f"{KINDS[kind]} actions {direction}")
    return tuple(columns)


MEASURE: Final[WindowMeasure] = WindowMeasure(_columns(), counts)
