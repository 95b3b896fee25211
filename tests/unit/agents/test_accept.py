"""What accept decides, in memory: undo across restarts, and partitions that wake together."""

from __future__ import annotations

import json
import random
from itertools import product
from typing import Any

import pytest

from schemas.wire import UNHEARD, Decoded, encode
from streams.agents.accept import Accept
from streams.agents.clocks import WAITED
from streams.names import Names
from tests.pipe import LATER as LONG_AFTER
from tests.pipe import Pipe, Record

JULY = 1_341_100_800_000
LATER = JULY + 86_400_000
"""When Kafka had the records: after everything in them."""
IDLE = 5_000


def event(name: str, minute: int, **more: Any) -> bytes:
    """Return a like of b by a."""
    known = {"id": name, "type": "like", "time": JULY + minute * 60_000, "actor": "a", "object_author": "b"}
    return json.dumps(known | more).encode()


def undo(name: str, of: str, minute: int) -> bytes:
    """Return an undo."""
    return event(name, minute, type="undo", undo_of=of, object_author="")


def test_an_event_undone_twice_is_taken_back_once_whatever_restarts_between() -> None:
    """The second undo finds the first, also when a new worker has built the index from the segments."""
    pipe = Pipe(sources=1)
    for record in (event("kept", 0), event("gone", 0), undo("u1", "gone", 1)):
        pipe.append(0, record, JULY + 3_600_000)
    pipe.run()
    pipe._start()
    pipe.append(0, undo("u2", "gone", 2), JULY + 3_600_000)
    pipe.run()
    assert sorted(row["events"] for row in pipe.rows("account_panes").values()) == [1, 1]


def test_partitions_that_were_silent_and_wake_together_are_not_late() -> None:
    """After a silence every partition gets two hours of events at once; whichever is read first, none is late."""
    for first in range(3):
        pipe = Pipe(sources=3)
        for source in range(3):
            pipe.append(source, event(f"old{source}", 0), LATER + 1_000)
        pipe.run()
        pipe.silence(at=LATER + 2_000)
        for source in range(3):
            for minute in range(120):
                pipe.append(source, event(f"new{source}-{minute}", 1_000 + minute), LATER + 3_000 + minute)
        pipe.run(largest=200, first=first)
        assert pipe.outcomes() == {"read": 363, "accepted": 363}


def test_a_silent_partition_holds_nobody_back_for_ever() -> None:
    """Once it is known to have had nothing newer than the others, the floor passes it, and state is released."""
    pipe = Pipe(sources=2)
    pipe.append(0, event("one", 0), LATER + 1_000)
    pipe.append(1, event("two", 0), LATER + 1_000)
    pipe.run()
    for minute in range(1, 600):
        pipe.append(0, event(f"m{minute}", minute), LATER + 1_000 + minute)
    pipe.run()
    held = sum(len(here.memory) for here in pipe.stages["accept"].body.held.values())
    pipe.silence(at=LATER + 5_000)
    pipe.append(0, event("last", 600), LATER + 1_700)
    pipe.run()
    assert held == 601
    assert sum(len(here.memory) for here in pipe.stages["accept"].body.held.values()) < 200


def test_time_alone_says_no_rows() -> None:
    """Ticks of silent partitions, which come every few seconds for ever, leave nothing for the sink to insert."""
    pipe = Pipe(sources=2)
    pipe.append(0, event("one", 0), LATER + 1_000)
    pipe.run()
    rows = sum(map(len, pipe.logs[pipe.names.rows].values()))
    for second in range(5):
        pipe.silence(at=LATER + 5_000 + second)
    assert sum(map(len, pipe.logs[pipe.names.rows].values())) == rows
    pipe.append(0, event("one", 0), LATER + 1_000)
    pipe.run()
    assert pipe.outcomes() == {"read": 2, "accepted": 1, "duplicate": 1}


def test_a_partition_that_never_speaks_holds_back_nobody_who_goes_on() -> None:
    """The floor follows a live partition by its lateness, and by how long ago the silent one was known to be silent."""
    accept = Accept(names=Names(), sources=2, partitions=1, horizon=3_600_000, idle=0, subjects=[])
    accept.restore(0, {}, 0, b"")
    log: list[Record] = []

    def say(message: Decoded) -> None:
        log.append(Record(len(log), LONG_AFTER, None, encode(message)))
        accept.process(0, log[-1:], behind=False)

    for second in range(3_000):
        now = LATER + second * 1_000
        say(Decoded(0, second, second + 1, now, now - 900_000, appended=now))
        if second % 5 == 0:
            say(Decoded(1, 0, 0, UNHEARD, UNHEARD, appended=now - 5_000, silent=True))
        floor = accept.held[0].clocks.floor
        assert floor <= now - 905_000
        assert floor >= now - 911_000 or second < 20
    kept = accept.process(
        0, [Record(len(log), LONG_AFTER, None, encode(Decoded(0, 0, 0, now, UNHEARD)))], behind=False
    ).kept
    assert len(kept) < 4_000
    say(Decoded(0, 0, 0, UNHEARD, UNHEARD, appended=now + 20_000, silent=True))
    say(Decoded(1, 0, 0, UNHEARD, UNHEARD, appended=now + 20_000, silent=True))
    assert accept.held[0].clocks.floor == now - 900_000, "all are silent: nothing that Kafka has is earlier"


@pytest.mark.parametrize("ahead", [0, IDLE - 1_000, IDLE + 1_000, 86_400_000])
def test_a_worker_whose_clock_is_ahead_makes_nobody_late(ahead: int) -> None:
    """It says that all are silent up to what is yet to come; Kafka's clock says when it said so."""
    log: list[Record] = []
    accept = Accept(names=Names(), sources=2, partitions=1, horizon=3_600_000, idle=IDLE, subjects=[])
    accept.restore(0, {}, 0, b"")

    def say(now: int, message: Decoded) -> None:
        log.append(Record(len(log), now, None, encode(message)))
        accept.process(0, log[-1:], behind=False)

    for source in (0, 1):
        say(LATER, Decoded(source, 0, 1, JULY, JULY - 900_000, appended=LATER))
    for source in (0, 1):
        say(LATER + IDLE, Decoded(source, 1, 1, JULY, JULY - 900_000, appended=LATER + ahead, silent=True))
    say(LATER + IDLE + 2, Decoded(0, 1, 2, JULY + 3_600_000, JULY + 2_700_000, appended=LATER + IDLE + 2))
    assert accept.held[0].clocks.floor == JULY - 900_000, "the other may have had something at the same time"


def test_a_silence_that_was_believed_of_the_future_ends() -> None:
    """An older version, or a log that Kafka does not date, may have left one; the next tick is right again."""
    accept = Accept(names=Names(), sources=2, partitions=1, horizon=3_600_000, idle=IDLE, subjects=[])
    accept.restore(0, {}, 0, b"")
    tick = encode(Decoded(1, 1, 1, JULY, JULY - 900_000, appended=LATER + 86_400_000, silent=True))
    for offset, now in enumerate((LATER + 90_000_000, LATER + 20_000)):
        accept.process(0, [Record(offset, now, None, tick)], behind=False)
    assert accept.held[0].clocks.of[1].silent == LATER + 20_000 - IDLE


def test_what_a_tick_brings_is_no_older_than_the_silence() -> None:
    """Of a record without a claim for this partition it is not known when Kafka had it: it may be after the others' silence."""
    accept = Accept(names=Names(), sources=2, partitions=1, horizon=3_600_000, idle=0, subjects=[])
    accept.restore(0, {}, 0, b"")
    messages = [
        Decoded(0, 0, 1, JULY, JULY - 900_000, appended=LATER),
        Decoded(1, 0, 1, JULY, JULY - 900_000, appended=LATER),
        Decoded(1, 1, 1, JULY, JULY - 900_000, appended=LATER + 1_000, silent=True),
        Decoded(0, 2, 2, JULY + 50_000, JULY - 850_000, appended=LATER + 9_000, silent=True),
    ]
    for offset, message in enumerate(messages):
        accept.process(0, [Record(offset, LONG_AFTER, None, encode(message))], behind=False)
    assert accept.held[0].clocks.floor == JULY - 900_000
    later = encode(Decoded(1, 1, 1, JULY, JULY - 900_000, appended=LATER + 9_000, silent=True))
    accept.process(0, [Record(len(messages), LONG_AFTER, None, later)], behind=False)
    assert accept.held[0].clocks.floor == JULY - 850_000


def test_a_tick_that_comes_late_is_not_believed() -> None:
    """Of who had the partition before: it has spoken since, and is waited for."""
    accept = Accept(names=Names(), sources=2, partitions=1, horizon=3_600_000, idle=0, subjects=[])
    accept.restore(0, {}, 0, b"")
    tick = Decoded(1, 1, 1, JULY, JULY - 900_000, appended=LATER + 5_000, silent=True)
    messages = [
        Decoded(0, 0, 1, JULY, JULY - 900_000, appended=LATER),
        Decoded(1, 0, 1, JULY, JULY - 900_000, appended=LATER),
        Decoded(1, 1, 2, JULY + 60_000, JULY - 840_000, appended=LATER + 6_000),
        tick,
        Decoded(0, 1, 2, JULY + 7_200_000, JULY + 6_300_000, appended=LATER + 4_000),
    ]
    for offset, message in enumerate(messages):
        accept.process(0, [Record(offset, LONG_AFTER, None, encode(message))], behind=False)
    assert accept.held[0].clocks.floor == JULY - 840_000


def test_how_far_all_come_in_the_end_does_not_depend_on_batches() -> None:
    """When all have been silent for a minute, the rest of the last minute is told as well."""
    ends = set()
    for seed, largest in product(range(6), (1, 20, 400)):
        pipe = Pipe(sources=2, partitions=2, horizon=600_000, lateness=60_000, rng=random.Random(seed))
        for n in range(300):
            at = n * 2_037
            pipe.append(n * 7 % 5 % 2, event(f"e{n}", 0, time=JULY + at), LATER + at)
        pipe.run(largest=largest)
        for hour in (1, 2, 3):
            pipe.silence(at=LATER + hour * 3_600_000)
        for body in ("accept", "accumulate"):
            for partition in range(2):
                pipe._restore(pipe.stages[body], partition)
        held = pipe.stages["accept"].body.held.values(), pipe.stages["accumulate"].body.held.values()
        ends.add((*(here.clocks.settled - JULY for here in held[0]), *(here.now.floor - JULY for here in held[1])))
    assert ends == {(299 * 2_037 - 60_000,) * 2 + (299 * 2_037 - 660_000,) * 2}


def test_little_that_comes_is_not_answered_by_much() -> None:
    """Where all are silent between any two events, nobody is told more often than when a minute has passed."""
    accept = Accept(names=Names(), sources=2, partitions=1, horizon=3_600_000, idle=0, subjects=[])
    accept.restore(0, {}, 0, b"")
    sends, offset = [], 0
    for number in range(60):
        now, at = LATER + number * 7_000, JULY + number * 7_000
        for message in (
            Decoded(0, number, number + 1, at, at - 900_000, appended=now),
            Decoded(0, number + 1, number + 1, at, at - 900_000, appended=now + 5_000, silent=True),
            Decoded(1, 0, 0, UNHEARD, UNHEARD, appended=now + 5_000, silent=True),
        ):
            sends += accept.process(0, [Record(offset, LONG_AFTER, None, encode(message))], behind=False).sends
            offset += 1
    assert 2 <= len(sends) <= 2 * 9


def test_of_a_source_with_a_backlog_is_heard_where_it_is() -> None:
    """As far as its newest message says; not of one whose records come as they happen, nor of one that is silent."""
    accept = Accept(names=Names(), sources=3, partitions=2, horizon=86_400_000, idle=0, subjects=())
    for partition in range(2):
        accept.restore(partition, {}, 0, b"")
    appended = LATER - WAITED

    def hears(partition: int, offset: int, message: Decoded) -> None:
        accept.process(partition, [Record(offset, LATER, None, encode(message))], True)

    hears(0, 0, Decoded(0, 0, 5, JULY, UNHEARD, appended=appended))
    hears(1, 0, Decoded(0, 0, 9, JULY + 1, UNHEARD, appended=appended))
    hears(0, 1, Decoded(1, 0, 7, JULY + 2, UNHEARD, appended=appended + 1))
    hears(1, 1, Decoded(-2, 0, 7, UNHEARD, JULY))
    assert accept.heard() == {0: (9, JULY + 1)}
    hears(0, 2, Decoded(1, 7, 8, JULY + 3, UNHEARD, appended=appended))
    assert accept.heard() == {0: (9, JULY + 1), 1: (8, JULY + 3)}
    hears(0, 3, Decoded(1, 8, 8, JULY + 3, UNHEARD, appended=LATER, silent=True))
    assert accept.heard() == {0: (9, JULY + 1)}
