"""One stage: an agent, its table, and the order in which things become durable.

A batch of input becomes effects (`Body.process`, synchronous and free of I/O), then, in this order and each
acknowledged by the broker before the next begins:

1. sends: messages to the next stage, rows, dead letters;
2. state, with the progress record as its last record;
3. only then is the message acknowledged to Faust.

A kill before 2 is complete repeats the batch. Repeated sends are swallowed by the fences of the next stage, by the
versions of rows and by stable ids; repeated state by the fence in each value.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, ParamSpec, Protocol, TypeVar, cast

import faust
import structlog

from infra import telemetry
from infra.clock import monotonic, wall
from streams.engine.batches import Batch, beginning
from streams.engine.faults import CorruptState, Exit, crash_point, die
from streams.engine.outbox import Send, send_all
from streams.engine.pacing import UNDER_WAY
from streams.engine.store import State
from streams.engine.table import BatchTable

log = structlog.get_logger("juice")
P = ParamSpec("P")
T = TypeVar("T")

TOGETHER: Final = 8
"""Batches of a stage that are under way at a time, of different partitions: most of a batch's time is waiting for the broker,
twice."""
HURRY: Final = 0.5
"""Seconds that a record may wait before the worker puts off what can wait."""


@dataclass(slots=True)
class Effects:
    """What a batch does to the world. `kept` is what the body wants back with the progress record."""

    sends: list[Send] = field(default_factory=list)
    writes: dict[bytes, bytes | None] = field(default_factory=dict)
    kept: bytes = b""


class Body(Protocol):
    """What a stage computes. Synchronous; must not raise for bad data, and what it raises ends the process.

    Its methods but `rests` are called one at a time, whatever the thread.
    """

    def restore(self, partition: int, entries: State, offset: int, kept: bytes) -> None:
        """Build what is derived of a partition from its table, before its first batch after each rebalance."""

    def forget(self) -> None:
        """Drop everything derived: the partitions may have moved."""

    def process(self, partition: int, records: Sequence[Any], behind: bool) -> Effects:
        """Return the effects of consecutive input records; `behind` says that much waits, before this stage or
        another, so that what can be done later should be.
        """

    def rests(self, partition: int) -> bool:
        """Tell whether `idle` has nothing to do now; asked on the loop, while other partitions may be at work, so that an idle
        worker wakes no thread.
        """

    def idle(self, partition: int, caught_up: float | None, offset: int, behind: bool) -> Effects | None:
        """Return what is to be done while no input comes, or None; called about twice a second, and again at once
        after anything was done.

        `caught_up` is a moment of the monotonic clock, not long ago, at which no input record waited (None: some may), `offset`
        the next one; `behind` says that much waits, before this stage or another.
        """


def _code(error: BaseException) -> Exit:
    return Exit.CORRUPTION if isinstance(error, CorruptState) else Exit.FAULT


async def unbroken(work: Coroutine[Any, Any, T]) -> T:
    """Await `work` to its end, even when the agent is cancelled; whatever it raises ends the process.

    On a graceful stop and in rebalances Faust cancels agents and acknowledges the event they were working on.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if (error := None if task.cancelled() else task.exception()) is not None:
            log.error("fault", exc_info=error)
            die(_code(error), repr(error))
        raise
    except Exception as error:
        log.error("fault", exc_info=error)
        die(_code(error), repr(error))


class Stage:
    """A source topic, a table that carries its progress, and a body between them."""

    def __init__(
        self,
        app: faust.App,
        *,
        name: str,
        source: str,
        partitions: int,
        body: Body,
        reached: Callable[[int], int | None] = lambda partition: None,
        heard: Callable[[], Mapping[int, tuple[int, int]]] = dict,
        apart: bool = False,
    ) -> None:
        """`reached(partition)`: newest event time (ms), or None. `heard()`: for each backlogged input partition, on any worker,
        the (offset, event time ms) it was last known to have reached.

        `apart`: the body computes on a thread of its own, for one that computes for long. Otherwise no other stage would have
        a turn meanwhile, nor would a broker's answer be read: at half of full load an event took 1.5 s to its row, and takes
        0.4 s this way.
        """
        self.app: Any = app  # ours: its consumer is guarded, which Faust's types do not know
        self.name, self.body, self.reached, self.heard = name, body, reached, heard
        raw: dict[str, Any] = {
            "key_type": bytes,
            "value_type": bytes,
            "key_serializer": "raw",
            "value_serializer": "raw",
        }
        self.topic = app.topic(source, partitions=partitions, maxsize=UNDER_WAY * partitions, **raw)
        table = app.Table(name, partitions=partitions, key_type=bytes, value_type=bytes, recovery_buffer_size=8)
        self.table = cast(BatchTable, table)
        self.partitions = partitions
        self.moved_at = monotonic()
        self._thread = ThreadPoolExecutor(1, name) if apart else None
        self._age = 0.0
        self._restored: set[int] = set()
        self._generation = -1
        self._busy = defaultdict[int, asyncio.Lock](asyncio.Lock)
        """By partition: held from the taking of a batch until it is durable."""
        self._resting = asyncio.Lock()
        """Held by the partition at rest whose turn it is to compute."""
        app.agent(self.topic, name=f"juice.{name}", concurrency=TOGETHER)(self._agent)

    # What the guarded consumer asks

    def next_offset(self, partition: int) -> int | None:
        """Return the next input offset of a partition as its state says it; None when it has none."""
        progress = self.table.progress(partition)
        return None if progress is None else progress[0]

    def check_input(self, partition: int) -> None:
        """End the process where the recovered state of a partition belongs to an earlier topic than the one of that name now:
        the same offsets are other records there.
        """
        was, now = self.table.inputs.get(partition), self._topic_id
        if was and now and was != now:
            name = self.topic.get_topic_name()
            die(self.app.verdict, f"{name} was deleted and made anew; `juice rebuild` counts what is there")

    # The agent

    async def _agent(self, stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            await unbroken(self._take(message.tp, message.value, message.generation_id))
            self.app.consumer.taken(message.tp, message.generation_id)

    async def _take(self, tp: Any, batch: Batch, generation: int) -> None:
        async with self._busy[tp.partition]:
            if not self._owns(tp, generation):
                return
            offset = await self._prepare(tp.partition)
            if offset is None:
                offset = batch.begin
            if batch.begin > offset or batch.begin < 0:
                # A hole that the consumer did not catch. It never fired in chaos runs: something new is wrong.
                telemetry.hole(self.name)
                log.error("hole", stage=self.name, partition=tp.partition, begin=batch.begin, expected=offset)
                await self.app.consumer.rewind(tp, offset)
                return
            records = beginning(batch.records, offset)
            if not records or not self._owns(tp, generation):
                return
            self._age = wall() - records[-1].timestamp / 1000
            done = await self._call(self._process, tp, generation, records, self.app.hurried())
            if done is not None and self._still_owns(tp, generation):
                effects, seconds = done
                computed = monotonic()
                await self._apply(tp.partition, effects, records[-1].offset + 1)
                telemetry.batch(self.name, tp.partition, len(records), seconds, monotonic() - computed)

    def _process(self, tp: Any, generation: int, records: Sequence[Any], behind: bool) -> tuple[Effects, float] | None:
        """Return the effects and how long it took; None if the partition is gone, so that a rebalance need not wait for it."""
        if not self._owns(tp, generation):
            return None
        started = monotonic()
        return self.body.process(tp.partition, records, behind), monotonic() - started

    def hurried(self) -> bool:
        """Tell whether records wait here that waited too long already."""
        if self._age < HURRY:
            return False
        return any(map(self.app.consumer.pending, self.held()))

    async def tick(self) -> bool:
        """Do what is to be done while no input comes, for every partition held; tell whether there was anything.

        Partitions compute one after the other, since each may take long and input goes between them. What one has to say is
        sent while the next computes, and kept in memory until the broker has it: of each partition the effects of one `idle`.
        """
        return await unbroken(self._rest_all())

    async def _rest_all(self) -> bool:
        held = self.held()
        if not held and self._restored:  # all were given up: nothing of them is to be kept, or told
            self._restored.clear()
            await self._call(self.body.forget)
        return any(await asyncio.gather(*map(self._rest, held)))

    async def _rest(self, tp: Any) -> bool:
        async with AsyncExitStack() as busy:
            async with self._resting:
                if self._busy[tp.partition].locked() or self.app.should_stop:
                    return False  # it is not at rest, or need not be looked at any more
                await busy.enter_async_context(self._busy[tp.partition])
                generation = self.app.consumer_generation_id
                if not self._owns(tp, generation):
                    return False
                await self._prepare(tp.partition)
                offset = self.app.consumer.done(tp)
                if not self._owns(tp, generation):
                    return False
                caught_up = self.app.consumer.caught_up(tp)
                effects = None
                if not self.body.rests(tp.partition):
                    effects = await self._call(self.body.idle, tp.partition, caught_up, offset, self.app.hurried())
                    if not self._still_owns(tp, generation):
                        return False
            if effects is not None:
                await self._apply(tp.partition, effects, offset)
            elif caught_up is None and (end := await self.app.consumer.end_without_records(tp)) is not None:
                _, kept = self.table.progress(tp.partition) or (0, b"")
                await self._apply(tp.partition, Effects(kept=kept), end)
            return effects is not None

    async def between(self, work: Callable[[], None]) -> None:
        """Do what neither the body nor the loop must see half done: on the loop, while the body's thread stands still."""
        if self._thread is None:
            work()
            return
        loop, standing, go = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

        def stand() -> None:
            loop.call_soon_threadsafe(standing.set)
            go.wait()

        self._thread.submit(stand)
        try:
            await standing.wait()
            work()
        finally:
            go.set()

    async def _call(self, work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        if self._thread is None:
            return work(*given, **named)
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(work, *given, **named))

    def held(self) -> list[Any]:
        """Return the input partitions whose state is here and recovered."""
        consumer = self.app.consumer
        return [tp for tp in consumer.begins if tp.topic == self.topic.get_topic_name()]

    def _owns(self, tp: Any, generation: int) -> bool:
        return generation == self.app.consumer_generation_id and tp in self.app.consumer.begins

    def _still_owns(self, tp: Any, generation: int) -> bool:
        """Tell whether what was computed may be applied; where not, have the body restored before it works on that partition."""
        if self._owns(tp, generation):
            return True
        self._restored.discard(tp.partition)
        return False

    async def _prepare(self, partition: int) -> int | None:
        """Return the next offset of a partition, its body restored; None when nothing was done on it before."""
        fresh = self._generation != self.app.consumer_generation_id
        if fresh:
            self._generation = self.app.consumer_generation_id
            self._restored.clear()
        progress = self.table.progress(partition)
        if partition not in self._restored:
            self._restored.add(partition)
            offset, kept = progress or (0, b"")
            await self._call(self._restore, fresh, partition, self.table.partition(partition), offset, kept)
        return None if progress is None else progress[0]

    @property
    def _topic_id(self) -> bytes:
        """Return the id of the topic that is read, empty where it is not known."""
        found: bytes = self.app.topic_ids.get(self.topic.get_topic_name(), b"")
        return found

    def _restore(self, fresh: bool, partition: int, entries: State, offset: int, kept: bytes) -> None:
        if fresh:
            self.body.forget()
        self.body.restore(partition, entries, offset, kept)

    async def _apply(self, partition: int, effects: Effects, offset: int) -> None:
        crash_point(f"{self.name}.before-sends")
        self.app.consumer.lease.check()
        sent = await send_all(self.app.producer._producer, effects.sends)
        crash_point(f"{self.name}.after-sends")
        self.app.consumer.lease.check()
        of = self._topic_id or self.table.inputs.get(partition, b"")  # not forgotten because a broker does not say
        wrote = await self.table.flush(partition, effects.writes, offset, effects.kept, of)
        crash_point(f"{self.name}.after-progress")
        self.moved_at = monotonic()
        telemetry.flushed(self.name, len(effects.writes), wrote, sent)
