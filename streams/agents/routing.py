"""Which partition a key lives in, how rows are addressed to the sink, and how large a message may be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar
from zlib import crc32

from schemas.rows import encode_rows
from schemas.rows.columns import BY_COLUMN, Columns
from streams.engine.outbox import Send
from streams.tables import ALL_TABLES

MAX_MESSAGE: Final = 960 * 1024
"""Most bytes of a message; what is more is sent as several, since brokers take 1 MB by default. Only what one input record causes
stays in one message, however large it is."""

T = TypeVar("T")
_COLUMNS = {
    name: ",".join((*(column.name for column in table.stored), "version")).encode()
    for name, table in ALL_TABLES.items()
}


def partition_of(home: str, partitions: int) -> int:
    """Return the partition of `home`: CRC-32 of its UTF-8 bytes, modulo; it decides where state is and never changes."""
    return crc32(home.encode()) % partitions


def cut(items: Sequence[T], offset_of: Callable[[T], int]) -> int:
    """Return the index nearest to the middle of `items`, in order of offset, where another offset begins; 0 if none."""
    middle = len(items) // 2
    offset = offset_of(items[middle])
    begins = next((i for i in range(middle, 0, -1) if offset_of(items[i - 1]) != offset), 0)
    return begins or next((i for i in range(middle, len(items)) if offset_of(items[i]) != offset), 0)


def fitting(
    items: Sequence[T],
    offset_of: Callable[[T], int],
    make: Callable[[Sequence[T], int, int, bool], bytes],
    begin: int,
    end: int,
    last: bool = True,
) -> Iterator[bytes]:
    """Yield `make(items, begin, end, last)` for runs of `items` that make no more than MAX_MESSAGE bytes each.

    A run is of offsets [begin, end); what is of one offset stays together, because receivers tell by their `end`
    which messages they have had. `last` is true for the last of them alone, with which everything has been said.
    """
    value = make(items, begin, end, last)
    middle = cut(items, offset_of) if len(value) > MAX_MESSAGE else 0
    if not middle:
        yield value
        return
    at = offset_of(items[middle])
    yield from fitting(items[:middle], offset_of, make, begin, at, False)
    yield from fitting(items[middle:], offset_of, make, at, end, last)


def rows_sends(
    topic: str, partition: int, table: str, rows: Sequence[tuple[Any, ...]], version: int, appended: int = 0
) -> Iterator[Send]:
    """Yield the messages that carry `rows` of `table` to the sink, the version put behind each row."""
    yield from versioned_sends(topic, partition, table, [(*row, version) for row in rows], appended)


def versioned_sends(
    topic: str, partition: int, table: str, said: Sequence[tuple[Any, ...]], appended: int = 0
) -> Iterator[Send]:
    """Yield the messages that carry rows that end in versions of their own."""
    for value, count in _halved(lambda begin, end: encode_rows(said[begin:end]), 0, len(said)):
        yield Send(topic, partition, table.encode(), value, row_headers(table, count, appended))


def columns_sends(topic: str, partition: int, columns: Columns, version: int) -> Iterator[Send]:
    """Yield the messages that carry rows by column."""
    table = columns.layout.table.name
    for value, count in _halved(lambda begin, end: columns.encode(version, begin, end), 0, len(columns)):
        headers = (*row_headers(table, count, 0), ("format", BY_COLUMN.encode()))
        yield Send(topic, partition, table.encode(), value, headers)


def _halved(make: Callable[[int, int], bytes], begin: int, end: int) -> Iterator[tuple[bytes, int]]:
    """Yield what `make` makes of [begin, end), by halves where it is more than MAX_MESSAGE, and of how many that is."""
    value = make(begin, end)
    if len(value) > MAX_MESSAGE and end - begin > 1:
        middle = (begin + end) // 2
        yield from _halved(make, begin, middle)
        yield from _halved(make, middle, end)
    else:
        yield value, end - begin


def row_headers(table: str, count: int, appended: int) -> tuple[tuple[str, bytes], ...]:
    """Return what the sink wants to know of a message without reading it: its columns, how many rows, the oldest
    append (ms, 0 if it says nothing).
    """
    return ("columns", _COLUMNS[table]), ("rows", b"%d" % count), ("appended", b"%d" % appended)
