"""The sink's loop, with a consumer in memory."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition

from sinks.block import Block
from sinks.insert import RowsRefused
from sinks.sink import Sink, Sources


class Consumer:
    """Knows its topics only when it has been asked for them often enough, as while metadata is on its way."""

    def __init__(self, stop: Event) -> None:
        self.stop, self.asked = stop, 0
        self.did: list[str] = []

    def subscribe(self, topics: Iterable[str]) -> None:
        """Note it."""
        self.did.append(f"subscribe {' '.join(topics)}")

    def partitions_for_topic(self, topic: str) -> set[int]:
        """Know a topic when asked a second time."""
        self.asked += 1
        known = self.asked % 2 == 0
        self.did.append(f"{topic} {'known' if known else 'unknown'}")
        return {0} if known else set()

    def poll(self, **_: Any) -> dict[Any, Any]:
        """Note it, and let that be all."""
        self.did.append("poll")
        self.stop.set()
        return {}


def test_a_group_is_joined_only_when_the_topics_are_known() -> None:
    """The first poll joins it; a leader that does not know the topics by then assigns nothing, and never joins again."""
    stop = Event()
    consumer: Any = Consumer(stop)
    Sink(consumer, None, Sources("rows", "letters"), rows=1, interval=0.1, stop=stop).run()  # type: ignore[arg-type]
    subscribed, *asked, polled = consumer.did
    assert (subscribed, polled) == ("subscribe rows letters", "poll")
    assert asked == ["rows unknown", "rows known", "letters unknown", "letters known"]


class Log:
    """One partition of rows of `events`, which had waited for `age` seconds when they were written; a poll finds one message."""

    def __init__(self, messages: int, age: float) -> None:
        self.left, self.offset, self.age = messages, 0, age

    def poll(self, **_: Any) -> dict[Any, Any]:
        """Return the next message."""
        if not self.left:
            return {}
        self.left -= 1
        self.offset += 1
        headers = [("columns", b"id"), ("rows", b"10"), ("appended", b"%d" % (1_000_000 - self.age * 1000))]
        message = SimpleNamespace(topic="rows", partition=0, offset=self.offset, timestamp=1_000_000, headers=headers)
        message.key, message.value = b"events", b"[1]"
        return {TopicPartition("rows", 0): [message]}

    def highwater(self, _: TopicPartition) -> int:
        """Say that nothing waits behind what was polled: the worker has yet to write it."""
        return self.offset


@pytest.mark.parametrize(("age", "together"), [(0.1, 10), (60, 200)])
def test_rows_of_a_backlog_are_collected_for_longer(age: float, together: int) -> None:
    """What is fresh goes at once; where events have waited for a minute, a block is filled as long as more come."""
    log: Any = Log(100, age)
    sink = Sink(log, None, Sources("rows", "letters"), rows=200, interval=0.0, stop=Event())  # type: ignore[arg-type]
    (block,), _ = sink.collect()
    assert block.rows == together


def test_the_end_of_a_backlog_is_not_waited_for() -> None:
    """When no more comes, what there is goes."""
    log: Any = Log(3, age=60)
    sink = Sink(log, None, Sources("rows", "letters"), rows=200, interval=0.0, stop=Event())  # type: ignore[arg-type]
    (block,), offsets = sink.collect()
    assert (block.rows, list(offsets.values())) == (30, [4])


class Slow:
    """Takes as long to insert as it is told, and notes what is in."""

    def __init__(self) -> None:
        self.go, self.began = Event(), Event()
        self.rows: list[int] = []

    def insert(self, block: Block) -> None:
        """Insert a block."""
        self.began.set()
        assert self.go.wait(5)
        self.rows.append(block.rows)


class Following(Log):
    """A log that is subscribed to, and ends with the sink told to stop; what is committed is noted."""

    def __init__(self, messages: int, stop: Event, inserter: Slow) -> None:
        super().__init__(messages, age=0)
        self.stop, self.inserter = stop, inserter
        self.committed: list[tuple[int, int]] = []
        self.subscribe = lambda topics: None
        self.partitions_for_topic = lambda topic: {0}

    def poll(self, **more: Any) -> dict[Any, Any]:
        """Hold the first insert back until the next rows are polled."""
        if self.offset == 1:
            assert self.inserter.began.wait(5)
            self.inserter.go.set()
        found = super().poll(**more)
        if not found:
            self.stop.set()
        return found

    def commit(self, offsets: Any) -> None:
        """Note how many rows are in, and the offset."""
        (offset,) = (each.offset for each in offsets.values())
        self.committed.append((sum(self.inserter.rows), offset))


def test_the_next_is_collected_while_one_is_inserted() -> None:
    """And what is committed is in, all of it when the sink is told to stop."""
    stop, inserter = Event(), Slow()
    log: Any = Following(5, stop, inserter)
    Sink(log, inserter, Sources("rows", "letters"), rows=10, interval=0.0, stop=stop).run()  # type: ignore[arg-type]
    assert log.committed == [(10 * done, done + 1) for done in range(1, 6)]


class Lanes:
    """Refuses the rows of one table, and tries those of the other again until it is told to stop."""

    def __init__(self, stop: Event) -> None:
        self.stop, self.tries, self.ended = stop, 0, Event()

    def insert(self, block: Block) -> None:
        """Do so."""
        if block.table == "refused":
            while not self.tries:
                self.stop.wait(0.001)
            raise RowsRefused("no")
        while not self.stop.wait(0.001):
            self.tries += 1
        self.ended.set()


def test_a_refusal_ends_the_other_lanes_too() -> None:
    """It is heard at once, and who goes on trying stops when told; else the process would never end."""
    stop = Event()
    lanes: Any = Lanes(stop)
    sink = Sink(None, lanes, Sources("rows", "letters"), rows=1, interval=0.0, stop=stop)  # type: ignore[arg-type]
    blocks = [Block(table, ("id",)) for table in ("tried", "refused")]
    sink.deliver(blocks)
    with pytest.raises(RowsRefused):
        sink.settle()
    stop.set()
    sink.close()
    assert lanes.ended.wait(5)
