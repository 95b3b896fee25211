"""ClickHouse reading Kafka by itself."""

from __future__ import annotations

from typing import ClassVar

from infra.bench.peer import PythonPeer
from infra.stack.artifacts import CLICKHOUSE


class ClickHouse(PythonPeer):
    """A database, not a stream processor: it counts what it has read, by the block."""

    name = "clickhouse"
    title = "ClickHouse Kafka engine"
    form = "one consumer, a materialized view into a SummingMergeTree, a block a second; several threads"
    durable = "the counts are in parts on disk"
    clickhouse = True
    charged = True
    program: ClassVar[str] = "clickhouse"

    def versions(self) -> dict[str, str]:
        """Return the local stack's."""
        return {"clickhouse": CLICKHOUSE}
