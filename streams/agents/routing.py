"""Which partition a key lives in, and how rows are addressed to the sink."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zlib import crc32

from schemas.rows import encode_rows
from streams.engine.outbox import Send
from streams.tables import ALL_TABLES

_COLUMNS = {
    name: ",".join((*(column.name for column in table.stored), "version")).encode()
    for name, table in ALL_TABLES.items()
}


def partition_of(home: str, partitions: int) -> int:
    """Return the partition of `home`: CRC-32 of its UTF-8 bytes, modulo; it decides where state is and never changes."""
    return crc32(home.encode()) % partitions


def rows_send(
    topic: str, partition: int, table: str, rows: Sequence[tuple[Any, ...]], version: int, appended: int = 0
) -> Send:
    """Return the message that carries `rows` of `table` to the sink, the version put behind each row."""
    value = encode_rows([(*row, version) for row in rows])
    return Send(topic, partition, table.encode(), value, row_headers(table, len(rows), appended))


def row_headers(table: str, count: int, appended: int) -> tuple[tuple[str, bytes], ...]:
    """Return what the sink wants to know of a message without reading it: its columns, how many rows, the oldest
    append (ms, 0 if it says nothing).
    """
    return ("columns", _COLUMNS[table]), ("rows", b"%d" % count), ("appended", b"%d" % appended)
