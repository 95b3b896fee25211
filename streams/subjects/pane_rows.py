"""Rows of `account_panes`: how many actions of which kind an account received or gave in a minute."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from schemas.event import KINDS
from streams.subject import Rows
from streams.windows.panes import DIRECTIONS, KLASS_BITS, Panes

_SLOT: Final = tuple(
    (DIRECTIONS[code >> 4], KINDS[code & 15]) if code & 15 < len(KINDS) else ("", "") for code in range(32)
)
"""Direction and kind of a slot without its class."""


def say_panes(key: str, minutes: Panes, touched: Iterable[int], rows: Rows) -> None:
    """Say the row of each pane in `touched`, pane keys without their class, as `minutes` has it now."""
    panes = rows.by_table.setdefault("account_panes", [])
    get = minutes.get
    for pane in touched:
        at = pane << KLASS_BITS
        undisclosed = get(at | 2) or 0
        incentivised = get(at | 1) or 0
        if undisclosed or incentivised:  # rarely; with max() for each number a pane takes two to three times as long
            undisclosed = max(undisclosed, 0)
            incentivised = max(incentivised + undisclosed, 0)
        everything = (get(at) or 0) + incentivised
        direction, kind = _SLOT[pane & 31]
        panes.append(
            (key, (pane >> 5) * 60, direction, kind, everything if everything > 0 else 0, incentivised, undisclosed)
        )
