"""Input arrives in order and without holes, from where the state says, while the lease is held."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from math import inf
from types import SimpleNamespace
from typing import Any

import pytest
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.engine import consumer as module
from streams.engine import lease
from streams.engine import stage as stage_module
from streams.engine.batches import Batch
from streams.engine.clients import FETCH_WAIT, STALE
from streams.engine.faults import Exit
from streams.engine.gathering import FIRST
from streams.engine.holes import QUIET, RETRIES
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
        assert not world.consumer._holes.retried, "or nobody would wait for more"

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
        assert ROUTED in world.consumer._holes._ends
        assert await world.consumer._getmany({ROUTED}, 0) == {}
        assert world.consumer.pending(ROUTED)
        assert await world.consumer.end_without_records(ROUTED) is None
        assert ROUTED not in world.consumer._holes._ends
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
    caught(monkeypatch, lease)

    async def test(world: World) -> None:
        now[0] += world.app.conf.broker_session_timeout
        world.consumer.lease.check()
        now[0] += 0.1
        with pytest.raises(Died) as died:
            world.consumer.lease.check()
        assert died.value.code == Exit.LEASE
        await world.consumer.on_partitions_assigned(set())
        world.consumer.lease.check()

    async def assigned(self: Any, partitions: set[Any], generation_id: int = 0) -> None:
        return None

    monkeypatch.setattr(driver.Consumer, "on_partitions_assigned", assigned)
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


def test_what_closes_a_transaction_is_passed_over_when_nothing_else_is_there(
    monkeypatch: pytest.MonkeyPatch, now: list[float]
) -> None:
    """Only after a long quiet in which we were awake, only with all that was delivered done, and fetched again in between."""
    offset, position = [5], [6]

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


def test_a_producer_that_aborts_again_and_again_holds_nothing_up(
    monkeypatch: pytest.MonkeyPatch, now: list[float]
) -> None:
    """The partition grows by what is no record, and is passed over as far as it went when that was first seen."""
    end, done = [5], [5]

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
