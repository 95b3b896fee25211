"""The sink's loop, with a consumer in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, wait
from threading import Event
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import structlog
from clickhouse_connect.driver.exceptions import DatabaseError
from kafka import TopicPartition
from kafka.errors import IllegalStateError, KafkaError, KafkaTimeoutError, RebalanceInProgressError
from structlog.testing import capture_logs

from infra.database import DatabaseUnreachable
from sinks import sink as module
from sinks.block import Block
from sinks.insert import Inserter, LockedOut, RowsRefused
from sinks.sink import LULL, WIDE, Blocks, Sink, Sources


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


ROWS = TopicPartition("rows", 0)
LETTERS = TopicPartition("letters", 0)


def test_what_is_no_dead_letter_is_passed_over_and_no_row_is() -> None:
    """Whoever may write to the topic of dead letters does not stop the sink; of rows none may be missing."""
    letter = {"reason": "late", "detail": "", "topic": "t", "partition": 1, "offset": 2, "record": "", "at": 3}
    given = [letter, {}, letter | {"at": "soon"}, letter | {"offset": -1}, [], letter | {"size": 9}]
    values = [*map(msgspec.json.encode, given), None, b"{"]
    sink = Sink(None, None, Sources("rows", "letters"), rows=1, interval=0.1, stop=Event())  # type: ignore[arg-type]
    blocks: Blocks = {}
    taken = [sink._add(blocks, LETTERS, SimpleNamespace(offset=n, value=v))[0] for n, v in enumerate(values)]
    assert taken == [1, 0, 0, 0, 0, 1, 0, 0]
    (block,) = blocks.values()
    assert block.body == b'["late","","t",1,2,"",3,0],["late","","t",1,2,"",3,5]'
    for key, headers in ((None, ()), (b"events", ()), (b"events", (("columns", b"id"), ("rows", b"ten")))):
        foreign = SimpleNamespace(offset=7, key=key, headers=headers, value=b"[]", timestamp=0)
        with pytest.raises(RowsRefused, match=r"^rows, partition 0, offset 7 was not written by a worker$"):
            sink._add(blocks, ROWS, foreign)


@pytest.mark.parametrize(
    ("said", "raised"),
    [
        ("Code: 516. DB::Exception: sink: Authentication failed", LockedOut),
        ("Code: 497. DB::Exception: sink: Not enough privileges", LockedOut),
        ("Code: 16. DB::Exception: No such column", RowsRefused),
    ],
)
@pytest.mark.parametrize("connected", [True, False])
def test_who_is_locked_out_is_told_from_who_says_what_is_not_understood(
    said: str, raised: type[Exception], connected: bool
) -> None:
    """Whether ClickHouse says so to a client that it has let in before, or at the door; neither is tried for ever."""

    def refuse(*_: Any, **__: Any) -> None:
        raise DatabaseError(said)

    def connect() -> Any:
        if not connected and raised is LockedOut:
            raise DatabaseUnreachable(f"ClickHouse at http://c:1: {said}")
        return SimpleNamespace(raw_insert=refuse)

    with pytest.raises(raised, match="ClickHouse"):
        Inserter(connect, "juice", Event()).insert(Block("events", ("id",)))


class Log:
    """One partition of rows of `events`, which had waited for `age` seconds when they were written; a poll finds one message."""

    columns = b"id"

    def __init__(self, messages: int, age: float) -> None:
        self.left, self.offset, self.age = messages, 0, age

    def poll(self, **_: Any) -> dict[Any, Any]:
        """Return the next message."""
        if not self.left:
            return {}
        self.left -= 1
        self.offset += 1
        headers = [("columns", self.columns), ("rows", b"10"), ("appended", b"%d" % (1_000_000 - self.age * 1000))]
        message = SimpleNamespace(topic="rows", partition=0, offset=self.offset, timestamp=1_000_000, headers=headers)
        message.key, message.value = b"events", b"[1]"
        return {ROWS: [message]}

    def assignment(self) -> set[TopicPartition]:
        """Return the partition."""
        return {ROWS}

    def highwater(self, tp: TopicPartition) -> int:
        """Say that nothing waits behind what was polled: the worker has yet to write it."""
        if tp not in self.assignment():
            raise IllegalStateError
        return self.offset


def test_rows_of_different_formats_are_different_blocks() -> None:
    """While a worker of another version is still there; each goes in as its own messages say."""
    sink = Sink(None, None, Sources("rows", "letters"), rows=200, interval=0.0, stop=Event())  # type: ignore[arg-type]
    blocks: Blocks = {}
    for offset, form in enumerate((None, b"Native zstd", None, b"Native zstd")):
        headers = [("columns", b"id,version"), ("rows", b"1"), ("appended", b"0")]
        headers += [("format", form)] if form else []
        message = SimpleNamespace(offset=offset, key=b"things", value=b"[%d]" % offset, headers=headers, timestamp=0)
        sink._add(blocks, ROWS, message)
    assert [(block.form, block.body) for block in blocks.values()] == [
        ("JSONCompactEachRow", b"[0],[2]"),
        ("Native zstd", b"[1][3]"),
    ]


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


def test_workers_that_are_behind_may_pause() -> None:
    """However short the interval is, a block of theirs waits for more: many small inserts would cost ClickHouse more."""
    asked: list[int] = []

    class Asked(Log):
        def poll(self, timeout_ms: int = 0, **_: Any) -> dict[Any, Any]:
            asked.append(timeout_ms)
            return super().poll()

    log: Any = Asked(3, age=60)
    sink = Sink(log, None, Sources("rows", "letters"), rows=200, interval=0.0, stop=Event())  # type: ignore[arg-type]
    sink.collect()
    assert asked[-1] >= LULL * 1000


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


class Followed(Log):
    """A log whose reader is told to stop when `over`; what is committed is noted."""

    def __init__(self, messages: int, stop: Event, inserter: Slow, over: Callable[[Followed], bool]) -> None:
        super().__init__(messages, age=0)
        self.stop, self.inserter, self.over = stop, inserter, over
        self.committed: list[tuple[int, int]] = []
        self.refuse = 0
        self.held = {ROWS}

    def subscribe(self, topics: Iterable[str]) -> None:
        """Do nothing."""

    def partitions_for_topic(self, topic: str) -> set[int]:
        """Know it."""
        return {0}

    def assignment(self) -> set[TopicPartition]:
        """Return what is held."""
        return self.held

    def poll(self, **more: Any) -> dict[Any, Any]:
        """Hold the first insert back until the next rows are polled."""
        if self.offset == 1:
            assert self.inserter.began.wait(5)
            self.inserter.go.set()
        found = super().poll(**more)
        if self.over(self):
            self.stop.set()
        return found

    def commit(self, offsets: Any, **_: Any) -> None:
        """Note how many rows are in, and the offset."""
        if self.refuse:
            self.refuse -= 1
            raise RebalanceInProgressError
        (offset,) = (each.offset for each in offsets.values())
        self.committed.append((sum(self.inserter.rows), offset))


def followed(messages: int, over: Callable[[Followed], bool]) -> tuple[Any, Sink]:
    """Return a log of so many messages and the sink that reads it, one message for each insert."""
    stop, inserter = Event(), Slow()
    log: Any = Followed(messages, stop, inserter, over)
    return log, Sink(log, inserter, Sources("rows", "letters"), rows=10, interval=0.0, stop=stop)  # type: ignore[arg-type]


def test_the_next_is_collected_while_one_is_inserted() -> None:
    """And what is committed is in, all of it when the sink is told to stop."""
    log, sink = followed(5, lambda log: not log.left)
    sink.run()
    assert log.committed == [(10 * done, done + 1) for done in range(1, 6)]


def test_what_is_put_aside_has_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wide rows wait for more of them, but not for more cells than ClickHouse should have at a time."""
    monkeypatch.setattr(module, "LATER", 3_600)
    monkeypatch.setattr(module, "TIMES", 1e9)
    monkeypatch.setattr(module, "MAX_CELLS", 21 * (WIDE + 1))
    log, sink = followed(6, lambda log: not log.left)
    log.columns, sink.rows = b",".join([b"id"] * (WIDE + 1)), 1_000
    log.inserter.go.set()
    log.inserter.began.set()
    sink.run()
    assert log.inserter.rows == [30, 30]


class Apart:
    """Takes as long for rows of wide tables as it is told, and notes how many rows are in, of wide tables and of others."""

    def __init__(self) -> None:
        self.go = Event()
        self.rows: Counter[bool] = Counter()

    def insert(self, block: Block) -> None:
        """Insert a block."""
        if wide := len(block.columns) > WIDE:
            assert self.go.wait(5)
        self.rows[wide] += block.rows


class Mixed(Log):
    """A log that begins with rows of a wide table, and may end with such; they are held up until all others are in."""

    def __init__(self, wide: Sequence[int], stop: Event, inserter: Apart) -> None:
        super().__init__(5, age=0)
        self.wide, self.stop, self.inserter = wide, stop, inserter
        self.committed: list[int] = []

    def poll(self, **_: Any) -> dict[Any, Any]:
        """Return the next message."""
        self.columns = b",".join([b"id"] * (WIDE + 1)) if self.offset in self.wide else b"id"
        if self.inserter.rows[False] == 10 * (5 - len(self.wide)):
            self.inserter.go.set()
        if 6 in self.committed:
            self.stop.set()
        return super().poll()

    def commit(self, offsets: Any, **_: Any) -> None:
        """Note the offset; all rows before it are in."""
        (offset,) = (each.offset for each in offsets.values())
        assert self.inserter.rows.total() >= 10 * (offset - 1)
        self.committed.append(offset)

    subscribe, partitions_for_topic = Followed.subscribe, Followed.partitions_for_topic


@pytest.mark.parametrize("took", [0.0, 0.01])
@pytest.mark.parametrize("wide", [(0,), (0, 4), (2,), (2, 3)])
def test_wide_rows_keep_nobody_waiting(wide: Sequence[int], took: float) -> None:
    """What comes after them goes in while they are under way, and is committed when they are in; no commit goes back."""
    stop, inserter = Event(), Apart()
    log: Any = Mixed(wide, stop, inserter)
    sink = Sink(log, inserter, Sources("rows", "letters"), rows=15, interval=0.0, stop=stop)  # type: ignore[arg-type]
    sink._took = took
    sink.run()
    assert log.committed == sorted(log.committed)
    assert inserter.rows == {False: 10 * (5 - len(wide)), True: 10 * len(wide)}


def test_what_is_under_way_beside_wide_rows_is_committed_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of a partition that has none of them."""
    other = TopicPartition("rows", 1)
    committed: list[dict[TopicPartition, int]] = []
    consumer: Any = SimpleNamespace(
        assignment=lambda: {ROWS, other},
        commit=lambda offsets, **_: committed.append({tp: each.offset for tp, each in offsets.items()}),
    )
    sink = Sink(consumer, None, Sources("rows", "letters"), rows=1, interval=0.0, stop=Event())  # type: ignore[arg-type]
    narrow, wide = Future[None](), Future[None]()
    inserts = iter(([narrow], [wide]))
    monkeypatch.setattr(sink, "_inserting", lambda _: next(inserts))
    sink._offsets = {ROWS: 1}
    sink.deliver([Block("events", ("id",))])
    sink._offsets, sink._later = {other: 2}, {("account_scores", "", ()): Block("account_scores", ())}
    sink._deliver_later()
    narrow.set_result(None)
    sink.settle()
    assert not committed
    wide.set_result(None)
    sink.settle()
    assert committed == [{ROWS: 1, other: 2}]


@pytest.mark.parametrize(("age", "waits"), [(0.1, False), (60, True)])
def test_on_a_backlog_nobody_goes_beside_wide_rows(age: float, waits: bool) -> None:
    """Nothing is gained by it then: what is fresh does not wait for them, what is old is collected until they are in."""
    wide = Future[None]()
    polls: list[None] = []

    class Awaited(Log):
        def poll(self, **_: Any) -> dict[Any, Any]:
            polls.append(None)
            if len(polls) == 6:
                wide.set_result(None)
            return super().poll()

    log: Any = Awaited(3, age)
    sink = Sink(log, None, Sources("rows", "letters"), rows=200, interval=0.0, stop=Event())  # type: ignore[arg-type]
    sink._wide.begin([wide], {})
    (block,), _ = sink.collect()
    assert (wide.done(), block.rows) == (waits, 30 if waits else 10)


def test_what_is_in_is_committed_when_no_more_comes() -> None:
    """Also where the group refused at first because it was changing; otherwise somebody would wait for it for ever."""
    log, sink = followed(2, lambda log: bool(log.committed) and log.committed[-1][1] == 3)
    log.refuse = 3
    sink.run()
    assert log.committed[-1] == (20, 3)


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (KafkaTimeoutError(None), {"event": "commit not answered, trying again", "seconds": 5.0}),
        (
            RebalanceInProgressError(None),
            {"event": "commit refused, trying again", "error": "RebalanceInProgressError"},
        ),
        (
            IllegalStateError("no group"),
            {"event": "commit refused, trying again", "error": "IllegalStateError: no group"},
        ),
    ],
)
def test_a_commit_that_does_not_succeed_comes_again(raised: KafkaError, said: dict[str, Any]) -> None:
    """It is waited for only so long, and whether nobody answered or somebody refused is said."""
    waited: list[int] = []

    def commit(_: Any, timeout_ms: int) -> None:
        waited.append(timeout_ms)
        raise raised

    consumer: Any = SimpleNamespace(assignment=lambda: {ROWS}, commit=commit)
    sink = Sink(consumer, None, Sources("rows", "letters"), rows=1, interval=0.0, stop=Event())  # type: ignore[arg-type]
    sink._in = {ROWS: 7}
    with capture_logs() as logs:
        sink._commit()
    assert (waited, sink._in) == ([5_000], {ROWS: 7})
    assert [{key: line[key] for key in said} for line in logs] == [said]


def test_a_partition_may_be_taken_away_while_rows_are_collected() -> None:
    """Nothing is asked of it any more, and nothing is committed that may be behind what its next reader commits."""
    log, sink = followed(3, lambda log: len(log.inserter.rows) == 3)
    log.held = set()
    sink.run()
    assert (sum(log.inserter.rows), log.committed) == (30, [])


def test_health_tells_an_insert_that_lasts_from_a_sink_that_hangs() -> None:
    """Who inserts for a minute is alive and not ready; who does not look at Kafka for a minute hangs, whatever is in."""
    log, sink = followed(1, lambda log: True)
    sink.deliver([Block("events", ("id",))])
    sink.beat_at -= 60
    sink._narrow.began -= 60
    assert (sink.health()["live"], sink.health()["ready"]) == (True, False)
    log.inserter.go.set()
    wait(sink._narrow.inserts)
    assert (sink.health()["live"], sink.health()["ready"]) == (False, False)
    sink.beat_at += 60
    assert (sink.health()["live"], sink.health()["ready"]) == (True, True)


def test_a_broker_that_does_not_answer_is_said_once() -> None:
    """And once that one does: Kafka's client tries in silence."""
    _, sink = followed(1, lambda log: True)
    with structlog.testing.capture_logs() as said:
        for silent in (29.0, 30.0, 31.0, 0.1, 0.2, 40.0):
            sink.unanswered = lambda silent=silent: silent
            sink._listen()
    lost = "no broker answers; trying on"
    assert [(line["event"], line.get("seconds")) for line in said] == [
        (lost, 30),
        ("a broker answers again", None),
        (lost, 40),
    ]


def test_health_tells_a_broker_that_does_not_answer() -> None:
    """A sink that waits for it is alive, and not ready."""
    for silent in (29.0, 31.0):
        _, sink = followed(1, lambda log: True)
        sink.unanswered = lambda silent=silent: silent
        said = sink.health()
        assert (said["live"], said["ready"], said["seconds_since_answer"]) == (True, silent < 30, silent)


@pytest.mark.parametrize("refused", ["_narrow", "_wide"])
def test_a_refusal_is_heard_whatever_is_under_way_beside(refused: str) -> None:
    """What is tried again and again may never end."""
    sink = Sink(None, None, Sources("rows", "letters"), rows=1, interval=0.0, stop=Event())  # type: ignore[arg-type]
    for name in ("_narrow", "_wide"):
        insert = Future[None]()
        getattr(sink, name).begin([insert], {})
        if name == refused:
            insert.set_exception(RowsRefused("no"))
    assert not sink._is_busy()
    with pytest.raises(RowsRefused):
        sink.settle()


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


class Nothing(Followed):
    """A log in which nothing comes."""

    def __init__(self) -> None:
        super().__init__(0, Event(), Slow(), lambda log: False)


def test_a_refusal_ends_the_other_lanes_too() -> None:
    """It is heard at once, and who goes on trying stops when told; else the process would never end."""
    stop = Event()
    lanes: Any = Lanes(stop)
    sink = Sink(None, lanes, Sources("rows", "letters"), rows=1, interval=0.0, stop=stop)  # type: ignore[arg-type]
    blocks = [Block(table, ("id",)) for table in ("tried", "refused")]
    sink.deliver(blocks)
    sink.consumer = Nothing()  # type: ignore[assignment]
    with pytest.raises(RowsRefused):
        sink.run()
    stop.set()
    sink.close()
    assert lanes.ended.wait(5)
