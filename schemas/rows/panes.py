"""Rows of the event-time panes."""

from __future__ import annotations

from typing import Final

from schemas.rows.table import Column, Table

ACCOUNT_PANES: Final = Table(
    name="account_panes",
    doc="What an account received and gave in a minute of event time, by kind.",
    columns=(
        Column("account", "String", "whose pane it is"),
        Column("pane", "DateTime('UTC')", "start of the minute, in event time"),
        Column("direction", "LowCardinality(String)", "received or given"),
        Column("kind", "LowCardinality(String)", "event type"),
        Column("events", "UInt64", "actions, all classes, undone ones taken off"),
        Column("incentivised", "UInt64", "of these, made for something in return, said or not"),
        Column("undisclosed", "UInt64", "of the incentivised, those that do not say so"),
    ),
    key=("account", "pane", "direction", "kind"),
    partition="toYear(pane)",
    time="pane",
    live="events > 0",
)
