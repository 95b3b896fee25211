"""Tables are described in full, and rows fit their tables."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.event import Event
from schemas.fact import fact_of
from schemas.rows import TABLES, VERSION, Table, encode_rows, events_row, join_rows
from tests.unit.schemas.records import accepted, record


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
def test_tables_make_sense(table: Table) -> None:
    """A table has a name, words for people, columns of different names, and a key among them."""
    assert TABLES[table.name] is table
    assert re.fullmatch("[a-z]+(_[a-z]+)*", table.name)
    assert table.doc.endswith(".")
    assert len(set(table.names)) == len(table.columns)
    assert VERSION.name not in table.names
    assert table.key
    assert set(table.key) <= set(table.names)
    for expression in filter(None, (table.live, table.partition, table.time)):
        assert set(re.findall("[a-zA-Z_]+", expression)) & set(table.names), expression
    for column in table.columns:
        assert column.doc
        assert not column.doc.endswith(".")


def test_events_has_every_field() -> None:
    """The columns of `events` begin with the fields of the schema, in its order, followed by where from."""
    names = TABLES["events"].names
    fields = Event.__struct_fields__
    assert names[: len(fields)] == fields
    assert names[-4:] == ("received_at", "topic", "partition", "offset")


FITS: dict[str, Callable[[Any], bool]] = {
    r"(LowCardinality\()?String\)?": lambda value: isinstance(value, str),
    r"UInt32": lambda value: type(value) is int and 0 <= value < 1 << 32,
    r"UInt64": lambda value: type(value) is int and 0 <= value < 1 << 64,
    r"Nullable\(UInt64\)": lambda value: value is None or FITS["UInt64"](value),
    r"DateTime64\(3, 'UTC'\)": lambda value: type(value) is int and 0 <= value < 4_300_000_000_000,
    r"Array\((LowCardinality\()?String\)?\)": lambda value: all(isinstance(item, str) for item in value),
    r"Bool": lambda value: isinstance(value, bool),
    r"Enum8\(.*\)": lambda value: value in (0, 1, 2),
}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"actor_followers": 5, "targets": ["bob"], "hashtags": ["#A"], "media": ["photo"], "disclosed": True},
        {"type": "mention", "text": "@bob #x\x00 🙂", "campaign": "c", "unknown": [1.5]},
    ],
)
def test_events_row_fits(fields: dict[str, Any]) -> None:
    """A row of `events` has a value for each column, of the column's type, and says what the event said."""
    raw = record(**fields)
    event, time = accepted(raw)
    row = events_row(event, fact_of(event, time), raw, 1_700_000_000_000, "social.events", 3, 99)
    columns = TABLES["events"].columns
    assert len(row) == len(columns)
    for column, value in zip(columns, row, strict=True):
        (fits,) = [fits for kind, fits in FITS.items() if re.fullmatch(kind, column.type)]
        assert fits(value), column
    said = dict(zip(TABLES["events"].names, row, strict=True))
    for name in Event.__struct_fields__:
        expected = time if name == "time" else getattr(event, name)
        assert said[name] == (() if expected is None and name == "hashtags" else expected)
    assert (said["raw"].encode(), said["received_at"], said["offset"]) == (raw, 1_700_000_000_000, 99)


def test_mentioned() -> None:
    """`mentioned` is whom the text names where that decides who receives, and empty elsewhere."""
    for fields, mentioned in (
        ({"type": "mention", "text": "@bob @ada"}, ("bob",)),
        ({"type": "tag", "text": "@bob"}, ("bob",)),
        ({"type": "mention", "text": "@bob", "targets": ["eve"]}, ()),
        ({"type": "post", "text": "@bob"}, ()),
    ):
        raw = record(**fields)
        event, time = accepted(raw)
        row = events_row(event, fact_of(event, time), raw, 0, "t", 0, 0)
        assert row[TABLES["events"].names.index("mentioned")] == mentioned


VALUES = st.none() | st.booleans() | st.integers(0, 2**64 - 1) | st.text() | st.lists(st.text(), max_size=3)
BLOCK = st.lists(st.tuples(VALUES, VALUES), max_size=5)


@given(st.lists(BLOCK, max_size=4))
def test_rows_are_json_arrays_with_commas_between(blocks: list[list[tuple[Any, ...]]]) -> None:
    """Encoded and joined rows, in brackets, are the JSON list of all rows in order; blocks may be empty."""
    encoded = join_rows(encode_rows(block) for block in blocks)
    assert json.loads(b"[" + encoded + b"]") == [list(row) for block in blocks for row in block]
