"""The sink: polls rows from Kafka, inserts them into ClickHouse, and commits only then.

While a collection of rows is inserted the next is polled; it is inserted when the one before is in, and committed.
Rows of wide tables go beside these, so that events need not wait for them.

ClickHouse being away stops the sink alone; Kafka holds the rows. A crash between insert and commit inserts again,
perhaps in other blocks: rows are absolute and versioned, so it changes nothing.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event
from typing import Any, Final

import msgspec
import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, KafkaTimeoutError
from kafka.structs import OffsetAndMetadata

from infra import telemetry
from infra.clock import monotonic, wall
from schemas.rows import BY_ROW
from sinks.block import LETTER_COLUMNS, Block, filled, letter_row
from sinks.insert import Inserter, RowsRefused

log = structlog.get_logger("juice")


@dataclass(frozen=True, slots=True)
class Sources:
    """What the sink reads: encoded rows (the key names the table), and dead letters (one JSON object each)."""

    rows: str
    dead_letters: str


LONGEST: Final = 5.0
"""Seconds for which a collection may go on while more waits."""
LULL: Final = 0.3
"""Seconds without a row after which workers that are behind count as silent."""
WIDE: Final = 64
LATER: Final = 2.0
"""Rows of more columns are put aside for so many seconds at most: ClickHouse does nearly the same for one as for thousands."""
TIMES: Final = 4
"""They are for so many times as long as the last insert of such rows took: where ClickHouse has time, they are soon in."""
SLOWER: Final = 3
"""While such rows are under way and take long, a collection takes so many times as long: ClickHouse has enough to do."""
UNKNOWN: Final = 10.0
"""Seconds between two complaints that a topic is not there."""
POLL: Final = 200
"""Messages that are polled at a time. Where fewer wait, they have only just come."""
LANES: Final = 5
"""Tables that are inserted into at a time: most of a small insert is waiting."""
SILENT: Final = 30.0
"""Seconds after which an insert that is under way, a broker that does not answer or a loop that stands still is too slow."""
COMMIT: Final = 5.0
"""Seconds for which the answer to a commit is waited for. What it did not cover is in the next."""
MAX_BYTES: Final = 16 << 20
"""A collection ends at this size, what was put aside included, whatever the number of rows. As much may be under way, and as much
of wide tables, both as inserts' bodies too. Bytes as they came."""
MAX_CELLS: Final = 4_000_000
"""So many cells of wide tables are inserted at a time, 15 bytes each: what comes is compressed."""


class _Delivery:
    """Blocks that are inserted together."""

    def __init__(self) -> None:
        self.inserts: list[Future[None]] = []
        self.covers: dict[TopicPartition, int] = {}
        """Next offsets of what was polled, where with these blocks all of it is in."""
        self.began = 0.0

    def begin(self, inserts: Iterable[Future[None]], covers: dict[TopicPartition, int]) -> None:
        """Take up `inserts`; nothing may be under way."""
        self.began = monotonic()  # first: who asks how long it takes is another thread
        self.inserts, self.covers = list(inserts), covers

    def is_refused(self) -> bool:
        """Tell whether anything went wrong."""
        return any(each.exception() for each in self.inserts if each.done())

    def is_under_way(self) -> bool:
        """Tell whether anything is not in, and nothing went wrong."""
        return not all(each.done() for each in self.inserts) and not self.is_refused()

    def end(self, beside: _Delivery) -> dict[TopicPartition, int]:
        """Wait until all is in, and return what that covers; raise what went wrong, also in what is under way `beside`."""
        while self.is_under_way() and not beside.is_refused():
            wait(self.inserts, timeout=0.2, return_when=FIRST_EXCEPTION)
        for each in (*self.inserts, *beside.inserts):
            if each.done():
                each.result()
        covers = self.covers
        self.inserts, self.covers = [], {}
        return covers


Blocks = dict[tuple[str, str, tuple[str, ...]], Block]
"""By table, format and columns."""


class Sink:
    """One sink process: collects, inserts, commits."""

    def __init__(
        self,
        consumer: KafkaConsumer,
        inserter: Inserter,
        sources: Sources,
        *,
        rows: int,
        interval: float,
        stop: Event,
        crash_point: Any = lambda name: None,
        unanswered: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.consumer, self.inserter, self.sources = consumer, inserter, sources
        self.rows, self.interval, self.stop, self.crash_point = rows, interval, stop, crash_point
        self.unanswered = unanswered
        """Says for how many seconds no broker has answered."""
        self._deaf = False
        """Whether it was said that no broker answers."""
        self.beat_at = monotonic()
        self._later: Blocks = {}
        self._later_since = 0.0
        self._took = LATER / TIMES
        """How long the last insert of rows of a wide table took."""
        self._old = False
        """Whether events had waited for so long, when the newest polled rows were written, that a little longer is nothing."""
        self._offsets: dict[TopicPartition, int] = {}
        """Next offsets of what was polled and no delivery covers."""
        self._narrow, self._wide = _Delivery(), _Delivery()
        self._in: dict[TopicPartition, int] = {}
        """Next offsets of what is in and not committed."""
        self._lanes = ThreadPoolExecutor(LANES, "lane")

    def run(self) -> None:
        """Work until told to stop and what is under way is in; what was polled but not inserted then is simply not committed."""
        topics = self.sources.rows, self.sources.dead_letters
        for known in (self._later, self._offsets, self._narrow.covers, self._wide.covers, self._in):
            known.clear()  # a new consumer begins from what is committed
        self.consumer.subscribe(topics)
        for topic in topics:  # or the group may be joined before they are known, and be given nothing (docs/gotchas.md)
            since = self.beat_at = monotonic()
            while not self.consumer.partitions_for_topic(topic) and not self.stop.is_set():
                self.stop.wait(0.2)
                self.beat_at = monotonic()
                if self.beat_at - since > UNKNOWN:
                    log.warning("the topic is not there, or may not be seen: `juice migrate` makes it", topic=topic)
                    since = self.beat_at
        while not self.stop.is_set():
            self._listen()
            blocks, offsets = self.collect()
            if blocks or not self._narrow.is_under_way() or self._wide.is_refused():
                self.settle()
            self._offsets.update(offsets)
            if blocks:
                self.deliver(blocks)
            if self._later and (not offsets or self._is_later_due()):
                self._deliver_later()
            del blocks  # the next are collected when these are in, or nearly
        self.settle()
        self._in |= self._wide.end(self._narrow)
        self.settle()

    def _listen(self) -> None:
        """Say once that no broker answers, and once that one does again: the client tries in silence."""
        unanswered = self.unanswered()
        if unanswered >= SILENT and not self._deaf:
            log.warning("no broker answers; trying on", seconds=round(unanswered))
        elif unanswered < SILENT and self._deaf:
            log.info("a broker answers again")
        self._deaf = unanswered >= SILENT

    def collect(self) -> tuple[list[Block], dict[TopicPartition, int]]:
        """Poll until there are enough rows, or the interval is over and no more wait; return blocks and next offsets.

        While more wait, or what was collected before is not in, it goes on, for LONGEST at the most: few large inserts cost
        ClickHouse a fraction of many small.
        So it does while workers are behind by more than that, as long as they go on sending. Rows of wide tables are put
        aside for the same reason.
        """
        blocks: Blocks = {}
        offsets: dict[TopicPartition, int] = {}
        count, size = 0, sum(block.size for block in self._later.values())
        deadline: float | None = None
        polled: Mapping[TopicPartition, Any] = {}
        self._old = False
        while not self.stop.is_set():
            self.beat_at = monotonic()
            left = 0.25 if deadline is None else deadline - self.beat_at
            if left <= 0:
                more = (polled and self._old) or self._more(offsets) or self._is_busy()
                if left < self.interval - LONGEST or not more:
                    break
                left = max(self.interval, LULL) if self._old else 0.05
            polled = self.consumer.poll(timeout_ms=int(left * 1000) + 1, max_records=POLL)
            for tp, messages in polled.items():
                for message in messages:
                    rows, bytes_ = self._add(blocks, tp, message)
                    count, size = count + rows, size + bytes_
                offsets[tp] = messages[-1].offset + 1
            if polled and deadline is None:
                slower = self._took > self.interval and self._wide.is_under_way()
                deadline = monotonic() + self.interval * (SLOWER if slower else 1)
            if not polled and deadline is None:
                break
            if count >= self.rows or size >= MAX_BYTES:
                break
        return filled(blocks.values()), offsets

    def _is_busy(self) -> bool:
        """Tell whether the next collection may wait for what is under way; on a backlog for rows of wide tables, too."""
        if self._wide.is_refused():
            return False
        return self._narrow.is_under_way() or (self._old and self._wide.is_under_way())

    def _is_later_due(self) -> bool:
        """Tell whether enough rows are put aside, or for long enough; on a backlog that is as long as may be."""
        aside = LATER if self._old else min(TIMES * self._took, LATER)
        return self._enough_later() or monotonic() - self._later_since >= aside

    def _enough_later(self) -> bool:
        """Tell whether enough rows are put aside, whatever the time."""
        later = self._later.values()
        cells = sum(block.rows * len(block.columns) for block in later)
        return cells >= MAX_CELLS or sum(block.rows for block in later) >= self.rows

    def _more(self, offsets: Mapping[TopicPartition, int]) -> bool:
        """Tell whether there is more than another poll's worth of messages behind those that were polled."""
        ours = offsets.keys() & self.consumer.assignment()
        return sum(max((self.consumer.highwater(tp) or 0) - offsets[tp], 0) for tp in ours) > POLL

    def _add(self, blocks: Blocks, tp: TopicPartition, message: Any) -> tuple[int, int]:
        """Add one message to its table's block; return its rows and bytes. Whoever writes to the topic of dead letters what is
        none is passed over; on the topic of rows it is RowsRefused, since rows would be missing.
        """
        if tp.topic == self.sources.dead_letters:
            table, columns, form = "dead_letters", LETTER_COLUMNS, BY_ROW
            try:
                value, rows, appended = letter_row(message.value or b"", message.offset), 1, 0
            except msgspec.DecodeError as error:
                where = {"topic": tp.topic, "partition": tp.partition, "offset": message.offset}
                log.warning("not a dead letter, passed over", **where, error=str(error))
                return 0, 0
        else:
            headers = dict(message.headers)
            try:
                table, columns = message.key.decode(), tuple(headers["columns"].decode().split(","))
                form = headers.get("format", b"").decode() or BY_ROW
                rows, appended = int(headers["rows"]), int(headers["appended"])
            except (AttributeError, KeyError, ValueError) as error:
                text = f"{tp.topic}, partition {tp.partition}, offset {message.offset} was not written by a worker"
                raise RowsRefused(text) from error
            value = message.value
            if appended:
                self._old = message.timestamp - appended > LONGEST * 1000
        if len(columns) > WIDE:
            if not self._later:
                self._later_since = self.beat_at
            blocks = self._later
        block = blocks.get((table, form, columns))
        if block is None:
            block = blocks[table, form, columns] = Block(table, columns, form)
        block.add(tp.topic, tp.partition, message.offset, value, rows, appended)
        return rows, len(value)

    def deliver(self, blocks: list[Block]) -> None:
        """Begin to insert blocks; none may be under way."""
        covers: dict[TopicPartition, int] = {}
        if not self._later and not self._wide.inserts:  # else rows would count as inserted that wait, or are under way
            covers, self._offsets = self._offsets, {}
        self._narrow.begin(self._inserting(blocks), covers)

    def _deliver_later(self) -> None:
        """Begin to insert what was put aside, unless such rows are under way; where there is too much of it, wait for these."""
        if self._wide.is_under_way() and not self._enough_later():
            return
        self._in |= self._wide.end(self._narrow)
        blocks = filled(self._later.values())
        self._later = {}
        covers = self._narrow.covers | self._offsets  # all that was polled: with what is under way beside
        self._narrow.covers, self._offsets = {}, {}
        self._wide.begin([*self._narrow.inserts, *self._inserting(blocks)], covers)

    def _inserting(self, blocks: Iterable[Block]) -> list[Future[None]]:
        self.crash_point("sink.before-insert")
        return [self._lanes.submit(self._insert, block) for block in blocks]

    def settle(self) -> None:
        """Wait for what is under way, but for rows of wide tables, and commit what is in."""
        ended = bool(self._narrow.inserts)
        self._in |= self._narrow.end(self._wide)
        if not self._wide.is_under_way():
            ended |= bool(self._wide.inserts)
            self._in |= self._wide.end(self._narrow)
            if not self._later:
                self._in |= self._offsets
                self._offsets = {}
        if ended:
            self.crash_point("sink.after-insert")
            gc.collect()  # Kafka's client leaves answers in cycles, megabytes of rows that are in
        self._commit()

    def _commit(self) -> None:
        """Commit what is in. While the group is changing it refuses, and is asked again; what is another's then is not ours to
        commit: who has it inserts it again, which changes nothing.
        """
        if not self._in:
            return
        ours = self._in.keys() & self.consumer.assignment()
        try:
            if ours:
                offsets = {tp: OffsetAndMetadata(self._in[tp], "", -1) for tp in ours}
                self.consumer.commit(offsets, timeout_ms=int(COMMIT * 1000))
        except KafkaTimeoutError:
            log.warning("commit not answered, trying again", seconds=COMMIT)
            return
        except KafkaError as error:
            said = str(error) if any(error.args) else error.__class__.__name__  # many say "None"
            log.warning("commit refused, trying again", error=said)
            return
        self._in = {}
        self.crash_point("sink.after-commit")

    def close(self) -> None:
        """Begin no more inserts; those under way end as the inserter is told to stop."""
        self._lanes.shutdown(wait=False, cancel_futures=True)

    def _insert(self, block: Block) -> None:
        started = monotonic()
        self.inserter.insert(block)
        now, took = wall(), monotonic() - started
        if len(block.columns) > WIDE:
            self._took = took
        telemetry.inserted(block.table, block.rows, now, took)
        if block.oldest:
            telemetry.fresh(now - block.oldest / 1000, block.rows if block.table == "events" else 0)

    def waiting(self) -> float:
        """Return for how many seconds what is being inserted has waited to be in; 0 where nothing is."""
        under_way = (each for each in (self._narrow, self._wide) if each.is_under_way())
        return max((monotonic() - each.began for each in under_way), default=0.0)

    def health(self) -> dict[str, Any]:
        """Return what /healthz and /readyz say: who waits for ClickHouse or Kafka is alive, but not ready."""
        waiting, unanswered = self.waiting(), self.unanswered()
        live = monotonic() - self.beat_at < SILENT or waiting > 0
        return {
            "live": live,
            "ready": live and max(waiting, unanswered) < SILENT,
            "seconds_inserting": round(waiting, 1),
            "seconds_since_answer": round(unanswered, 1),
            "partitions": len(self.consumer.assignment()),
        }
