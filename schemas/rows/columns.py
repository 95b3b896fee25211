"""Rows by column, as ClickHouse's format Native has them: for tables of many columns, whose rows are made many at a time.

A block says names, types and values of its columns. Blocks follow each other in one insert, and so do what they are
compressed to, so the sink opens none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import Any, Final, TypeAlias

import cramjam
import numpy as np
from numpy.typing import NDArray

from schemas.rows.table import VERSION, Table

Values: TypeAlias = NDArray[np.int64] | NDArray[np.float64] | Sequence[Any]
"""A column's values. NaN and infinities mean NULL, or 0 where the column is not Nullable."""
_Write: TypeAlias = Callable[[Values], bytes]

BY_COLUMN: Final = "Native zstd"
"""ClickHouse's format of rows by column, and its name of how they are compressed."""
_LEVEL: Final = 1

_NUMBERS: Final = {
    "Bool": "u1",
    "UInt8": "u1",
    "UInt16": "<u2",
    "UInt32": "<u4",
    "UInt64": "<u8",
    "Int8": "i1",
    "Int16": "<i2",
    "Int32": "<i4",
    "Int64": "<i8",
    "Float32": "<f4",
    "Float64": "<f8",
    "DateTime('UTC')": "<u4",
}


class Layout:
    """How rows of a packed table are written by column."""

    def __init__(self, table: Table) -> None:
        """Raise ValueError for a table that is not packed, or has a type that nothing here writes."""
        if (packed := table.packed) is None:
            raise ValueError(f"rows of {table.name} are not packed")
        self.table = table
        self.cased = [column.name in packed.cased for column in table.columns]
        self.wide = [column.name in {packed.by, *packed.own} for column in table.columns]
        """Which columns have a value for each of those that the packed column may have."""
        self.heads = [_string(column.name) + _string(_plain(column.type)) for column in (*table.stored, VERSION)]
        self.writes: list[_Write] = []
        for column in table.columns:
            try:
                self.writes.append(_writer("UInt8" if column.name == packed.by else _plain(column.type)))
            except ValueError as error:
                raise ValueError(f"{table.name}.{column.name}: {error}") from error


@dataclass(slots=True, eq=False)
class Columns:
    """Stored rows of a packed table, one after the other in each of its columns."""

    layout: Layout
    counts: NDArray[np.int64]
    """How many cases each row has."""
    values: Sequence[Values]
    """For each column of the table: of what is cased the values of all cases of all rows; of what a row has for each value of the
    packed column an array of shape (rows, values); of all others one for each row."""
    bounds: NDArray[np.int64] = field(init=False)
    """Where the cases of each row begin, and at last where all end."""

    def __post_init__(self) -> None:
        self.bounds = np.concatenate([[0], np.cumsum(self.counts)])
        count, cases = len(self.counts), int(self.bounds[-1])
        for cased, values in zip(self.layout.cased, self.values, strict=True):
            if len(values) != (cases if cased else count):
                raise ValueError(f"{count} rows with {cases} cases, and a column of {len(values)}")

    def __len__(self) -> int:
        return len(self.counts)

    def encode(self, version: int, begin: int = 0, end: int | None = None) -> bytes:
        """Return the rows from `begin` to `end`, with their version, as one compressed block."""
        layout = self.layout
        end = len(self) if end is None else end
        first, last = self.bounds[[begin, end]].tolist()
        cases = (self.bounds[begin + 1 : end + 1] - first).tobytes()
        parts = [_varint(len(layout.heads)), _varint(end - begin)]
        ways = zip(layout.heads[:-1], layout.writes, layout.cased, layout.wide, self.values, strict=True)
        for head, write, cased, wide, values in ways:
            if cased:
                parts += (head, cases, write(values[first:last]))
            elif wide:
                some = np.asarray(values)[begin:end]
                parts += (head, (np.arange(1, len(some) + 1) * some.shape[1]).tobytes(), write(some))
            else:
                parts += (head, write(values[begin:end]))
        parts += (layout.heads[-1], np.full(end - begin, version, np.int64).tobytes())
        return bytes(cramjam.zstd.compress(b"".join(parts), _LEVEL))

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the stored rows one by one, as `Table.shown` takes them."""
        columns: list[Sequence[Any]] = []
        for cased, values in zip(self.layout.cased, self.values, strict=True):
            if cased:
                every = cells(values)
                columns.append([every[begin:end] for begin, end in pairwise(self.bounds.tolist())])
            else:
                columns.append(cells(values))
        yield from zip(*columns, strict=True)


def cells(column: Values) -> Sequence[Any]:
    """Return the values of a column one by one: None for NaN.

    >>> cells(np.array([1.5, np.nan])), cells(np.array([2])), cells(("a", None))
    ([1.5, None], [2], ('a', None))
    """
    if not isinstance(column, np.ndarray):
        return column
    values: list[Any] = column.tolist()
    return [None if value != value else value for value in values] if column.dtype == np.float64 else values


def _plain(type_: str) -> str:
    return type_.replace("LowCardinality(String)", "String")


def _writer(type_: str) -> _Write:
    """Return what writes the values of a column."""
    if nullable := re.fullmatch(r"Nullable\((.*)\)", type_):
        kind = _kind(nullable[1])
        return lambda values: _nullable(values, kind)
    if mapping := re.fullmatch(r"Map\(String, (.*)\)", type_):
        kind = _kind(mapping[1])
        return lambda values: _maps(values, kind)
    if type_ == "String":
        return lambda values: b"".join(map(_string, values))
    kind = _kind(type_)
    if "f" in kind:
        return lambda values: _bytes_of(_finite(values)[0], kind)
    return lambda values: _bytes_of(values, kind)


def _kind(type_: str) -> str:
    if type_ not in _NUMBERS:
        raise ValueError(f"{type_} is not written by column yet (schemas/rows/columns.py)")
    return _NUMBERS[type_]


def _bytes_of(values: Values, kind: str) -> bytes:
    """Return numbers as ClickHouse has them; raise OverflowError or ValueError for a list or a kind that does not fit."""
    if not isinstance(values, np.ndarray):
        return np.array(values, kind).tobytes()
    if values.dtype is _AS_IT_IS.get(kind):
        return values.tobytes()
    if values.dtype.kind == "f" and "f" not in kind:
        raise ValueError(f"fractions in a column of {kind}")
    return values.astype(kind).tobytes()


_AS_IT_IS: Final = {"<u8": np.dtype(np.int64), "<i8": np.dtype(np.int64), "<f8": np.dtype(np.float64)}
"""What has the same bytes in memory, as what is counted in a UInt64 is never negative."""


def _finite(values: Values) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the values with 0 for None, NaN and infinities, and a mask of those."""
    found = np.asarray(values, np.float64)
    nothing: NDArray[np.bool_] = ~np.isfinite(found)
    return (np.where(nothing, 0.0, found) if nothing.any() else found), nothing


def _nullable(values: Values, kind: str) -> bytes:
    """Return which of the values are NULL, and then all, 0 for NULL."""
    if "f" in kind:
        found, nothing = _finite(values)
        return nothing.tobytes() + _bytes_of(found, kind)
    return bytes(value is None for value in values) + _bytes_of([value or 0 for value in values], kind)


def _maps(values: Values, kind: str) -> bytes:
    """Return where each mapping ends, all keys, and all values."""
    ends = np.cumsum([len(each) for each in values])
    numbers = list(chain.from_iterable(each.values() for each in values))
    return _bytes_of(ends, "<u8") + b"".join(map(_string, chain.from_iterable(values))) + _bytes_of(numbers, kind)


def _string(text: str) -> bytes:
    raw = text.encode()
    return _varint(len(raw)) + raw


def _varint(number: int) -> bytes:
    """Return a number in base 128, the lowest digit first.

    >>> [_varint(number).hex() for number in (5, 127, 128, 300)]
    ['05', '7f', '8001', 'ac02']
    """
    if number < 128:
        return bytes((number,))
    return bytes((number & 127 | 128,)) + _varint(number >> 7)
