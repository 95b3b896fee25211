"""Rows that say which events were taken back: those that the panes leave out, each once, whatever comes first."""

from __future__ import annotations

import json
import random
from typing import Any

import msgspec
import pytest

from schemas.rows.retractions import RECALLED, TOLD
from schemas.wire import Decoded, Order, decode_decoded, encode
from streams.agents.memory import Entry, _chunks, _decode, _packed
from streams.engine.progress import FENCE, PROGRESS
from streams.tables import ALL_TABLES
from tests.pipe import Pipe
from tests.rows import rows_of

JULY = 1_341_100_800_000
ARRIVED = JULY + 30 * 86_400_000
MINUTE = 60_000
HORIZON = 60
"""Minutes."""


def like(name: str, minute: int) -> bytes:
    """Return a like of b by a."""
    said = {"id": name, "type": "like", "time": JULY + minute * MINUTE, "actor": "a", "object_author": "b"}
    return json.dumps(said).encode()


def undo(name: str, of: str, minute: int) -> bytes:
    """Return an undo."""
    return json.dumps(
        {"id": name, "type": "undo", "time": JULY + minute * MINUTE, "actor": "z", "undo_of": of}
    ).encode()


def through(*records: bytes, pipe: Pipe | None = None, **settings: Any) -> Pipe:
    """Return a pipe that has taken the records one after the other."""
    pipe = pipe or Pipe(**{"sources": 1, "horizon": HORIZON * MINUTE, "lateness": 10 * HORIZON * MINUTE} | settings)
    for record in records:
        pipe.append(0, record, ARRIVED)
        pipe.run()
    return pipe


def said(pipe: Pipe) -> list[tuple[str, int, str, int]]:
    """Return event, its minute, undo, its minute of every retraction, in order of time."""
    minutes = [
        (row["id"], (row["time"] - JULY) // MINUTE, row["undo"], (row["undo_time"] - JULY) // MINUTE)
        for row in pipe.rows("retractions").values()
    ]
    return sorted(minutes, key=lambda row: row[1])


def counted(pipe: Pipe) -> list[int]:
    """Return the minutes in which b received anything."""
    return sorted((key[1] * 1000 - JULY) // MINUTE for key in pipe.rows("account_panes") if key[0] == "b")


def test_what_an_undo_takes_back_is_said_whichever_comes_first() -> None:
    """The row names the event and its undo, with their times; an event that nobody undoes has none."""
    pipe = through(like("kept", 0), like("e", 1), undo("u", "e", 5))
    assert said(pipe) == [("e", 1, "u", 5)]
    assert said(through(like("kept", 0), undo("u", "e", 5), like("e", 1))) == said(pipe)
    assert counted(pipe) == [0]


def test_an_undo_that_has_no_effect_leaves_no_row() -> None:
    """One beyond the horizon, before or after; one of an undo; one of an event that never comes."""
    pipe = through(
        *(like("e", 0), undo("late", "e", HORIZON + 1), undo("early", "f", 10), like("f", HORIZON + 11)),
        *(undo("of undo", "late", 70), undo("of nothing", "nowhere", 70)),
    )
    assert said(pipe) == []
    assert counted(pipe) == [0, HORIZON + 11]
    assert said(through(like("e", 0), undo("u", "e", HORIZON))) == [("e", 0, "u", HORIZON)], "no further is near enough"


@pytest.mark.parametrize("seed", range(6))
def test_of_several_undos_the_earliest_is_named(seed: int) -> None:
    """In whatever order they come, before their event or behind it, once or twice."""
    records = [like("e", 0), *(undo(f"u{minute}", "e", minute) for minute in (5, 7, 9)), undo("far", "e", -90)]
    records += records[1:3]
    random.Random(seed).shuffle(records)
    pipe = through(*records)
    assert said(pipe) == [("e", 0, "u5", 5)]
    assert pipe.outcomes()["duplicate"] == 2


def test_of_two_events_with_an_id_one_may_be_taken_back() -> None:
    """An id that is used again beyond the horizon is another event: the undo's time says which is meant."""
    pipe = through(like("e", 0), like("e", 3 * HORIZON), undo("u", "e", 3 * HORIZON + 5))
    assert said(pipe) == [("e", 3 * HORIZON, "u", 3 * HORIZON + 5)]
    assert counted(pipe) == [0]
    assert len(pipe.rows("events")) == 3
    both = through(like("e", 0), like("e", HORIZON + 2), undo("u", "e", HORIZON // 2 + 1))
    assert [row[:3] for row in said(both)] == [("e", 0, "u"), ("e", HORIZON + 2, "u")], "an undo near both takes both"


@pytest.mark.parametrize("seed", range(25))
def test_crashes_and_restarts_change_no_row(seed: int) -> None:
    """A worker may die between any two things that become durable: in the end the rows are those of one that lives."""
    rng = random.Random(seed)
    records = [like(f"e{n}", n) for n in range(30)]
    records += [undo(f"u{n}", f"e{rng.randrange(30)}", rng.randrange(120)) for n in range(40)]
    rng.shuffle(records)
    mortal = Pipe(horizon=HORIZON * MINUTE, lateness=10 * HORIZON * MINUTE, rng=random.Random(seed))
    mortal.crash_rate, mortal.again_rate = 0.03, 0.05
    for number, record in enumerate(records):
        mortal.append(number % mortal.sources, record, ARRIVED)
    mortal.run(largest=7)
    plain = through(*records)
    assert said(mortal) == said(plain)
    assert said(plain)
    left = {int(name[1:]) for name in (row["id"] for row in plain.rows("events").values()) if name[0] == "e"}
    assert counted(mortal) == sorted(left - {row[1] for row in said(plain)})


def test_a_row_that_is_said_again_has_the_version_it_had() -> None:
    """It is the offset of what caused it, however batches are cut; so an attempt that died cannot outlive its repetition."""
    times = set()
    for seed in range(20):
        pipe = Pipe(sources=1, partitions=1, horizon=HORIZON * MINUTE, rng=random.Random(seed))
        pipe.crash_rate = 0.05
        for record in (like("e", 0), undo("u", "e", 2), *(like(f"f{n}", n) for n in range(30))):
            pipe.append(0, record, ARRIVED)
        pipe.run(largest=4)
        rows = [
            row
            for record in pipe.logs[pipe.names.rows][0]
            if record.key == b"retractions"
            for row in rows_of(ALL_TABLES["retractions"], record.value or b"")
        ]
        order = next(
            record.offset for record in pipe.logs[pipe.names.decoded][0] if decode_decoded(record.value or b"").orders
        )
        assert {row[-1] - TOLD for row in rows} == {order}
        times.add(len(rows))
    assert max(times) > 1, "none was said again"


def test_rows_of_an_event_with_one_version_say_one_thing() -> None:
    """Orders of several undos come in one message, which is one version; which row storage keeps of it must not matter."""
    pipe = Pipe(sources=1, horizon=HORIZON * MINUTE, lateness=10 * HORIZON * MINUTE)
    for record in (like("e", 0), undo("v", "e", 9), undo("u", "e", 5)):
        pipe.append(0, record, ARRIVED)
    pipe.run(largest=10)
    said_of_e = [
        row
        for log in pipe.logs[pipe.names.rows].values()
        for record in log
        if record.key == b"retractions"
        for row in rows_of(ALL_TABLES["retractions"], record.value or b"")
    ]
    assert [row[0:3:2] for row in said_of_e] == [("e", "u")]


def older(pipe: Pipe) -> None:
    """Make the state of accept what an older version would have left: no ids of undos, and no word of what was told."""
    for table in pipe.stages["accept"].tables.values():
        for key, value in table.items():
            if key == PROGRESS:
                kept = msgspec.msgpack.decode(value[FENCE.size :])[:6]
                table[key] = value[: FENCE.size] + msgspec.msgpack.encode(kept)
            else:
                entries = [entry for chunk in _chunks(value[FENCE.size :]) for entry in _decode(chunk)]
                plain = [msgspec.structs.replace(entry, undo="") for entry in entries]
                table[key] = value[: FENCE.size] + _packed(plain)
    pipe.forget_rows()
    pipe._start()


def test_what_an_older_version_took_back_is_said_once_by_the_next() -> None:
    """A worker that finds state from before says what it remembers, below what a migration counted, and then no more."""
    pipe = through(like("kept", 0), like("e", 1), undo("u", "e", 5), undo("v", "f", 6), like("f", 7))
    older(pipe)
    through(like("next", 8), pipe=pipe)
    assert said(pipe) == [("e", 1, "", 5), ("f", 7, "", 6)]
    table = ALL_TABLES["retractions"]
    records = [record for log in pipe.logs[pipe.names.rows].values() for record in log if record.key == b"retractions"]
    assert {row[-1] for record in records for row in rows_of(table, record.value or b"")} == {RECALLED}
    pipe.forget_rows()
    pipe._start()
    through(like("last", 9), pipe=pipe)
    assert said(pipe) == []


def test_messages_of_an_older_version_are_read() -> None:
    """An order without the undo's id takes its event back; the row leaves the id empty."""
    assert decode_decoded(msgspec.msgpack.encode([-1, 0, 1, 0, 0, [], [[4, 5, "e"]]])).orders == (Order(4, 5, "e"),)
    assert msgspec.msgpack.decode(encode([Entry(3, 4, undo_of="e")]), type=tuple[Entry, ...])[0].undo == ""
    assert _decode(msgspec.msgpack.encode([[3, 4, None, "e"]]))[0].undo == ""
    assert decode_decoded(encode(Decoded(-1, 0, 1, 0, 0, (), (Order(4, 5, "e", "u"),)))).orders[0].undo == "u"
