"""What a table is, and rows as bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, its ClickHouse type, and what it says, for analysts (one phrase, no full stop)."""

    name: str
    type: str
    doc: str


VERSION: Final = Column("version", "UInt64", "which of two rows with one key is newer; added by the agent")
"""The last column of every storage table."""


@dataclass(frozen=True, slots=True)
class Packed:
    """How rows that differ in one column of the key travel and are stored as one.

    For each of `values` of the column `by`, a stored row holds a number: 0 for no row, else which of its cases the row
    shows. Columns in `own` hold a value for each of `values`, columns in `cased` one for each case, all others one for
    the row. Rows of a key mostly say the same, so there is mostly one case; five times fewer rows to write, to merge
    and to read are what this is for. Cased columns are stored as one Nested, which has the lengths of its arrays once.
    """

    by: str
    values: tuple[str, ...]
    own: frozenset[str]
    cased: frozenset[str]


NESTED: Final = "cases"
CASE: Final = Column("case", "Array(UInt8)", "for each value, which of the cases it shows; 0 for none")


class Summed(NamedTuple):
    """A column, and the SQL that adds it up: `{}` is the column, `e` the rows."""

    column: Column
    sql: str
    doc: str = ""
    """What the sum says, where that is not what the column says."""


@dataclass(frozen=True, slots=True)
class Totals:
    """A view that adds up the rows of a table that have the same `by`; `count` says how many those were."""

    name: str
    doc: str
    by: tuple[str, ...]
    columns: tuple[Summed, ...]
    count: Column


@dataclass(frozen=True, slots=True)
class Table:
    """A table of ClickHouse as analysts see it.

    `key` identifies a row and orders the storage; of two rows with one key the one with the greater version
    holds. `live` is an SQL condition on the columns: rows that do not meet it say that there is nothing (any
    more), and are not shown. Values in rows: instants as integers (DateTime: epoch seconds, DateTime64(3):
    epoch milliseconds), enums by name or number, absent values of Nullable columns as None.
    """

    name: str
    doc: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    live: str = ""
    partition: str = ""
    """SQL expression that partitions the storage."""
    time: str = ""
    """Column from which age is counted where a setting lets rows expire; without it they never do."""
    packed: Packed | None = None
    """Set where storage holds several rows as one; the view takes them apart."""
    also: tuple[Column, str] | None = None
    """A further column that analysts see and nothing stores, and its SQL."""
    totals: Totals | None = None
    """A further view, which adds up rows."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the columns, without the version."""
        return tuple(column.name for column in self.columns)

    @property
    def seen(self) -> tuple[Column, ...]:
        """Return the columns that analysts see."""
        return self.columns if self.also is None else (*self.columns, self.also[0])

    @property
    def stored(self) -> tuple[Column, ...]:
        """Return the columns of the storage, which are those that travel, without the version."""
        if (packed := self.packed) is None:
            return self.columns
        return tuple(
            CASE
            if each.name == packed.by
            else Column(f"{NESTED}.{each.name}", f"Array({each.type})", each.doc)
            if each.name in packed.cased
            else Column(each.name, f"Array({each.type})", each.doc)
            if each.name in packed.own
            else each
            for each in self.columns
        )

    @property
    def stored_key(self) -> tuple[str, ...]:
        """Return what identifies a stored row."""
        return tuple(name for name in self.key if self.packed is None or name != self.packed.by)

    def shown(self, row: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        """Yield the rows that analysts see of a stored one, whatever `live` says of them."""
        if (packed := self.packed) is None:
            yield tuple(row)
            return
        names = self.names
        cases = row[names.index(packed.by)]
        for at, (value, case) in enumerate(zip(packed.values, cases, strict=True)):
            if case:
                yield tuple(
                    value
                    if name == packed.by
                    else cell[at]
                    if name in packed.own
                    else cell[case - 1]
                    if name in packed.cased
                    else cell
                    for name, cell in zip(names, row, strict=True)
                )

    @property
    def store(self) -> str:
        """Return the name of the storage table behind the view."""
        return f"{self.name}_store"


BY_ROW: Final = "JSONCompactEachRow"
"""ClickHouse's format of rows one by one."""


def encode_rows(rows: Sequence[tuple[Any, ...]]) -> bytes:
    r"""Return `rows` in BY_ROW, ClickHouse's format, in one call; nothing for no rows.

    ClickHouse takes commas between rows as it takes line ends, so all rows are encoded as one list, and only
    its own brackets are taken away.

    >>> encode_rows([("ada", 1), ("bob", None)])
    b'["ada",1],["bob",null]'
    """
    return _encode(rows)[1:-1]


def join_rows(blocks: Iterable[bytes]) -> bytes:
    """Return several results of `encode_rows` as one block for one insert.

    >>> join_rows([encode_rows([(1,), (2,)]), encode_rows([]), encode_rows([(3,)])])
    b'[1],[2],[3]'
    """
    return b",".join(filter(None, blocks))
