"""Rows of ties: who turned to whom, by day."""

from __future__ import annotations

from typing import Final

from schemas.rows.table import Column, Table

TIES: Final = Table(
    name="ties",
    doc="What a source did towards a target on a day (UTC). Weights are as of the day's end.",
    columns=(
        Column("source", "String", "who acted"),
        Column("target", "String", "who received it"),
        Column("day", "Date", "day of the actions, in event time"),
        Column("events", "UInt64", "actions of every kind but unfollow, undone ones taken off"),
        Column("incentivised", "UInt64", "of these, made for something in return, said or not"),
        Column("undisclosed", "UInt64", "of the incentivised, those that do not say so"),
        Column("amplifications", "UInt64", "of the actions, shares, quotes and tags"),
        Column("weight", "Float64", "sum of efforts, each decayed from its moment to the day's end"),
        Column("earned_weight", "Float64", "of the weight, what was given without an incentive"),
    ),
    key=("source", "target", "day"),
    live="events > 0",
    partition="toYear(day)",
    time="day",
)
