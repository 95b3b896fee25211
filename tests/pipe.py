"""The three stages on logs in memory: the same bodies as in a worker, without Kafka, Faust or time.

For what a real broker cannot do in a second: thousands of crashes between any two effects, any cut of the logs into
batches, any interleaving of partitions. What it leaves out (fetching, rebalances, acknowledgements) is tested on the
real ones in tests/integration.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from schemas.wire import UNHEARD, Decoded, encode
from streams.agents.accept import Accept
from streams.agents.accumulate import Accumulate
from streams.agents.ingest import Ingest
from streams.engine.outbox import Send
from streams.engine.progress import FENCE, PROGRESS
from streams.engine.stage import Body, Effects
from streams.names import Names
from streams.subject import Subject
from streams.subjects.registry import all_subjects
from streams.tables import ALL_TABLES
from tests.rows import rows_of

LATER: Final = 1 << 50
"""When what is between stages is appended, ms: after all that it tells of."""


class Record(NamedTuple):
    """What a body reads of a Kafka record."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


class Crash(Exception):
    """The worker is gone; what was durable stays."""


@dataclass
class _Stage:
    """A stage's durable side: its input topic and one table per partition."""

    name: str
    source: str
    body: Body
    tables: dict[int, dict[bytes, bytes]] = field(default_factory=lambda: defaultdict(dict))
    restored: set[int] = field(default_factory=set)

    def progress(self, partition: int) -> int:
        raw = self.tables[partition].get(PROGRESS)
        return FENCE.unpack_from(raw)[0] if raw else 0


class Pipe:
    """Logs, tables and rows of one installation."""

    def __init__(
        self,
        *,
        sources: int = 3,
        partitions: int = 2,
        lateness: int = 900_000,
        horizon: int = 3_600_000,
        subjects: Callable[[], Sequence[Subject[Any]]] = all_subjects,
        rng: random.Random | None = None,
    ) -> None:
        self.names = Names()
        self.sources, self.partitions = sources, partitions
        self.lateness, self.horizon, self._subjects = lateness, horizon, subjects
        self.rng = rng or random.Random(0)
        self.logs: dict[str, dict[int, list[Record]]] = defaultdict(lambda: defaultdict(list))
        self.crash_after = -1
        self.durable_steps = 0
        self._newest: dict[str, dict[tuple[Any, ...], tuple[int, list[Any]]]] = defaultdict(dict)
        self._seen: dict[tuple[str, int], int] = defaultdict(int)
        """Rows by table and key, and how far the logs of rows have been read for them."""
        self._start()

    def _start(self) -> None:
        """Start a new worker on what is durable."""
        n, parts = self.names, self.partitions
        bodies: dict[str, Body] = {
            "ingest": Ingest(names=n, partitions=parts, lateness=self.lateness, future=300_000, idle=10**9),
            "accept": Accept(
                names=n,
                sources=self.sources,
                partitions=parts,
                horizon=self.horizon,
                idle=0,
                subjects=self._subjects(),
            ),
            "accumulate": Accumulate(names=n, partitions=parts, subjects=self._subjects()),
        }
        old = getattr(self, "stages", {})
        self.stages = {
            name: _Stage(name, n.source(name), body, old[name].tables if old else defaultdict(dict))
            for name, body in bodies.items()
        }

    def append(self, partition: int, value: bytes | None, timestamp: int) -> None:
        """Append an input record."""
        log = self.logs[self.names.events][partition]
        log.append(Record(len(log), timestamp, None, value))

    def silence(self, at: int) -> None:
        """Let every source partition say that it had no more up to `at` (wall clock, ms)."""
        for source in range(self.sources):
            stage = self.stages["ingest"]
            self._restore(stage, source)
            offset, time = stage.progress(source), stage.body.reached(source)  # type: ignore[attr-defined]
            time, watermark = (UNHEARD, UNHEARD) if time is None else (time, time - self.lateness)
            tick = encode(Decoded(source, offset, offset, time, watermark, appended=at, silent=True))
            for partition in range(self.partitions):
                self._append(Send(self.names.decoded, partition, None, tick))
        self.run()

    def run(self, *, largest: int = 50, first: int | None = None) -> None:
        """Work until nothing is left, partitions and batch sizes at random; start again after every crash.

        `first` is a source partition that is read, and whose claims are decided, before the others.
        """
        if first is not None:
            while self._step(largest, only=("ingest", first)) or self._step(largest, only=("accept", None)):
                pass
        idle = 0
        while True:
            try:
                while self._step(largest):
                    idle = 0
                if not any(self._idle(stage) for stage in self.stages.values()):
                    return
                idle += 1
                assert idle < 1_000, "there is always something to be done: a due in the past?"
            except Crash:
                self._start()

    def _step(self, largest: int, only: tuple[str, int | None] | None = None) -> bool:
        """Process one batch of some partition, or of `only` that stage and partition; tell whether there was one."""
        waiting = []
        for stage in self.stages.values():
            count = self.sources if stage.name == "ingest" else self.partitions
            for partition in range(count):
                if only is not None and (stage.name != only[0] or only[1] not in (None, partition)):
                    continue
                if stage.progress(partition) < len(self.logs[stage.source][partition]):
                    waiting.append((stage, partition))
        if not waiting:
            return False
        stage, partition = self.rng.choice(waiting)
        self._restore(stage, partition)
        begin = stage.progress(partition)
        log = self.logs[stage.source][partition]
        records = log[begin : begin + self.rng.randint(1, largest)]
        end = records[-1].offset + 1
        effects = stage.body.process(partition, records, self.rng.random() < 0.5)
        self._apply(stage, partition, effects, end)
        return True

    def _idle(self, stage: _Stage) -> bool:
        did = False
        for partition in range(self.sources if stage.name == "ingest" else self.partitions):
            self._restore(stage, partition)
            offset = stage.progress(partition)
            if (effects := stage.body.idle(partition, 0, offset, False)) is not None:
                self._apply(stage, partition, effects, offset)
                did = True
        return did

    def _restore(self, stage: _Stage, partition: int) -> None:
        if partition not in stage.restored:
            table = stage.tables[partition]
            raw = table.get(PROGRESS, b"")
            stage.body.restore(partition, table, stage.progress(partition), raw[FENCE.size :])
            stage.restored.add(partition)

    def _apply(self, stage: _Stage, partition: int, effects: Effects, offset: int) -> None:
        for send in self._on_their_ways(effects.sends):
            self._durable()
            self._append(send)
            if self.again_rate and self.rng.random() < self.again_rate:
                self._append(send)
        table = stage.tables[partition]
        for key, value in effects.writes.items():
            self._durable()
            if value is None:
                table.pop(key, None)
            elif key not in table or value[:8] >= table[key][:8]:
                table[key] = value
        self._durable()
        table[PROGRESS] = FENCE.pack(offset) + effects.kept

    def _on_their_ways(self, sends: Iterable[Send]) -> Iterator[Send]:
        """Yield sends in an order in which they may arrive: that of their own partition is kept, no other."""
        queues: dict[tuple[str, int], deque[Send]] = defaultdict(deque)
        for send in sends:
            queues[send.topic, send.partition].append(send)
        while queues:
            where = self.rng.choice(list(queues))
            yield queues[where].popleft()
            if not queues[where]:
                del queues[where]

    def _append(self, send: Send) -> None:
        log = self.logs[send.topic][send.partition]
        log.append(Record(len(log), LATER, send.key, send.value))

    def _durable(self) -> None:
        """Crash here if it is time: between any two things that become durable."""
        self.durable_steps += 1
        if self.crash_after == 0:
            self.crash_after = -1
            raise Crash
        if self.crash_after > 0:
            self.crash_after -= 1
        elif self.crash_rate and self.rng.random() < self.crash_rate:
            raise Crash

    crash_rate = 0.0
    again_rate = 0.0
    """How often a record arrives twice, because its sender missed the answer."""

    # What came out

    def forget_rows(self) -> None:
        """Begin with no rows, as in an empty ClickHouse."""
        self.logs[self.names.rows].clear()
        self._newest.clear()
        self._seen.clear()

    def rows(self, table: str) -> dict[tuple[Any, ...], dict[str, Any]]:
        """Return the current rows of a table by key, as ReplacingMergeTree would, without the empty ones."""
        spec = ALL_TABLES[table]
        at = [spec.names.index(name) for name in spec.stored_key]
        newest = self._newest[table]
        for partition, log in self.logs[self.names.rows].items():
            begin, self._seen[table, partition] = self._seen[table, partition], len(log)
            for record in log[begin:]:
                if record.key == table.encode():
                    for *values, version in rows_of(spec, record.value or b""):
                        key = tuple(values[place] for place in at)
                        if key not in newest or version >= newest[key][0]:
                            newest[key] = (version, values)
        shown = (dict(zip(spec.names, row, strict=True)) for _, stored in newest.values() for row in spec.shown(stored))
        rows = {tuple(row[name] for name in spec.key): row for row in shown}
        return {key: row for key, row in rows.items() if not (spec.live == "events > 0" and not row["events"])}

    def dead_letters(self) -> dict[tuple[int, int], str]:
        """Return the reason of each dead letter by (partition, offset)."""
        letters = (json.loads(r.value or b"") for log in self.logs[self.names.dead_letters].values() for r in log)
        return {(letter["partition"], letter["offset"]): letter["reason"] for letter in letters}

    def outcomes(self) -> dict[str, int]:
        """Return how many records were read, accepted, …; reasons count as dead_letter."""
        found: dict[str, int] = defaultdict(int)
        for row in self.rows("outcomes").values():
            name = row["outcome"] if row["outcome"] in ("read", "accepted", "duplicate") else "dead_letter"
            found[name] += row["records"]
        return dict(found)


def feed(pipe: Pipe, records: Iterable[tuple[int, bytes]], timestamp: int = 2_000_000_000_000) -> int:
    """Append (partition, record) pairs; return how many."""
    count = 0
    for count, (partition, record) in enumerate(records, 1):  # noqa: B007
        pipe.append(partition, record, timestamp)
    return count
