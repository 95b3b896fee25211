"""Counts: actions by kind, received and given.

- Definition: net actions in the window, those taken back by an undo taken off; an action on several accounts
  is one received by each and as many given. Received kinds are those the contract lets an account receive.
- Formula: Σ sign over the window's panes. Units: actions.
- Source: the ledger of the contract ("who receives").
- Fooled by: one person acting a thousand times; see `people`.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from schemas.event import KINDS
from schemas.fact import CHECKIN, POST, TO_AUTHOR, TO_TARGETS
from schemas.rows.table import Column
from streams.measures.account.columns import Ints
from streams.measures.account.measure import WindowMeasure, split
from streams.measures.account.views import WindowViews

RECEIVABLE: Final = tuple(sorted(TO_AUTHOR | TO_TARGETS))
GIVABLE: Final = tuple(sorted(TO_AUTHOR | TO_TARGETS | {POST, CHECKIN}))


def counts(views: WindowViews) -> tuple[np.ndarray, ...]:
    """Return all actions, then three counts for each received kind, then for each given kind.

    >>> from schemas.fact import LIKE
    >>> from streams.measures.account.views import window
    >>> [said] = MEASURE.rows(window(received={LIKE: 5}, received_bought={LIKE: 2}))
    >>> row = dict(zip((column.name for column in MEASURE.columns), said))
    >>> row["actions"], row["received_like"], row["received_like_earned"]
    (5, 5, 3)
    """
    actions = np.maximum(views.received.sum(axis=0) + views.given.sum(axis=0), 0)
    received = _split(views.received[_RECEIVABLE], views.received_bought[_RECEIVABLE])
    return (actions, *received, *_split(views.given[_GIVABLE], views.given_bought[_GIVABLE]))


_RECEIVABLE: Final = np.array(RECEIVABLE)
_GIVABLE: Final = np.array(GIVABLE)


def _split(everything: Ints, bought: Ints) -> Ints:
    """Return three rows for each one: all, earned, incentivised."""
    bought = np.maximum(bought, 0)
    split = np.stack([everything, np.maximum(everything - bought, 0), bought], axis=1)
    return (split * (everything > 0)[:, None]).reshape(3 * len(everything), -1)


def _columns() -> tuple[Column, ...]:
    columns = [Column("actions", "UInt64", "all that was received and given; 0 says that the window is empty")]
    for direction, kinds in (("received", RECEIVABLE), ("given", GIVABLE)):
        for kind in kinds:
            columns += split(f"{direction}_{KINDS[kind]}", "UInt64", f"{KINDS[kind]} actions {direction}")
    return tuple(columns)


MEASURE: Final[WindowMeasure] = WindowMeasure(_columns(), counts)
