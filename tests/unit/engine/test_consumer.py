"""Input arrives in order and without holes, from where the state says, while the lease is held."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from math import inf
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import CloseReason
from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.memory_records import MemoryRecords
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.engine import consumer as module
from streams.engine import stage as stage_module
from streams.engine.batches import Batch
from streams.engine.consumer import (
    AHEAD,
    APART,
    BACKLOG,
    FETCH_WAIT,
    FURTHER,
    QUIET,
    RETRIES,
    STALE,
    STUCK,
    TURN,
    UNDER_WAY,
    guard_sends,
    note_asked,
    read_batches,
    watch_connections,
)
from streams.engine.faults import Exit
from streams.engine.fetched import Batches
from streams.engine.gathering import FIRST
from tests.unit.engine.world import Died, Record, World, caught, in_world

ROUTED = TP("juice.routed", 1)
OTHER = TP("somebody.else", 0)


class Thread:
    """Stands for Faust's consumer thread: notes what is asked of it."""

    def __init__(self) -> None:
        self.seeks: list[Mapping[Any, int]] = []
        self.commits: list[Mapping[Any, int]] = []
        self.topics = {"social.events", "juice.decoded", "juice.routed"}
        cluster = SimpleNamespace(partitions_for_topic=lambda topic: {0} if topic in self.topics else None)
        self.kafka: Any = SimpleNamespace(_fetcher=SimpleNamespace(), _client=SimpleNamespace(cluster=cluster))

        self.length = 0

    def _ensure_consumer(self) -> Any:
        return self.kafka

    def highwater(self, tp: Any) -> int:
        """Return how long a log is, 0 where it is not known."""
        return self.length

    async def seek_wait(self, offsets: Mapping[Any, int]) -> None:
        """Note a seek."""
        self.seeks.append(dict(offsets))

    async def commit(self, offsets: Mapping[Any, int]) -> bool:
        """Note a commit."""
        self.commits.append(dict(offsets))
        return True

    async def earliest_offsets(self, *tps: Any) -> Mapping[Any, int]:
        """Say that every log begins at 7."""
        return dict.fromkeys(tps, 7)

    async def seek_to_committed(self) -> Mapping[Any, int]:
        """Say that everything is committed up to 1000, which nobody must believe."""
        return {ROUTED: 1000, OTHER: 1000}

    def assignment(self) -> set[Any]:
        """Return the partitions."""
        return {ROUTED, OTHER}


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let the consumer's clock stand; whoever changes the one number in the list moves it."""
    moment = [1_000.0]
    monkeypatch.setattr(module, "monotonic", lambda: moment[0])
    return moment


def poll(monkeypatch: pytest.MonkeyPatch, *first: int) -> None:
    """Let polls return records of ROUTED, each beginning at one of `first`."""
    begins = iter(first)

    async def polled(self: Any, _: float) -> tuple[Any, Any]:
        begin = next(begins)
        return {ROUTED: [Record(begin), Record(begin + 1)]}, {ROUTED}

    monkeypatch.setattr(driver.Consumer, "_wait_next_records", polled)


def threaded(world: World) -> Thread:
    """Give the consumer a thread."""
    world.consumer._thread = thread = Thread()  # type: ignore[assignment]
    return thread


async def polls(world: World, count: int) -> list[bool]:
    """Poll; return for each whether its records were let through."""
    return [bool((await world.consumer._wait_next_records(0))[0]) for _ in range(count)]


def test_nothing_is_delivered_before_the_next_offset_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faust lets records through while the state is still being recovered."""

    async def test(world: World) -> None:
        threaded(world)
        poll(monkeypatch, 5, 5)
        assert await polls(world, 1) == [False]
        world.consumer.begins[ROUTED] = 5
        assert await polls(world, 1) == [True]

    in_world(test)


def test_a_poll_beyond_the_next_offset_is_fetched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faust drops part of a poll in rebalances and goes on behind it."""

    async def test(world: World) -> None:
        thread = threaded(world)
        poll(monkeypatch, 9, 5)
        world.consumer.begins[ROUTED] = 5
        world.consumer._read_offset[ROUTED] = 10
        assert await polls(world, 1) == [False]
        assert thread.seeks == [{ROUTED: 5}]
        assert world.consumer._read_offset[ROUTED] == 5, "else Faust drops what comes again"
        assert await polls(world, 1) == [True]

    in_world(test)


EVENTS = [TP("social.events", number) for number in range(3)]
DECODED = TP("juice.decoded", 3)


async def asked(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    lags: Mapping[Any, int],
    times: Mapping[int, int],
    *active: Any,
    heard: Mapping[int, tuple[int, int]] = MappingProxyType({}),
) -> set[Any]:
    """Poll `active` partitions; return those of which records are taken. By partition: how many wait, event time, and what the
    second stage has heard: offset and event time.
    """
    seen: list[set[Any]] = []

    async def getmany(self: Any, partitions: set[Any], _: float) -> Mapping[Any, Any]:
        seen.append(partitions)
        return {}

    monkeypatch.setattr(driver.Consumer, "_getmany", getmany)
    for stage in world.app.stages.values():
        monkeypatch.setattr(stage, "next_offset", lambda partition: 5)
        monkeypatch.setattr(stage, "reached", times.get)
        monkeypatch.setattr(stage, "heard", lambda: heard)
    monkeypatch.setattr(world.consumer, "highwater", lambda tp: 5 + lags[tp])
    world.consumer.begins = dict.fromkeys(lags, 5)
    await world.consumer._getmany(set(active), 0)
    return seen[0]


def full(world: World) -> int:
    """Return how many messages may wait before accumulate."""
    return FURTHER * world.stage.partitions


@pytest.mark.parametrize("held", [False, True])
def test_ingest_waits_for_accept(monkeypatch: pytest.MonkeyPatch, held: bool) -> None:
    """While much of what ingest has said waits here, its input does; on a backlog memory would grow with what is between."""

    async def test(world: World) -> None:
        every = {*EVENTS, DECODED, ROUTED}
        lags = {**dict.fromkeys(EVENTS, 1), DECODED: AHEAD + held, ROUTED: full(world)}
        assert await asked(world, monkeypatch, lags, {}, *every) == ({DECODED, ROUTED} if held else every)
        only = set(EVENTS)
        assert await asked(world, monkeypatch, lags, {}, *only) == only, "no partitions mean all of them to aiokafka"

    in_world(test)


@pytest.mark.parametrize("held", [False, True])
def test_a_backlog_waits_for_accumulate(monkeypatch: pytest.MonkeyPatch, held: bool) -> None:
    """So that it waits where it is kept, and not between the stages. Who is live does not wait."""

    async def test(world: World) -> None:
        late, also, live = EVENTS
        every = {*EVENTS, DECODED, ROUTED}
        lags = {late: BACKLOG, also: BACKLOG, live: BACKLOG - 1, DECODED: AHEAD, ROUTED: full(world) + held}
        assert await asked(world, monkeypatch, lags, {}, *every) == (every - {late, also} if held else every)

    in_world(test)


@pytest.mark.parametrize("stages", [1, 2])
def test_there_may_be_fewer_stages(monkeypatch: pytest.MonkeyPatch, stages: int) -> None:
    """The engine knows no number of them: what there is of later ones is waited for, and partitions for each other."""

    async def test(world: World) -> None:
        _, fast, _ = EVENTS
        world.app.chain(list(world.app.stages.values())[:stages])
        every, later = set(EVENTS), {DECODED} if stages == 2 else set()
        lags = {**dict.fromkeys(EVENTS, BACKLOG), **dict.fromkeys(later, AHEAD)}
        assert await asked(world, monkeypatch, lags, {}, *lags) == every | later
        assert await asked(world, monkeypatch, lags, {0: 0, 1: APART + 1}, *lags) == (every | later) - {fast}
        if later:
            assert await asked(world, monkeypatch, {**lags, DECODED: AHEAD + 1}, {}, *lags) == later

    in_world(test)


@pytest.mark.parametrize("stage", [DECODED, ROUTED])
def test_who_waits_for_a_later_stage_has_its_turn(monkeypatch: pytest.MonkeyPatch, now: list[float], stage: TP) -> None:
    """What ingest says is what lets time pass, for others' partitions as well, and here there may always be too much."""
    monkeypatch.setattr(module, "STUCK", 1_000_000)

    async def test(world: World) -> None:
        lags = {**dict.fromkeys(EVENTS, BACKLOG), DECODED: 1, ROUTED: 1, stage: 10**6}
        taken = [0, 0, 0]
        for _ in range(100):
            now[0] += TURN / 10
            polled = await asked(world, monkeypatch, lags, {}, *lags)
            taken = [count + (tp in polled) for count, tp in zip(taken, EVENTS, strict=True)]
        assert taken == [10 - 1] * 3

    in_world(test)


def test_partitions_with_a_backlog_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is ahead in event time waits; who is live waits for nobody, and nobody for who has said nothing yet."""

    async def test(world: World) -> None:
        slow, fast, other = EVENTS
        lags = dict.fromkeys(EVENTS, BACKLOG)
        times = {0: 0, 1: APART + 1, 2: APART}
        assert await asked(world, monkeypatch, lags, times, *EVENTS, ROUTED) == {slow, other, ROUTED}
        assert await asked(world, monkeypatch, {**lags, fast: BACKLOG - 1}, times, *EVENTS) == set(EVENTS)
        assert await asked(world, monkeypatch, {**lags, slow: BACKLOG - 1}, times, *EVENTS) == set(EVENTS)
        assert await asked(world, monkeypatch, lags, {1: APART + 1, 2: APART}, *EVENTS) == set(EVENTS)
        assert await asked(world, monkeypatch, lags, times, fast) == {fast}

    in_world(test)


def test_partitions_wait_for_those_that_other_workers_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as is known of both in the same place: ours are further than that, and may be further than they."""

    async def test(world: World) -> None:
        near, far, unknown = EVENTS
        elsewhere = len(EVENTS)
        lags = dict.fromkeys(EVENTS, BACKLOG)
        times = dict.fromkeys(range(3), 10 * APART)
        heard = {0: (1, APART), 1: (1, APART + 1), elsewhere: (1, 0), elsewhere + 1: (1, 9 * APART)}
        assert await asked(world, monkeypatch, lags, times, *EVENTS, heard=heard) == {near, unknown}
        assert await asked(world, monkeypatch, {**lags, far: BACKLOG - 1}, times, *EVENTS, heard=heard) == set(EVENTS)
        ours = {0: (1, 0), 1: (1, 9 * APART)}
        assert await asked(world, monkeypatch, lags, times, *EVENTS, heard=ours) == set(EVENTS)

    in_world(test)


def test_who_does_not_move_elsewhere_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, now: list[float]) -> None:
    """Its worker may be gone, and we not yet told."""
    monkeypatch.setattr(module, "TURN", 1_000)

    async def test(world: World) -> None:
        lags = dict.fromkeys(EVENTS, BACKLOG)
        times = dict.fromkeys(range(3), 2 * APART)
        here = {p: (1, time) for p, time in times.items()}
        for moment, offset, held in ((0, 7, True), (STUCK - 0.1, 7, True), (STUCK, 7, False), (STUCK + 0.1, 8, True)):
            now[0] = 1_000 + moment
            taken = await asked(world, monkeypatch, lags, times, *EVENTS, ROUTED, heard={**here, 3: (offset, 0)})
            assert taken == {ROUTED} | (set() if held else set(EVENTS))

    in_world(test)


def test_late_is_what_has_a_backlog_of_the_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits before a later stage is fewer and larger messages."""

    async def test(world: World) -> None:
        lags = {**dict.fromkeys(EVENTS, BACKLOG - 1), DECODED: 10**6}
        for late in ([], [EVENTS[1]]):
            await asked(world, monkeypatch, {**lags, **dict.fromkeys(late, BACKLOG)}, {}, *EVENTS)
            assert world.app.consumer.late() == late

    in_world(test)


def test_nobody_waits_for_long_for_who_does_not_move(monkeypatch: pytest.MonkeyPatch, now: list[float]) -> None:
    """Neither ingest for an accept partition whose records are gone, nor a partition for one whose leader is down."""

    async def test(world: World) -> None:
        slow, _, other = EVENTS
        lags = {**dict.fromkeys(EVENTS, BACKLOG), DECODED: AHEAD + 1}
        times = {0: 0, 1: 2 * APART + 2, 2: APART + 1}
        for moment, taken in ((0, {DECODED}), (STUCK - 0.1, {DECODED}), (STUCK, {DECODED, slow})):
            now[0] = 1_000 + moment
            assert await asked(world, monkeypatch, lags, times, *EVENTS, DECODED) == taken
        monkeypatch.setattr(module, "TURN", 1_000)
        now[0] += STUCK
        assert await asked(world, monkeypatch, lags, times, *EVENTS, DECODED) == {DECODED, slow, other}

    in_world(test)


def test_who_waits_for_another_has_its_turn(monkeypatch: pytest.MonkeyPatch, now: list[float]) -> None:
    """However far the other is behind, and though it moves: it may never be caught up with."""
    monkeypatch.setattr(module, "STUCK", 1_000_000)

    async def test(world: World) -> None:
        slow, fast, other = EVENTS
        lags = dict.fromkeys(EVENTS, BACKLOG)
        times = {0: 0, 1: 10 * APART, 2: 0}
        read = 0
        for _ in range(100):
            now[0] += TURN / 10
            taken = await asked(world, monkeypatch, lags, times, *EVENTS)
            assert taken >= {slow, other}
            read += fast in taken
        assert read == 10 - 1

    in_world(test)


def test_a_hole_of_the_log_itself_is_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What begins at the same place however often it is fetched is not worth waiting for."""

    async def test(world: World) -> None:
        threaded(world)
        poll(monkeypatch, *[9] * (RETRIES + 1))
        world.consumer.begins[ROUTED] = 5
        assert await polls(world, RETRIES + 1) == [False] * RETRIES + [True]

    in_world(test)


@pytest.mark.parametrize(("length", "ends"), [(5, False), (0, False), (4, True)])
def test_what_ends_before_what_was_read_ends_the_process(
    length: int, ends: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kafka answers with the log's beginning who asks for what is beyond its end. A poll that came late looks the same; then the
    log is as long as it was, or nobody knows, and it is fetched again however often.
    """
    caught(monkeypatch, module)

    async def test(world: World) -> None:
        thread = threaded(world)
        thread.length = length
        world.consumer.begins[ROUTED] = 5
        poll(monkeypatch, *[0] * 9, 4, 5)
        if ends:
            with pytest.raises(Died) as died:
                await polls(world, 1)
            assert died.value.code == Exit.UNAVAILABLE, "it may be a broker that is behind; the next start tells"
            assert "juice.routed-1 ends at 4, and was read up to 5" in str(died.value)
            return
        assert await polls(world, 11) == [False] * 10 + [True], (
            "nothing of what was before is taken, not even what is new of it"
        )
        assert thread.seeks == [{ROUTED: 5}] * 10
        assert not world.consumer._retried, "or nobody would wait for more"

    in_world(test)


@pytest.mark.parametrize("topic", ["social.events", "juice.routed"])
def test_without_a_topic_the_process_ends(topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Faust would go on with those that are left, and not look for it again."""
    caught(monkeypatch, module)

    async def test(world: World) -> None:
        thread = threaded(world)
        world.consumer.recovered(world.app.consumer_generation_id)
        await world.consumer.seek_to_committed()
        thread.topics.remove(topic)
        with pytest.raises(Died) as died:
            await world.consumer.seek_to_committed()
        assert died.value.code == Exit.UNAVAILABLE
        assert topic in str(died.value)

    in_world(test)


@pytest.mark.parametrize(
    ("known", "of_changelog", "assigned", "grown"),
    [(2, 2, 1, False), (3, 2, 1, True), (2, 2, 2, True), (2, 3, 1, True)],
)
def test_a_worker_ends_where_its_input_has_grown(
    monkeypatch: pytest.MonkeyPatch, known: int, of_changelog: int, assigned: int, grown: bool
) -> None:
    """As soon as it hears of it, by itself or from who shares the work out; the next one waits for the new partitions. So it
    does where its changelog has grown: Faust shares the two out together only where there are as many of both.
    """
    caught(monkeypatch, module)

    async def test(world: World) -> None:
        thread = threaded(world)
        there = {"social.events": known, world.app.stages["social.events"].table.changelog_topic_name: of_changelog}
        thread.kafka._client.cluster.partitions_for_topic = lambda topic: set(range(there[topic]))
        mine = {TP("social.events", assigned), TP("juice.routed", 7)}
        if grown:
            with pytest.raises(Died, match="3 partitions now, and had 2") as died:
                world.consumer._check_growth(mine)
            assert died.value.code == Exit.UNAVAILABLE
        else:
            world.consumer._check_growth(mine)

    in_world(test)


def test_messages_say_where_they_were_fetched_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each begins where the one before it ended, whatever their offsets; what nobody waits for is dropped."""

    async def messages(self: Any, _: float) -> AsyncIterator[tuple[Any, Any]]:
        for tp, offset in ((ROUTED, 9), (TP("juice.routed", 0), 3), (ROUTED, 14), (OTHER, 2)):
            yield tp, SimpleNamespace(offset=offset, value=Batch(-1, ()))

    async def test(world: World) -> None:
        world.consumer.begins[ROUTED] = 5
        got = [(tp, message.value.begin) async for tp, message in world.consumer.getmany(0)]
        assert got == [(ROUTED, 5), (ROUTED, 10), (OTHER, -1)]

    monkeypatch.setattr(driver.Consumer, "getmany", messages)
    in_world(test)


def test_a_partition_that_is_worked_on_is_not_asked_for_more(monkeypatch: pytest.MonkeyPatch, now: list[float]) -> None:
    """Faust waits where a queue is full, and so would all others; one that does not move is asked again after a while."""
    free = TP("juice.routed", 0)

    async def messages(self: Any, _: float) -> AsyncIterator[tuple[Any, Any]]:
        yield ROUTED, SimpleNamespace(offset=9, value=Batch(-1, ()))

    async def test(world: World) -> None:
        async def polled(*active: Any) -> set[Any]:
            return await asked(world, monkeypatch, {ROUTED: 9, free: 9}, {}, *active)

        generation = world.app.consumer_generation_id
        for _ in range(UNDER_WAY):
            assert await polled(ROUTED, free) == {ROUTED, free}
            assert [tp async for tp, _ in world.consumer.getmany(0)] == [ROUTED]
        assert await polled(ROUTED, free) == {free}
        world.consumer.taken(ROUTED, generation - 1)
        assert await polled(ROUTED, free) == {free}, "that batch was of another generation"
        assert await world.consumer._getmany({ROUTED}, 0) == {}
        world.consumer.taken(ROUTED, generation)
        assert await polled(ROUTED, free) == {ROUTED, free}
        assert [tp async for tp, _ in world.consumer.getmany(0)] == [ROUTED]
        assert await polled(ROUTED, free) == {free}
        now[0] += STUCK - 0.1
        assert await polled(ROUTED, free) == {free}
        now[0] += 0.1
        assert await polled(ROUTED, free) == {ROUTED, free}

    monkeypatch.setattr(driver.Consumer, "getmany", messages)
    in_world(test)


def test_what_waits_for_more_is_pending_and_no_hole(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was polled and not delivered: there is something to do, and nothing is to be passed over; a rebalance forgets it."""

    async def getmany(self: Any, partitions: set[Any], _: float) -> Mapping[Any, Any]:
        return {ROUTED: [Record(5, topic=ROUTED.topic, partition=ROUTED.partition)]}

    async def test(world: World) -> None:
        threaded(world)
        monkeypatch.setattr(driver.Consumer, "_getmany", getmany)
        monkeypatch.setattr(world.consumer, "highwater", lambda tp: 6)
        monkeypatch.setattr(world.consumer, "_length", lambda tp: 6)
        monkeypatch.setattr(world.consumer, "_asked", lambda tp: module.monotonic() - 0.01)
        monkeypatch.setattr(world.consumer, "_position", lambda tp: 6)
        world.consumer.begin({ROUTED: 5})
        assert not world.consumer.pending(ROUTED)
        await world.consumer.end_without_records(ROUTED)
        assert ROUTED in world.consumer._ends
        assert await world.consumer._getmany({ROUTED}, 0) == {}
        assert world.consumer.pending(ROUTED)
        assert await world.consumer.end_without_records(ROUTED) is None
        assert ROUTED not in world.consumer._ends
        await world.consumer.on_partitions_revoked({ROUTED})
        world.consumer.begin({ROUTED: 5})
        assert not world.consumer.pending(ROUTED)

    in_world(test)


def test_fetches_do_not_wait_long_while_records_wait_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A poll that gives nothing now is not one that found nothing, and the next one is back in time."""
    asked: list[float] = []

    async def getmany(self: Any, partitions: set[Any], seconds: float) -> Mapping[Any, Any]:
        asked.append(seconds)
        return {EVENTS[0]: [Record(5)]} if len(asked) == 1 else {}

    async def test(world: World) -> None:
        thread = threaded(world)
        monkeypatch.setattr(driver.Consumer, "_getmany", getmany)
        monkeypatch.setattr(driver.Consumer, "_get_active_partitions", lambda self: set(EVENTS))
        monkeypatch.setattr(world.consumer, "flow_active", True)
        assert await polls(world, 1) == [False]
        assert thread.kafka._fetcher._fetch_max_wait_ms == FETCH_WAIT
        await world.consumer._wait_next_records(1.0)
        assert asked[1] <= FIRST

    in_world(test)


def test_ingest_waits_for_an_accept_that_is_worked_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """That all of its partitions have batches under way is no reason to read on what waits for it."""

    async def test(world: World) -> None:
        lags = {**dict.fromkeys(EVENTS, 1), DECODED: AHEAD + 1, ROUTED: 10**6}
        world.consumer._under_way = {DECODED: UNDER_WAY, ROUTED: UNDER_WAY}
        with pytest.raises(IndexError):  # nothing is polled at all
            await asked(world, monkeypatch, lags, {}, *lags)

    in_world(test)


def test_partitions_begin_where_their_state_says() -> None:
    """Not where Kafka has them committed; and at the log's beginning when nothing was done."""

    async def test(world: World) -> None:
        thread = threaded(world)
        world.consumer.recovered(world.app.consumer_generation_id)
        assert (await world.consumer.seek_to_committed())[ROUTED] == 7
        await world.table.flush(1, {}, 42, b"")
        assert (await world.consumer.seek_to_committed())[ROUTED] == 42
        assert thread.seeks == [{ROUTED: 7}, {ROUTED: 42}]
        assert world.consumer.begins == {ROUTED: 42}

    in_world(test)


@pytest.mark.parametrize("verdict", [Exit.UNAVAILABLE, Exit.USAGE])
def test_another_topic_of_that_name_is_not_read(verdict: Exit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even looked for: what it has at these offsets is something else."""
    caught(monkeypatch, stage_module)

    async def test(world: World) -> None:
        thread = threaded(world)
        world.consumer.recovered(world.app.consumer_generation_id)
        world.app.topic_ids, world.app.verdict = {"juice.routed": b"two"}, verdict
        await world.consumer.seek_to_committed()
        world.table.inputs[1] = b"one"
        with pytest.raises(Died, match=r"^juice.routed was deleted and made anew; `juice rebuild`") as died:
            await world.consumer.seek_to_committed()
        assert died.value.code == verdict
        assert len(thread.seeks) == 1

    in_world(test)


def test_partitions_do_not_begin_before_recovery_is_over() -> None:
    """Faust seeks in the middle of a rebalance too, when what the state says is not complete."""

    async def test(world: World) -> None:
        thread = threaded(world)
        await world.consumer.seek_to_committed()
        assert (world.consumer.begins, thread.seeks) == ({}, [])

    in_world(test)


def test_what_is_committed_is_copied_from_the_state() -> None:
    """Once for each change; acknowledgements of messages commit nothing and leave nothing behind."""

    async def test(world: World) -> None:
        thread = threaded(world)
        world.consumer.begins[ROUTED] = 0
        message: Any = type("Message", (), {"acked": False, "tp": ROUTED, "offset": 50})()
        assert world.consumer.ack(message)
        assert not world.consumer.ack(message)
        world.consumer._acked[ROUTED].append(50)  # as Faust's compiled streams do, past `ack`
        world.consumer._acked_index[ROUTED].add(50)
        assert not await world.consumer.force_commit()
        assert not world.consumer._acked_index[ROUTED]
        await world.table.flush(1, {}, 42, b"")
        assert await world.consumer.force_commit()
        assert not await world.consumer.force_commit()
        assert thread.commits == [{ROUTED: 42}]
        assert not world.consumer._acked[ROUTED]

    in_world(test)


def test_without_heartbeats_for_a_session_the_process_ends(monkeypatch: pytest.MonkeyPatch, now: list[float]) -> None:
    """Up to then the lease holds; being let in by the group begins a new one."""
    caught(monkeypatch, module)

    async def test(world: World) -> None:
        now[0] += world.app.conf.broker_session_timeout
        world.consumer.check_lease()
        now[0] += 0.1
        with pytest.raises(Died) as died:
            world.consumer.check_lease()
        assert died.value.code == Exit.LEASE
        await world.consumer.on_partitions_assigned(set())
        world.consumer.check_lease()

    async def assigned(self: Any, partitions: set[Any], generation_id: int = 0) -> None:
        return None

    monkeypatch.setattr(driver.Consumer, "on_partitions_assigned", assigned)
    in_world(test)


def test_only_an_answered_heartbeat_counts(monkeypatch: pytest.MonkeyPatch, now: list[float]) -> None:
    """And from when it was asked: the group counts from there."""
    answers = [True, False]

    class Coordinator:
        """Answers heartbeats slowly."""

        async def _do_heartbeat(self) -> bool:
            now[0] += 2
            return answers.pop(0)

    async def test(world: World) -> None:
        coordinator: Any = Coordinator()
        kafka = SimpleNamespace(_coordinator=coordinator)
        world.consumer._thread = SimpleNamespace(_ensure_consumer=lambda: kafka)  # type: ignore[assignment]
        world.consumer._watch_heartbeats()
        now[0] = 2_000.0
        assert await coordinator._do_heartbeat()
        assert world.consumer._heartbeat_at == 2_000.0
        assert not await coordinator._do_heartbeat()
        assert world.consumer._heartbeat_at == 2_000.0

    in_world(test)


def test_a_fetch_does_not_wait_for_those_who_are_caught_up() -> None:
    """Who has records is asked again soon: the request that aiokafka makes next waits as long as ours may.

    While nobody has any, a request may wait longer.
    """

    async def test(world: World) -> None:
        leader = SimpleNamespace(leader_for_partition=lambda tp: 1)
        client = SimpleNamespace(_loop=asyncio.get_running_loop(), _metadata_max_age_ms=1_000, cluster=leader)
        fetcher = Fetcher(client, SubscriptionState())
        state = SimpleNamespace(has_valid_position=True, paused=False, position=0)
        kafka = SimpleNamespace(_fetcher=fetcher)
        world.consumer._thread = SimpleNamespace(_ensure_consumer=lambda: kafka)  # type: ignore[assignment]
        assigned = SimpleNamespace(tps=[ROUTED], state_value=lambda tp: state)
        for busy, longest in ((True, module.FETCH_WAIT), (False, module.IDLE_WAIT)):
            world.consumer._pace_fetches(busy)
            [(_, request)] = fetcher._get_actions_per_node(assigned)[0]
            assert request._max_wait_ms == longest
        await fetcher.close()

    in_world(test)


def test_the_lease_is_looked_at_before_every_write() -> None:
    """A request that writes records does not leave without it; others do."""

    async def test(world: World) -> None:
        sent: list[Any] = []

        async def send(node: int, request: Any, **more: Any) -> str:
            sent.append(request)
            return "answer"

        def gone() -> None:
            raise Died(Exit.LEASE, "")

        client: Any = SimpleNamespace(send=send)
        guard_sends(client, gone)
        asks, writes = (
            MetadataRequest([]),
            ProduceRequest(transactional_id=None, required_acks=-1, timeout=1, topics=[]),
        )
        assert await client.send(1, asks, group=0) == "answer"
        with pytest.raises(Died):
            await client.send(1, writes)
        assert sent == [asks]

    in_world(test)


def test_batches_look_at_checksums_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher, "MemoryRecords", MemoryRecords)
    of = SimpleNamespace(_check_crcs=True)
    read_batches(of)
    assert fetcher.MemoryRecords is Batches
    assert not of._check_crcs


def test_connections_that_break_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that broke or were too slow count, those that the client closes itself do not; aiokafka hears of all."""

    async def test(_: World) -> None:
        counted: list[int] = []
        heard: list[CloseReason] = []
        monkeypatch.setattr(module.telemetry, "disconnect", lambda: counted.append(1))
        monkeypatch.setattr(AIOKafkaClient, "_on_connection_closed", lambda _, conn, reason: heard.append(reason))
        client = AIOKafkaClient()
        there: Any = SimpleNamespace(_on_close_cb=client._on_connection_closed)
        client._conns[1, 0] = there
        watch_connections(client)
        for reason in CloseReason:
            there._on_close_cb(there, reason)
            client._on_connection_closed(there, reason)
        assert len(counted) == 4
        assert heard == [reason for reason in CloseReason for _ in range(2)]
        client._conns.clear()

    in_world(test)


def test_what_kafka_said_long_ago_is_not_known(monkeypatch: pytest.MonkeyPatch, now: list[float]) -> None:
    """Who was frozen, or waits for a fetch, must not call a partition silent: records may be there since."""

    async def test(world: World) -> None:
        consumer, length = world.consumer, 5
        monkeypatch.setattr(world.stage, "next_offset", lambda partition: None)
        monkeypatch.setattr(consumer, "highwater", lambda tp: 4)
        monkeypatch.setattr(consumer, "_length", lambda tp: length)
        consumer.begin({ROUTED: 3})
        assert consumer.waiting(ROUTED) == 1, "what is in an open transaction is no work yet"
        for age, lag in ((0.01, 2), (STALE / 2, 2), (STALE * 2, None), (inf, None)):
            monkeypatch.setattr(consumer, "_asked", lambda tp, age=age: now[0] - age)
            assert consumer.lag(ROUTED) == lag
            length = 3
            assert consumer.caught_up(ROUTED) == (None if lag is None else now[0] - age)
            length = 2
            assert consumer.caught_up(ROUTED) is None, "its end is not found yet"
            length = 5
            assert consumer.caught_up(ROUTED) is None
        consumer.begin({ROUTED: 5})
        assert consumer.waiting(ROUTED) == 0, "what was never there for us, since its records are gone"

    in_world(test)


def test_the_first_batch_is_not_done_when_it_is_delivered(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no progress yet that would say so; a partition that was called silent meanwhile would come too late."""

    async def getmany(self: Any, _: float) -> AsyncIterator[tuple[Any, Any]]:
        yield ROUTED, SimpleNamespace(offset=7, value=Batch(-1, ()))

    async def test(world: World) -> None:
        consumer, done = world.consumer, None
        monkeypatch.setattr(driver.Consumer, "getmany", getmany)
        monkeypatch.setattr(world.stage, "next_offset", lambda partition: done)
        monkeypatch.setattr(consumer, "highwater", lambda tp: 8)
        monkeypatch.setattr(consumer, "_length", lambda tp: 8)
        monkeypatch.setattr(consumer, "_position", lambda tp: 8)
        monkeypatch.setattr(consumer, "_asked", lambda tp: module.monotonic())
        consumer.begin({ROUTED: 5})
        assert [tp async for tp, _ in consumer.getmany(0)] == [ROUTED]
        assert (consumer.begins, consumer.lag(ROUTED), consumer.waiting(ROUTED)) == ({ROUTED: 8}, 3, 3)
        assert consumer.pending(ROUTED)
        assert consumer.caught_up(ROUTED) is None
        done = 8
        assert (consumer.lag(ROUTED), consumer.waiting(ROUTED), consumer.pending(ROUTED)) == (0, 0, False)
        assert consumer.caught_up(ROUTED) is not None

    in_world(test)


def test_what_is_known_is_as_old_as_the_question(now: list[float]) -> None:
    """Not as the answer, nor as when it was read; and what was not answered is no younger."""

    async def test(world: World) -> None:
        thread = threaded(world)
        states = {tp: SimpleNamespace(timestamp=None) for tp in EVENTS}
        assignment = SimpleNamespace(state_value=states.get)
        thread.kafka._subscription = SimpleNamespace(subscription=SimpleNamespace(assignment=assignment))
        answered = set(EVENTS[:2])

        async def fetch(assignment: Any, node: int, request: Any) -> bool:
            now[0] += 3
            for tp in answered:
                states[tp].timestamp = now[0]
            return True

        fetcher = SimpleNamespace(_proc_fetch_request=fetch)
        note_asked(fetcher)
        request = SimpleNamespace(
            topics=[(EVENTS[0].topic, [(tp.partition, 0, 1) for tp in EVENTS]), ("gone", [(0, 0, 1)])]
        )
        began = now[0]
        assert await fetcher._proc_fetch_request(assignment, 0, request)
        assert [world.consumer._asked(tp) for tp in EVENTS] == [began, began, -inf]
        answered.remove(EVENTS[0])
        await fetcher._proc_fetch_request(assignment, 0, request)
        assert [world.consumer._asked(tp) for tp in EVENTS] == [began, began + 3, -inf]

    in_world(test)


def test_what_closes_a_transaction_is_passed_over_when_nothing_else_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only after a long quiet in which we were awake, only with all that was delivered done, and fetched again in between."""
    now, offset, position = [100.0], [5], [6]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])

    async def looks(world: World, seconds: float) -> list[int]:
        """Look four times a second; return the ends that were found."""
        found = []
        for _ in range(round(seconds * 4)):
            now[0] += 0.25
            end = await world.consumer.end_without_records(ROUTED)
            found += [] if end is None else [end]
        return found

    async def test(world: World) -> None:
        thread = threaded(world)
        monkeypatch.setattr(world.stage, "next_offset", lambda partition: offset[0])
        end = [5]
        monkeypatch.setattr(world.consumer, "highwater", lambda tp: end[0])
        monkeypatch.setattr(world.consumer, "_length", lambda tp: 6)
        monkeypatch.setattr(world.consumer, "_asked", lambda tp: module.monotonic() - 0.01)
        monkeypatch.setattr(world.consumer, "_position", lambda tp: position[0])
        world.consumer.begin({ROUTED: 6})
        assert await looks(world, 4 * QUIET) == [], "one was delivered that is not done"
        world.consumer.begin({ROUTED: 5})
        position[0] = 5
        assert await looks(world, 4 * QUIET) == [], "one was not fetched yet"
        position[0] = 6
        assert await looks(world, 4 * QUIET) == [], "a transaction is open"
        end[0] = 6
        assert await looks(world, QUIET - 1) == []
        now[0] += 2 * STALE  # frozen
        assert await looks(world, QUIET - 1) == []
        assert thread.seeks == []
        assert await looks(world, QUIET - 1) == []
        assert thread.seeks == [{ROUTED: 5}], "fetched again"
        assert await looks(world, QUIET) == [6]
        assert world.consumer.begins == {ROUTED: 6}
        offset[0] = 6
        assert await looks(world, 4 * QUIET) == []

    in_world(test)


def test_a_producer_that_aborts_again_and_again_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The partition grows by what is no record, and is passed over as far as it went when that was first seen."""
    now, end, done = [100.0], [5], [5]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])

    async def test(world: World) -> None:
        threaded(world)
        monkeypatch.setattr(world.stage, "next_offset", lambda partition: done[0])
        for length in ("highwater", "_length", "_position"):
            monkeypatch.setattr(world.consumer, length, lambda tp: end[0])
        monkeypatch.setattr(world.consumer, "_asked", lambda tp: module.monotonic() - 0.01)
        world.consumer.begin({ROUTED: 5})
        for look in range(400):
            now[0] += 0.25
            if look % 4 == 0:
                end[0] += 3
            if (found := await world.consumer.end_without_records(ROUTED)) is not None:
                done[0] = found
        assert end[0] == 305
        assert done[0] > 305 - 3 * 4 * QUIET

    in_world(test)


@pytest.mark.parametrize(
    ("begin", "position", "end", "pending"),
    [(5, 5, 5, False), (5, 6, 6, False), (6, 6, 6, True), (5, 5, 6, True), (5, -1, 6, False)],
)
def test_what_is_no_record_is_nothing_to_hurry_for(
    begin: int, position: int, end: int, pending: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records wait that were delivered and are not done, or that were not read; not what was read and held none."""

    async def test(world: World) -> None:
        monkeypatch.setattr(world.stage, "next_offset", lambda partition: 5)
        monkeypatch.setattr(world.consumer, "highwater", lambda tp: end)
        monkeypatch.setattr(world.consumer, "_position", lambda tp: position)
        world.consumer.begin({ROUTED: begin})
        assert world.consumer.pending(ROUTED) is pending

    in_world(test)
