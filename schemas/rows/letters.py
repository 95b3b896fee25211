"""Rows of the dead letters."""

from __future__ import annotations

from typing import Final

from schemas.rows.table import Column, Table

DEAD_LETTERS: Final = Table(
    name="dead_letters",
    doc="Records that could not be used, and why; as on the topic of dead letters.",
    columns=(
        Column("reason", "LowCardinality(String)", "one of a closed list: schemas.decode.Reason"),
        Column("detail", "String", "what exactly is wrong, for people"),
        Column("topic", "LowCardinality(String)", "where the record is in Kafka"),
        Column("partition", "UInt32", "where the record is in Kafka"),
        Column("offset", "UInt64", "where the record is in Kafka"),
        Column("record", "String", "its bytes, base64"),
        Column("at", "DateTime64(3, 'UTC')", "when Kafka had the record"),
    ),
    key=("topic", "partition", "offset"),
)
