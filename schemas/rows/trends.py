"""Rows of what rises: hashtags, and cascades that may go viral."""

from __future__ import annotations

from typing import Final

from schemas.rows.table import Column, Table

TRENDS: Final = Table(
    name="trends",
    doc="What rises faster than it used to: one row per rise.",
    columns=(
        Column("id", "String", "stable: the same rise has the same id in every run"),
        Column("kind", "LowCardinality(String)", "tag: a hashtag rises; cascade: a post may go viral"),
        Column("name", "String", "the hashtag without its sign, or the root"),
        Column("raised_at", "DateTime('UTC')", "when the rise was seen"),
        Column("ended_at", "Nullable(DateTime('UTC'))", "when it was over; null while it lasts"),
        Column("z", "Float64", "largest (x − λ)/√λ; for a cascade 0"),
        Column("rate", "Float64", "per minute, as of as_of"),
        Column("baseline", "Float64", "per minute, as it was before; for a cascade 0"),
        Column("size", "UInt64", "uses since it rose; for a cascade its size"),
        Column("forecast_size", "Nullable(Float64)", "for a cascade: see cascades"),
        Column("as_of", "DateTime('UTC')", "event time that this row describes"),
    ),
    key=("id",),
    live="raised_at > 0",
    time="as_of",
)
