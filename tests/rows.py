"""Reads rows as they left a worker, in whatever format, with the reader of ClickHouse's own client."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import cramjam
from clickhouse_connect.driver.query import QueryContext
from clickhouse_connect.driver.transform import NativeTransform
from clickhouse_connect.driverc.buffer import ResponseBuffer

from schemas.rows import Table


class _Source:
    """Bytes, as the client's reader wants them."""

    def __init__(self, raw: bytes) -> None:
        self.gen = iter([raw])

    def close(self) -> None:
        """Do nothing."""


def plain(table: Table, value: bytes) -> bytes:
    """Return what a message of rows of `table` says, not compressed."""
    return value if table.packed is None else bytes(cramjam.zstd.decompress(value))


def rows_of(
    table: Table, value: bytes, parse_constant: Callable[[str], Any] | None = None
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a message, their version last; `parse_constant` is asked for numbers that JSON does not have."""
    raw = plain(table, value)
    if table.packed is None:
        yield from map(tuple, json.loads(b"[" + raw + b"]", parse_constant=parse_constant))
        return
    context = QueryContext(query_formats={"DateTime": "int"})
    found = NativeTransform().parse_response(ResponseBuffer(_Source(raw)), context)
    assert found.column_names == (*(column.name for column in table.stored), "version")
    yield from map(tuple, found.result_rows)
