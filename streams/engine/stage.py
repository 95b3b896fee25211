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
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, cast

import faust
import structlog

from infra import telemetry
from infra.clock import monotonic, wall
from streams.engine.batches import Batch
from streams.engine.faults import CorruptState, Exit, crash_point, die
from streams.engine.outbox import Send, send_all
from streams.engine.table import BatchTable

log = structlog.get_logger("juice")


HURRY: Final = 0.5
"""Seconds that a record may wait before the worker puts off what can wait."""


@dataclass(slots=True)
class Effects:
    """What a batch does to the world. `kept` is what the body wants back with the progress record."""

    sends: list[Send] = field(default_factory=list)
    writes: dict[bytes, bytes | None] = field(default_factory=dict)
    kept: bytes = b""


class Body(Protocol):
    """What a stage computes. Synchronous; must not raise for bad data, and what it raises ends the process."""

    def restore(self, partition: int, entries: dict[bytes, bytes], offset: int, kept: bytes) -> None:
        """Build what is derived of a partition from its table, before its first batch after each rebalance."""

    def forget(self) -> None:
        """Drop everything derived: the partitions may have moved."""

    def process(self, partition: int, records: Sequence[Any], behind: bool) -> Effects:
        """Return the effects of consecutive input records; `behind` says that much waits, before this stage or
        another, so that what can be done later should be.
        """

    def idle(self, partition: int, lag: int | None, offset: int, behind: bool) -> Effects | None:
        """Return what is to be done while no input comes, or None; called about twice a second, and again at once
        after anything was done.

        `lag` is how many input records wait (None: unknown), `offset` the next one; `behind` says that much waits, before this
        stage or another.
        """


def _code(error: BaseException) -> Exit:
    return Exit.CORRUPTION if isinstance(error, CorruptState) else Exit.FAULT


async def unbroken(work: Coroutine[Any, Any, None]) -> None:
    """Await `work` to its end, even when the agent is cancelled; whatever it raises ends the process.

    On a graceful stop and in rebalances Faust cancels agents and acknowledges the event they were working on.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
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
    ) -> None:
        """`reached` tells how far a partition is in event time (ms), where the body knows."""
        self.app: Any = app  # ours: its consumer is guarded, which Faust's types do not know
        self.name, self.body, self.reached = name, body, reached
        raw: dict[str, Any] = {
            "key_type": bytes,
            "value_type": bytes,
            "key_serializer": "raw",
            "value_serializer": "raw",
        }
        self.topic = app.topic(source, partitions=partitions, **raw)
        table = app.Table(name, partitions=partitions, key_type=bytes, value_type=bytes, recovery_buffer_size=8)
        self.table = cast(BatchTable, table)
        self.partitions = partitions
        self.moved_at = monotonic()
        self._age = 0.0
        self._restored: set[int] = set()
        self._generation = -1
        self._busy = asyncio.Lock()
        app.agent(self.topic, name=f"juice.{name}", concurrency=1)(self._agent)

    # What the guarded consumer asks

    def next_offset(self, partition: int) -> int | None:
        """Return the next input offset of a partition as its state says it; None when it has none."""
        progress = self.table.progress(partition)
        return None if progress is None else progress[0]

    # The agent

    async def _agent(self, stream: Any) -> None:
        async for event in stream.events():
            await unbroken(self._take(event.message.tp, event.message.value, event.message.generation_id))

    async def _take(self, tp: Any, batch: Batch, generation: int) -> None:
        async with self._busy:
            if not self._owns(tp.partition, generation):
                return
            offset = self._prepare(tp.partition)
            if offset is None:
                offset = batch.begin
            if batch.begin > offset or batch.begin < 0:
                # A hole that the consumer did not catch. It never fired in chaos runs: something new is wrong.
                telemetry.hole(self.name)
                log.error("hole", stage=self.name, partition=tp.partition, begin=batch.begin, expected=offset)
                await self.app.consumer.rewind(tp, offset)
                return
            records = batch.records if batch.begin == offset else [r for r in batch.records if r.offset >= offset]
            if not records:
                return
            started = monotonic()
            end = records[-1].offset + 1
            self._age = wall() - records[-1].timestamp / 1000
            behind = self.app.hurried()
            effects = self.body.process(tp.partition, records, behind)
            computed = monotonic()
            await self._apply(tp.partition, effects, end)
            telemetry.batch(self.name, tp.partition, len(records), computed - started, monotonic() - computed)

    def hurried(self) -> bool:
        """Tell whether records wait here that waited too long already."""
        if self._age < HURRY:
            return False
        return any(map(self.app.consumer.pending, self.held()))

    async def tick(self) -> bool:
        """Do what is to be done while no input comes, for every partition held; tell whether there was anything."""
        busy = False
        for tp in self.held():
            async with self._busy:
                if not self._owns(tp.partition, self.app.consumer_generation_id):
                    continue
                offset = self._prepare(tp.partition) or 0
                lag = self.app.consumer.lag(tp)
                if (effects := self.body.idle(tp.partition, lag, offset, self.app.hurried())) is not None:
                    await unbroken(self._apply(tp.partition, effects, offset))
                    busy = True
                elif lag and (end := await self.app.consumer.end_without_records(tp)) is not None:
                    _, kept = self.table.progress(tp.partition) or (0, b"")
                    await unbroken(self._apply(tp.partition, Effects(kept=kept), end))
        return busy

    def held(self) -> list[Any]:
        """Return the input partitions whose state is here and recovered."""
        consumer = self.app.consumer
        return [tp for tp in consumer.begins if tp.topic == self.topic.get_topic_name()]

    def _owns(self, partition: int, generation: int) -> bool:
        return generation == self.app.consumer_generation_id and any(tp.partition == partition for tp in self.held())

    def _prepare(self, partition: int) -> int | None:
        """Return the next offset of a partition, its body restored; None when nothing was done on it before."""
        if self._generation != self.app.consumer_generation_id:
            self._generation = self.app.consumer_generation_id
            self._restored.clear()
            self.body.forget()
        progress = self.table.progress(partition)
        if partition not in self._restored:
            offset, kept = progress or (0, b"")
            self.body.restore(partition, self.table.partition(partition), offset, kept)
            self._restored.add(partition)
        return None if progress is None else progress[0]

    async def _apply(self, partition: int, effects: Effects, offset: int) -> None:
        crash_point(f"{self.name}.before-sends")
        self.app.consumer.check_lease()
        sent = await send_all(self.app.producer._producer, effects.sends)
        crash_point(f"{self.name}.after-sends")
        self.app.consumer.check_lease()
        wrote = await self.table.flush(partition, effects.writes, offset, effects.kept)
        crash_point(f"{self.name}.after-progress")
        self.moved_at = monotonic()
        telemetry.flushed(self.name, len(effects.writes), wrote, sent)
