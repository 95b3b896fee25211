"""Rows that say which events were taken back."""

from __future__ import annotations

from typing import Final

from schemas.rows.table import Column, Table

RETRACTIONS: Final = Table(
    name="retractions",
    doc="Events that an undo has taken back, one row each; (time, id) is that of the event.",
    columns=(
        Column("id", "String", "the event that counts no more"),
        Column("time", "DateTime64(3, 'UTC')", "when it happened; beyond the horizon another may have its id"),
        Column(
            "undo", "String", "id of the undo, the earliest of several; empty when an older version did not keep it"
        ),
        Column("undo_time", "DateTime64(3, 'UTC')", "when the undo happened"),
    ),
    key=("time", "id"),
    partition="toYear(time)",
    time="toDateTime(time)",
)
"""Partitioned and expired as events are."""

RECALLED: Final = 0
TOLD: Final = 2
"""Versions. Lowest is what is told once more out of state that an older version left, which does not know the undo's id; then,
with 1, what migration 9 counted in SQL; and what is told as it happens has the offset of what caused it, and TOLD more."""
