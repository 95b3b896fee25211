"""What a measure of an account is.

A *window* measure sees the panes of windows, however long those are: two windows that hold the same panes get
the same answer, and it is worked out once. A *standing* measure sees all that is remembered, as of a minute. Both
are pure functions of what they see, and see many windows or accounts at once, in columns (`views`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from schemas.rows.columns import Values, cells
from schemas.rows.table import Column
from streams.measures.account.views import StandingViews, WindowViews

WINDOW_NAMES: Final = ("5m", "1h", "24h", "7d", "30d")
"""Narrow to wide."""


@dataclass(frozen=True, slots=True)
class WindowMeasure:
    """A measure of what a window holds: its columns, and the function that fills them."""

    columns: tuple[Column, ...]
    of: Callable[[WindowViews], Sequence[Values]]

    def rows(self, views: WindowViews) -> list[tuple[Any, ...]]:
        """Return what is said of each window."""
        return list(zip(*map(cells, self.of(views)), strict=True))


@dataclass(frozen=True, slots=True)
class StandingMeasure:
    """A measure of all that is remembered, the same in every window's row of one moment."""

    columns: tuple[Column, ...]
    of: Callable[[StandingViews], Sequence[Values]]

    def rows(self, views: StandingViews) -> list[tuple[Any, ...]]:
        """Return what is said of each account."""
        return list(zip(*map(cells, self.of(views)), strict=True))


def split(name: str, type: str, doc: str) -> tuple[Column, Column, Column]:
    """Return the three columns of a measure that is split into earned and incentivised.

    >>> [column.name for column in split("people", "UInt64", "people")]
    ['people', 'people_earned', 'people_incentivised']
    """
    return (
        Column(name, type, doc),
        Column(f"{name}_earned", type, f"{doc}: earned, nothing was got for it"),
        Column(f"{name}_incentivised", type, f"{doc}: made for something in return, said or not"),
    )
