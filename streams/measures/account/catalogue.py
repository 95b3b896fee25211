"""Every measure of an account, found by looking: a file in this folder with a `MEASURE` is part of every
row."""

from __future__ import annotations

from typing import Final

import streams.measures.account as package
from schemas.rows.columns import Layout, Values
from schemas.rows.table import Column, Packed, Table
from streams.measures.account.measure import WINDOW_NAMES, StandingMeasure, WindowMeasure
from streams.measures.account.views import StandingViews, WindowViews
from streams.measures.discovery import measures_in

MEASURES: Final[list[WindowMeasure | StandingMeasure]] = measures_in(package)
WINDOW_MEASURES: Final = tuple(each for each in MEASURES if isinstance(each, WindowMeasure))
STANDING_MEASURES: Final = tuple(each for each in MEASURES if isinstance(each, StandingMeasure))


def window_columns(views: WindowViews) -> list[Values]:
    """Return the columns of all window measures, in the order of the table."""
    return [column for measure in WINDOW_MEASURES for column in measure.of(views)]


def standing_columns(views: StandingViews) -> list[Values]:
    """Return the columns of all standing measures, in the order of the table."""
    return [column for measure in STANDING_MEASURES for column in measure.of(views)]


ACTIONS: Final = [column.name for each in WINDOW_MEASURES for column in each.columns].index("actions")
"""Which of the window columns says whether there is anything in it."""

ACCOUNT_SCORES: Final = Table(
    name="account_scores",
    doc="What is measured of an account, by window. Rows are current: silence empties a window.",
    columns=(
        Column("account", "String", "whose row it is"),
        Column(
            "window", "LowCardinality(String)", f"{', '.join(WINDOW_NAMES[:-1])} or {WINDOW_NAMES[-1]}, up to as_of"
        ),
        Column("as_of", "DateTime('UTC')", "when what the row says became true; it holds until a newer row"),
        *(column for each in WINDOW_MEASURES for column in each.columns),
        *(column for each in STANDING_MEASURES for column in each.columns),
    ),
    key=("account", "window"),
    time="as_of",
    packed=Packed(
        by="window",
        values=WINDOW_NAMES,
        own=frozenset({"as_of"}),
        cased=frozenset(column.name for each in WINDOW_MEASURES for column in each.columns),
    ),
)
"""The table of account rows; a new measure is a new column at its place, so columns are inserted by name."""

LAYOUT: Final = Layout(ACCOUNT_SCORES)
"""How account rows are written."""
