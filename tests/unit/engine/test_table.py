"""State is durable before it is believed, is recovered whole, and stale writes do no harm."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from streams.engine import table as module
from streams.engine.batches import Batch
from streams.engine.faults import Exit
from streams.engine.progress import FENCE, PROGRESS
from streams.engine.store import State, as_of_now
from tests.unit.engine.world import Died, Record, World, caught, in_world


def value(fence: int, more: bytes = b"") -> bytes:
    """Return a value."""
    return FENCE.pack(fence) + more


def event(*records: Record) -> Any:
    """Return a changelog message with these records, as Faust hands it over."""
    partition = records[0].partition
    return SimpleNamespace(message=SimpleNamespace(partition=partition, value=Batch(-1, records)))


def log_of(world: World, partition: int) -> list[Any]:
    """Return a changelog."""
    return world.broker.logs[world.table.changelog_topic_name, partition]


def test_progress_is_the_last_record_of_a_flush() -> None:
    """Were it not, a kill in between would lose what comes behind it."""

    async def test(world: World) -> None:
        await world.table.flush(1, {b"a": value(4), b"b": None}, 5, b"kept")
        assert log_of(world, 1) == [(b"a", value(4)), (b"b", None), (PROGRESS, value(5, b"kept"))]
        assert world.table.progress(1) == (5, b"kept")
        assert world.table.progress(0) is None

    in_world(test)


def test_nothing_is_believed_before_it_is_durable() -> None:
    """While the broker has not answered, and when it refuses, the store says what it said before."""

    async def test(world: World) -> None:
        world.broker.pause.clear()
        flushing = asyncio.ensure_future(world.table.flush(0, {b"a": value(4)}, 5, b""))
        await asyncio.wait([flushing], timeout=0.02)
        assert world.table.partition(0) == {}
        world.broker.refuse = world.table.changelog_topic_name
        world.broker.pause.set()
        with pytest.raises(OSError, match="refused"):
            await flushing
        assert world.table.partition(0) == {}
        assert world.table.progress(0) is None

    in_world(test)


def test_a_partition_that_is_given_up_while_it_is_flushed_stays_away() -> None:
    """A few keys of it would be taken for the whole of it, should it come back."""

    async def test(world: World) -> None:
        world.broker.pause.clear()
        flushing = asyncio.ensure_future(world.table.flush(0, {b"a": value(4)}, 5, b""))
        await asyncio.wait([flushing], timeout=0.02)
        world.table.store.drop([0])
        world.broker.pause.set()
        await flushing
        assert not world.table.store.partitions

    in_world(test)


def test_a_partition_is_read_to_its_end_whatever_is_written_to_it_meanwhile() -> None:
    """Recovery of a later generation writes on the loop, while a thread still reads what was recovered before."""
    state: State = {b"%d" % number: b"v" for number in range(4)}
    seen = []
    for key, _ in as_of_now(state):
        seen.append(key)
        state[key + b"!"] = b"new"
        state.pop(b"3", None)
    assert seen == [b"0", b"1", b"2"]


def test_recovery_leaves_what_the_worker_had() -> None:
    """A new worker's store equals the old one's after flushes with changes and deletions."""

    async def test(world: World) -> None:
        await world.table.flush(1, {b"a": value(1), b"b": value(1)}, 2, b"")
        await world.table.flush(1, {b"a": value(3, b"x"), b"b": None, b"c": value(3)}, 4, b"k")
        headers = world.broker.headers[world.table.changelog_topic_name, 1]
        records = [
            Record(n, v, k, partition=1, headers=header)
            for n, ((k, v), header) in enumerate(zip(log_of(world, 1), headers, strict=True))
        ]
        await again(world, [event(*records[:2]), event(*records[2:])])

    async def again(old: World, events: Iterable[Any]) -> None:
        new = World()
        new.table.apply_changelog_batch(events)
        assert new.table.partition(1) == old.table.partition(1)
        assert new.table.progress(1) == (4, b"k")
        assert new.table.recovered_records == 7

    in_world(test)


def test_progress_says_of_which_topic_it_is() -> None:
    """The furthest one does; one of an older version, or of brokers without ids, does not."""

    async def test(world: World) -> None:
        topic = world.table.changelog_topic_name
        await world.table.flush(0, {}, 4, b"", b"one")
        await world.table.flush(0, {}, 5, b"", b"two")
        await world.table.flush(1, {}, 5, b"")
        for partition in (0, 1):
            log = zip(log_of(world, partition), world.broker.headers[topic, partition], strict=True)
            records = [Record(n, v, k, partition=partition, headers=h) for n, ((k, v), h) in enumerate(log)]
            world.table.apply_changelog_batch([event(*records), event(*records[:1])])
        assert world.table.inputs == {0: b"two", 1: b""}

    in_world(test)


def test_the_furthest_value_is_recovered() -> None:
    """A worker that was too slow to notice writes last; what it wrote has seen less, and is passed over."""

    async def test(world: World) -> None:
        stale = event(Record(0, value(9), b"a"), Record(1, value(9, b"!"), b"a"), Record(2, value(5), b"a"))
        world.table.apply_changelog_batch([stale])
        assert world.table.partition(0) == {b"a": value(9, b"!")}

    in_world(test)


def test_a_deletion_that_comes_too_late_is_passed_over() -> None:
    """A worker that is dead deleted a key as of 10; it arrives behind what another has written there since."""

    async def test(world: World) -> None:
        await world.table.flush(0, {b"gone": None, b"k": None}, 10, b"")
        [gone, k, _] = world.broker.headers[world.table.changelog_topic_name, 0]
        world.table.apply_changelog_batch(
            [event(Record(0, value(9), b"gone"), Record(1, value(20), b"k"), Record(2, value(21), PROGRESS))]
        )
        world.table.apply_changelog_batch(
            [event(Record(3, None, b"gone", headers=gone), Record(4, None, b"k", headers=k))]
        )
        assert world.table.partition(0) == {b"k": value(20), PROGRESS: value(21)}

    in_world(test)


def test_a_changelog_that_cannot_be_read_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faust logs such an error and goes on with half a state."""
    caught(monkeypatch, module)

    async def test(world: World) -> None:
        with pytest.raises(Died) as died:
            world.table.apply_changelog_batch([SimpleNamespace(message=None)])
        assert died.value.code == Exit.CORRUPTION

    in_world(test)


def test_what_was_given_up_is_forgotten() -> None:
    """A partition that comes back is recovered anew, not laid over what was left of it."""

    async def test(world: World) -> None:
        for partition in (0, 1):
            await world.table.flush(partition, {b"a": value(4)}, 5, b"")
        await world.table.on_rebalance({TP(world.table.changelog_topic_name, 1), TP("another", 0)}, set(), set())
        assert world.table.progress(0) is None
        assert world.table.progress(1) == (5, b"")

    in_world(test)


def test_the_store_keeps_partitions_apart() -> None:
    """The same key in two partitions is two; only what is dropped goes."""

    async def test(world: World) -> None:
        store = world.table.store
        store.partition(0)[b"a"], store.partition(1)[b"a"] = b"0", b"1"
        store.drop([0, 7])
        assert (store.partition(0), store.partition(1)) == ({}, {b"a": b"1"})
        assert store.persisted_offset(None) is None, "else Faust would not read the changelog from its beginning"
        store.reset_state()
        assert store.partition(1) == {}

    in_world(test)
