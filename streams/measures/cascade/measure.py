"""What a measure of a cascade is.

A pure function of what it sees (`view`), its columns, and how each adds up where a root has several episodes. A file in this
folder with a `MEASURE` is part of every row of `cascade_episodes`, and of the view `cascades` (`catalogue`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from schemas.rows.table import Summed
from streams.measures.cascade.view import CascadeView

SUM: Final = "sum({})"
MOST: Final = "max({})"
LARGEST: Final = "argMax({}, e.size)"
"""That of the largest episode,"""
LATEST: Final = "argMax({}, e.as_of)"
"""and that of the latest; `e` are the episodes."""


@dataclass(frozen=True, slots=True)
class CascadeMeasure:
    """Columns, each with the SQL that adds it up over episodes (`{}` is the column), and the function that fills them."""

    columns: tuple[Summed, ...]
    of: Callable[[CascadeView], Sequence[Any]]
