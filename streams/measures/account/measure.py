"""What a measure of an account is.

A *window* measure sees the panes of windows, however long those are: two windows that hold the same panes get
the same answer, and it is worked out once. A *standing* measure sees all that is remembered, as of a minute. Both
are pure functions of what they see, and see many windows or accounts at once, in columns (`views`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np

from schemas.rows.table import Column
from streams.measures.account.columns import FEW, Values
from streams.measures.account.views import StandingViews, WindowViews

WINDOW_NAMES: Final = ("5m", "1h", "24h", "7d", "30d")
"""Narrow to wide."""


class Alike(tuple[Any, ...]):
    """A column that holds one value throughout."""

    __slots__ = ()


def cells(column: Values) -> Sequence[Any]:
    """Return the values of a column as they are written: None for NaN.

    Most columns hold nothing but zeros or Nones; those of more than FEW values are then Alike.
    """
    if not isinstance(column, np.ndarray):
        return column
    if len(column) <= FEW:
        values: list[Any] = column.tolist()
        return values if column.dtype != np.float64 else [None if value != value else value for value in values]
    if not column.any():  # NaN is something
        return alike(0 if column.dtype == np.int64 else 0.0, len(column))
    values = column.tolist()
    if column.dtype != np.float64:
        return values
    nothing = np.isnan(column)
    if not nothing.any():
        return values
    return alike(None, len(column)) if nothing.all() else [None if value != value else value for value in values]


@lru_cache(maxsize=256, typed=True)
def alike(value: Any, count: int) -> Alike:
    """Return a column that holds one value throughout; most are, so they are not made anew each time."""
    return Alike((value,) * count)


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
