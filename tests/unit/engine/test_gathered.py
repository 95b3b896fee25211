"""What waits for more, between Kafka and a stage: whatever is sought or missing meanwhile, each record is taken once, in order.

The consumer's loop is Faust's, the stage is ingest's; a log in memory and a thread that reads it stand for Kafka.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from infra.clock import wall
from streams.engine import gathering as module
from streams.engine.holes import RETRIES
from tests.unit.engine.world import Record, World, in_world

EVENTS = TP("social.events", 0)
WINDOW = 0.05


@pytest.fixture(autouse=True)
def window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gather for a shorter time than the product does."""
    monkeypatch.setattr(module, "FIRST", WINDOW)


class Log:
    """One partition; None is what closes a transaction. Reading it and seeking in it take a moment, as they do on a thread."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch, records: Sequence[Any] = ()) -> None:
        self.records, self.position, self.seeking, self.seeks = list(records), 0, asyncio.Event(), 0
        self.consumer = world.consumer
        state = SimpleNamespace(state_value=lambda tp: SimpleNamespace(position=self.position, has_valid_position=True))
        self.kafka: Any = SimpleNamespace(
            _fetcher=SimpleNamespace(),
            _client=SimpleNamespace(cluster=SimpleNamespace(partitions_for_topic=lambda topic: {0})),
            last_stable_offset=lambda tp: len(self.records),
            highwater=lambda tp: len(self.records),
            _subscription=SimpleNamespace(subscription=SimpleNamespace(assignment=state)),
        )
        log = self

        async def getmany(self: Any, partitions: set[Any], seconds: float) -> Mapping[Any, Any]:
            return await log.read(seconds)

        monkeypatch.setattr(driver.Consumer, "_getmany", getmany)
        world.consumer._thread = self  # type: ignore[assignment]
        world.consumer._set_active_tps({EVENTS})
        world.consumer.flow_active = True
        world.consumer.can_resume_flow.set()
        world.app.consumer_generation_id = 1
        world.consumer.recovered(1)

    def append(self, count: int) -> None:
        """Append records, and what closes their transaction."""
        begin = len(self.records)
        now = int(wall() * 1000)
        self.records += [Record(begin + n, b"no event", topic=EVENTS.topic, timestamp=now) for n in range(count)]
        self.records.append(None)

    async def read(self, seconds: float) -> Mapping[Any, Any]:
        """Return what is there from the position on."""
        ends = asyncio.get_running_loop().time() + seconds
        while True:
            await asyncio.sleep(0.001)
            found = [record for record in self.records[self.position :] if record is not None]
            self.position = len(self.records)
            if found or asyncio.get_running_loop().time() >= ends:
                return {EVENTS: found} if found else {}

    def _ensure_consumer(self) -> Any:
        return self.kafka

    def highwater(self, tp: Any) -> int:
        """Return how long the log is."""
        return len(self.records)

    def assignment(self) -> set[Any]:
        """Return the partition."""
        return {EVENTS}

    async def seek_to_committed(self) -> Mapping[Any, int]:
        """Say that Kafka's commit is where the log begins."""
        return {EVENTS: 0}

    async def seek_wait(self, offsets: Mapping[Any, int]) -> None:
        """Seek, after a poll that was under way."""
        self.seeks += 1
        self.seeking.set()
        await asyncio.sleep(0.005)
        self.position = offsets[EVENTS]
        self.consumer._read_offset[EVENTS] = offsets[EVENTS] or None


async def messages(world: World) -> list[tuple[int, list[int]]]:
    """Return what is delivered in some windows: where each begins and its offsets."""
    found = []
    for _ in range(4):
        async for _, message in world.consumer.getmany(2 * WINDOW):
            batch: Any = message.value
            found.append((batch.begin, [record.offset for record in batch.records]))
    return found


@pytest.mark.parametrize("size", [1, 5])
def test_transactions_that_are_committed_one_after_the_other(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each leaves a hole, which is looked at by fetching again: nothing is taken twice, and nothing waits for that."""

    async def test(world: World) -> None:
        log, consumer, stage = Log(world, monkeypatch), world.consumer, world.app.stages[EVENTS.topic]
        consumer.begins, consumer._read_offset[EVENTS] = {EVENTS: 0}, None
        taken, order, every = Counter[int](), list[int](), asyncio.Event()
        process = stage.body.process

        def noted(partition: int, records: Sequence[Any], behind: bool) -> Any:
            order.extend(record.offset for record in records)
            taken.update(record.offset for record in records)
            if len(taken) == 30 * size:
                every.set()
            return process(partition, records, behind)

        monkeypatch.setattr(stage.body, "process", noted)
        queue: asyncio.Queue[Any] = asyncio.Queue()
        monkeypatch.setattr(consumer, "callback", queue.put)

        async def agent() -> None:
            while True:
                message = await queue.get()
                await stage._take(message.tp, message.value, message.generation_id)
                consumer.taken(message.tp, message.generation_id)

        stopped: Any = SimpleNamespace(_stopped=asyncio.Event())
        tasks = [asyncio.ensure_future(agent()), asyncio.ensure_future(consumer._drain_messages(stopped))]
        for _ in range(30):
            log.append(size)
            await asyncio.sleep(0.01)
        await asyncio.wait_for(every.wait(), 10)
        await asyncio.sleep(4 * WINDOW)  # for what might come twice
        stopped._stopped.set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert order == [record.offset for record in log.records if record is not None]
        assert set(taken.values()) == {1}
        assert not consumer.pacing._under_way[EVENTS]
        assert log.seeks <= 30 * RETRIES
        assert not consumer._holes.retried, "or nobody would wait any longer"

    in_world(test)


def test_what_was_polled_before_a_seek_does_not_come_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faust lets polls go on while it seeks; from where Kafka's commit is, behind the state."""

    async def test(world: World) -> None:
        log = Log(world, monkeypatch, [Record(offset, b"x", topic=EVENTS.topic) for offset in range(12)])
        monkeypatch.setattr(world.app.stages[EVENTS.topic], "next_offset", lambda partition: 9)
        read = log.read

        async def when_seeking(seconds: float) -> Mapping[Any, Any]:
            await log.seeking.wait()
            return await read(seconds)

        monkeypatch.setattr(log, "read", when_seeking)
        poll = asyncio.ensure_future(world.consumer._wait_next_records(1.0))
        await world.consumer.perform_seek()
        assert not world.consumer._gathering.holds(EVENTS)
        assert (await poll)[0] == {}
        assert await messages(world) == [(9, [9, 10, 11])]

    in_world(test)


def test_what_waits_when_it_is_fetched_again_comes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who fetches a partition again need not know what was polled of it."""

    async def test(world: World) -> None:
        records = [Record(offset, b"x", topic=EVENTS.topic) for offset in range(7)]
        log, consumer = Log(world, monkeypatch, records), world.consumer
        consumer.begins, consumer._read_offset[EVENTS], log.position = {EVENTS: 5}, 5, 7
        assert consumer._gathering.through({EVENTS: records[5:]}) == {}
        await consumer.rewind(EVENTS, 5)
        assert not consumer._gathering.holds(EVENTS)
        assert await messages(world) == [(5, [5, 6])]

    in_world(test)


def test_a_poll_that_begins_too_early_is_fetched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was delivered is not delivered again; where that is all, nothing is."""

    async def test(world: World) -> None:
        records = [Record(offset, b"x", topic=EVENTS.topic) for offset in range(7)]
        log = Log(world, monkeypatch, records)
        world.consumer.begins, log.position = {EVENTS: 5}, 3
        assert await messages(world) == [(5, [5, 6])]
        log.position = 3
        assert await messages(world) == []

    in_world(test)


@pytest.mark.parametrize(("late", "retried"), [([EVENTS], {}), ([], {EVENTS: (0, 0, 1)})])
def test_who_has_waited_does_not_wait(
    late: list[Any], retried: dict[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a backlog there is more than enough, and what is fetched again is late already."""

    async def test(world: World) -> None:
        Log(world, monkeypatch, [Record(offset, b"x", topic=EVENTS.topic) for offset in range(2)])
        world.consumer.begins, world.consumer._holes._retried = {EVENTS: 0}, retried
        monkeypatch.setattr(world.consumer.pacing, "late", lambda: late)
        assert [tp async for tp, _ in world.consumer.getmany(0)] == [EVENTS]
        assert not world.consumer._holes.retried, "it came"

    in_world(test)


def test_the_first_stage_gathers_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those after it follow its beat."""

    async def test(world: World) -> None:
        first, *later = world.consumer._gathering._windows.items()
        assert first == (EVENTS.topic, WINDOW)
        assert dict(later) == dict.fromkeys(["juice.decoded", "juice.routed"], module.LATER)

    in_world(test)
