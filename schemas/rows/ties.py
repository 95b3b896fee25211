"""Rows of ties: who turned to whom, by day."""

from __future__ import annotations

from typing import Final

from schemas.rows.table import Column, Table

HALF_LIFE_DAYS: Final = 14
"""In so many days a tie's weight halves. The one place: the stream reads it here, SQL as `ties.half_life_days`."""

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
    also=(Column("half_life_days", "UInt8", "days in which a weight halves"), str(HALF_LIFE_DAYS)),
)

PAGE_RANKS: Final = Table(
    name="page_ranks",
    doc="PageRank over ties, as `juice pagerank --save` worked it out; adds up to 1 for each pair of days.",
    columns=(
        Column("first_day", "Date", "ties count from this day on"),
        Column("last_day", "Date", "ties count up to this day, and weigh what they weigh at its end"),
        Column("earned", "Bool", "only what was done without an incentive counts"),
        Column("account", "String", "who is ranked"),
        Column("page_rank", "Float64", "share of attention that ends up here"),
        Column("rank", "UInt64", "place, from 1; equals go by name"),
    ),
    key=("first_day", "last_day", "earned", "account"),
    live="page_rank > 0",
)
