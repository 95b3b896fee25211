"""What accept decides, in memory: undo across restarts, and partitions that wake together."""

from __future__ import annotations

import json
from typing import Any

from tests.pipe import Pipe

JULY = 1_341_100_800_000
LATER = JULY + 86_400_000
"""When Kafka had the records: after everything in them."""


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
