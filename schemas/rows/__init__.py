"""The rows that leave: every table's columns, in the order in which its rows are written.

`TABLES` names every table but two: the columns of `account_scores` and `cascade_episodes` are those of the measures that are
found, so `streams.tables` adds them (`ALL_TABLES`). Agents make rows, `encode_rows` or `columns` puts them into bytes, the
sink inserts them, and `juice migrate` makes the tables. To add a table, declare a `Table` in a file of this package (one file
per group of tables) and name it in `TABLES` below.
"""

from __future__ import annotations

from typing import Final

from schemas.rows.campaigns import (
    CAMPAIGN_ENTRIES,
    CAMPAIGN_LINKS,
    CAMPAIGN_POINTS,
    CAMPAIGN_SIGNALS,
    CAMPAIGN_TREES,
    CAMPAIGNS,
    REWARDS,
    VENUE_TITLES,
)
from schemas.rows.events import EVENTS, events_row
from schemas.rows.letters import DEAD_LETTERS
from schemas.rows.panes import ACCOUNT_PANES
from schemas.rows.retractions import RETRACTIONS
from schemas.rows.table import (
    BY_ROW,
    CASE,
    NESTED,
    VERSION,
    Column,
    Packed,
    Table,
    encode_rows,
    join_rows,
)
from schemas.rows.ties import PAGE_RANKS, TIES
from schemas.rows.totals import OUTCOMES
from schemas.rows.trends import TRENDS

TABLES: Final[dict[str, Table]] = {
    table.name: table
    for table in (
        EVENTS,
        RETRACTIONS,
        ACCOUNT_PANES,
        DEAD_LETTERS,
        OUTCOMES,
        VENUE_TITLES,
        CAMPAIGNS,
        CAMPAIGN_POINTS,
        CAMPAIGN_ENTRIES,
        CAMPAIGN_LINKS,
        CAMPAIGN_TREES,
        CAMPAIGN_SIGNALS,
        REWARDS,
        TRENDS,
        TIES,
        PAGE_RANKS,
    )
}
"""Every table but `account_scores` and `cascade_episodes`, by name."""

__all__ = [
    "BY_ROW",
    "CASE",
    "NESTED",
    "TABLES",
    "VERSION",
    "Column",
    "Packed",
    "Table",
    "encode_rows",
    "events_row",
    "join_rows",
]
