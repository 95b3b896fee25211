"""Rows that prove conservation: what became of every record read."""

from __future__ import annotations

from typing import Final

from schemas.rows.table import Column, Table

OUTCOMES: Final = Table(
    name="outcomes",
    doc="Records that a stage took from a source partition, by what became of them, since the beginning.",
    columns=(
        Column("stage", "LowCardinality(String)", "who counts: ingest or accept"),
        Column("partition", "UInt32", "partition of the stage that counts"),
        Column("source_partition", "UInt32", "partition of the input that the records came from"),
        Column("outcome", "LowCardinality(String)", "what became of them: accepted, duplicate, or a reason"),
        Column("records", "UInt64", "how many"),
    ),
    key=("stage", "partition", "source_partition", "outcome"),
)
