"""Rows by column are the rows that they are one by one: to the client's reader, and to ClickHouse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from threading import Event
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.database import connect, migrate
from infra.settings import load
from infra.stack import StackInfo
from schemas.fact import Fact
from schemas.rows import BY_ROW, Column, Packed, Table, encode_rows
from schemas.rows.columns import BY_COLUMN, Columns, Layout
from sinks.block import Block
from sinks.insert import Inserter
from streams.agents import routing
from streams.agents.routing import columns_sends
from streams.measures.account.catalogue import ACCOUNT_SCORES
from streams.subject import DAY, HOUR, MINUTE, Now, Rows
from streams.tables import ALL_TABLES
from tests.rows import rows_of
from tests.unit.measures.world import NOON, World, act

SIZES = ("small", "large")
TABLE = Table(
    name="things",
    doc="Things of every type.",
    columns=(
        Column("name", "String", "whose"),
        Column("size", "LowCardinality(String)", "which"),
        Column("since", "DateTime('UTC')", "when, by size"),
        Column("count", "UInt64", "cased"),
        Column("share", "Nullable(Float64)", "cased"),
        Column("change", "Nullable(Int64)", "one for all"),
        Column("by_network", "Map(String, UInt64)", "one for all"),
        Column("gap", "UInt16", "one for all"),
        Column("level", "Float64", "one for all"),
        Column("network", "LowCardinality(String)", "one for all"),
    ),
    key=("name", "size"),
    packed=Packed(by="size", values=SIZES, own=frozenset({"since"}), cased=frozenset({"count", "share"})),
)
LAYOUT = Layout(TABLE)

numbers = st.integers(0, 2**63 - 1)
things = st.lists(
    st.tuples(
        st.text(),
        st.lists(st.tuples(numbers, st.none() | st.floats(allow_nan=False, allow_infinity=False)), max_size=3),
        st.lists(st.integers(0, 2**32 - 1), min_size=2, max_size=2),
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.dictionaries(st.text(max_size=3), st.integers(0, 2**64 - 1), max_size=3),
        st.integers(0, 2**16 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(),
    ),
    min_size=1,
    max_size=6,
)


def said(*facts: Fact) -> list[Columns]:
    """Return what is said of all accounts when these things have happened."""
    world, rows = World(), Rows()
    world.happen(*facts)
    states = [(key, world._state(key)) for key in world.stored]
    world.accounts.present_many(states, Now(NOON + 5 * MINUTE, 0), rows)
    return rows.columns


def columns_of(rows: list[Any]) -> Columns:
    """Return rows by column: each is a name, its cases, two moments, and what it has one of."""
    cases = [case for row in rows for case in row[1]]
    return Columns(
        LAYOUT,
        np.array([len(row[1]) for row in rows]),
        [
            [row[0] for row in rows],
            np.array([[min(len(row[1]), 1)] * 2 for row in rows]),
            np.array([row[2] for row in rows]),
            np.array([count for count, _ in cases], np.int64),
            np.array([np.nan if share is None else share for _, share in cases], np.float64),
            [row[3] for row in rows],
            [row[4] for row in rows],
            np.array([row[5] for row in rows]),
            np.array([row[6] for row in rows]),
            [row[7] for row in rows],
        ],
    )


@given(rows=things, data=st.data(), version=numbers)
def test_what_is_read_is_what_was_said(rows: list[Any], data: st.DataObject, version: int) -> None:
    """All of it or a part, of every type; and what is said one by one is the same."""
    begin = data.draw(st.integers(0, len(rows) - 1))
    end = data.draw(st.integers(begin + 1, len(rows)))
    columns = columns_of(rows)
    expected = [
        (name, [min(len(cases), 1)] * 2, since, [c for c, _ in cases], [s for _, s in cases], *others)
        for name, cases, since, *others in rows
    ]
    assert [tuple(row) for row in columns.rows()] == expected
    said = [(*row, version) for row in expected]
    assert list(rows_of(TABLE, columns.encode(version))) == said
    assert list(rows_of(TABLE, columns.encode(version, begin, end))) == said[begin:end]


def test_what_is_too_much_for_a_message_is_sent_as_several(monkeypatch: pytest.MonkeyPatch) -> None:
    """In order, each small enough unless it is one row, and each says how many rows it has."""
    names = [Random(number).randbytes(300).hex() for number in range(40)]
    (columns,) = said(*(act("post", name) for name in names))
    (one,) = columns_sends("rows", 1, columns, 7)
    monkeypatch.setattr(routing, "MAX_MESSAGE", len(one.value or b"") // 3)
    several = list(columns_sends("rows", 1, columns, 7))
    read = [list(rows_of(ACCOUNT_SCORES, send.value or b"")) for send in several]
    assert len(several) > 2
    assert all(len(send.value or b"") <= routing.MAX_MESSAGE for send in several)
    assert [int(dict(send.headers)["rows"]) for send in several] == list(map(len, read))
    assert [row[0] for rows in read for row in rows] == names
    monkeypatch.setattr(routing, "MAX_MESSAGE", 1)
    assert len(list(columns_sends("rows", 1, columns, 7))) == len(names)


def test_there_are_only_numbers() -> None:
    """What is none is NULL, or 0 where there is no NULL, as from JSON; a number that does not fit is refused, not cut."""
    strange = [float("nan"), float("inf"), -float("inf"), 0.5]
    cases = [[(0, value)] for value in strange]
    rows = [("", case, [0, 0], None, {}, 0, value, "") for case, value in zip(cases, strange, strict=True)]
    read = list(rows_of(TABLE, columns_of(rows).encode(1)))
    assert [(row[4], row[8]) for row in read] == [([None], 0.0), ([None], 0.0), ([None], 0.0), ([0.5], 0.5)]
    for gap, error in ((-1, OverflowError), (2**16, OverflowError), (0.5, ValueError)):
        columns = columns_of(rows)
        values = list(columns.values)
        values[7] = np.array([gap] * 4) if error is ValueError else [gap] * 4
        with pytest.raises(error):
            Columns(LAYOUT, columns.counts, values).encode(1)


@pytest.mark.parametrize("at", range(len(TABLE.columns)))
def test_a_column_of_another_length_is_refused(at: int) -> None:
    """Or what follows would be read from the wrong place."""
    columns = columns_of([("a", [(1, 0.5)], [1, 2], None, {}, 3, 0.0, ""), ("b", [], [1, 2], None, {}, 3, 0.0, "")])
    for wrong in (columns.values[at][:-1], [*columns.values[at], *columns.values[at]]):
        values = [*columns.values[:at], wrong, *columns.values[at + 1 :]]
        with pytest.raises(ValueError, match="a column of"):
            Columns(LAYOUT, columns.counts, values)
    with pytest.raises(ValueError, match="shorter"):
        Columns(LAYOUT, columns.counts, columns.values[:-1])


def test_a_table_that_cannot_be_written_by_column_is_refused_at_once() -> None:
    """When its layout is made, not when its first row is."""
    with pytest.raises(ValueError, match="not packed"):
        Layout(replace(TABLE, packed=None))
    for type_ in ("UUID", "Array(UInt64)", "Nullable(String)", "Map(String, String)"):
        with pytest.raises(ValueError, match=r"things\.id: .* is not written by column yet"):
            Layout(replace(TABLE, columns=(*TABLE.columns, Column("id", type_, "nothing"))))


@pytest.fixture
def database(stack: StackInfo) -> Iterator[str]:
    """Give an empty database for account rows."""
    client, name = connect(load({"JUICE_CLICKHOUSE": stack.clickhouse})), f"columns_{uuid4().hex[:10]}"
    migrate(client, name, ALL_TABLES.values(), horizon=0)
    yield name
    client.command(f"DROP DATABASE {name} SYNC")


def test_clickhouse_reads_them_as_it_reads_rows(stack: StackInfo, database: str) -> None:
    """The same rows, inserted by column in two blocks and one by one in JSON, are the same in every column."""
    settings = load({"JUICE_CLICKHOUSE": stack.clickhouse})
    client = connect(settings)
    inserter = Inserter(lambda: connect(settings), database, Event())
    names = (*(column.name for column in ACCOUNT_SCORES.stored), "version")
    several = said(
        act("post", "ada", actor_followers=10**12, network="mastodon"),
        act("like", "bob", "ada", at=NOON - 2 * HOUR),
        act("share", "bob", "ada", at=NOON - 3 * DAY, incentive="paid"),
        act("follow", "cem", "ada", at=NOON - 20 * DAY),
        act("unfollow", "dan", "ada", at=NOON - 45 * DAY),
        act("post", "eve", at=NOON - 2 * MINUTE, actor_followers=0, network="bluesky"),
    )
    found = []
    for form in (BY_COLUMN, BY_ROW):
        block = Block(ACCOUNT_SCORES.name, names, form)
        for number, columns in enumerate(several):
            rows = [(*row, 5) for row in columns.rows()]
            block.add("rows", 0, number, columns.encode(5) if form == BY_COLUMN else encode_rows(rows), len(rows), 0)
        inserter.insert(block)
        found.append(client.query(f"SELECT * FROM {database}.{ACCOUNT_SCORES.store} ORDER BY account").result_rows)
        client.command(f"TRUNCATE TABLE {database}.{ACCOUNT_SCORES.store} SYNC")
    by_column, one_by_one = found
    assert len(by_column) == sum(map(len, several)) >= 5
    assert {max(row[1]) for row in by_column} >= {0, 1, 4}
    assert by_column == one_by_one
