"""None is read much faster than what depends on it can follow."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.engine import pacing as module
from streams.engine.batches import Batch
from streams.engine.pacing import AHEAD, APART, BACKLOG, FURTHER, STUCK, TURN, UNDER_WAY
from tests.unit.engine.world import World, in_world

EVENTS = [TP("social.events", number) for number in range(3)]
DECODED = TP("juice.decoded", 3)
ROUTED = TP("juice.routed", 1)


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
            assert world.app.consumer.pacing.late() == late

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


def test_ingest_waits_for_an_accept_that_is_worked_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """That all of its partitions have batches under way is no reason to read on what waits for it."""

    async def test(world: World) -> None:
        lags = {**dict.fromkeys(EVENTS, 1), DECODED: AHEAD + 1, ROUTED: 10**6}
        world.consumer.pacing._under_way.update({DECODED: UNDER_WAY, ROUTED: UNDER_WAY})
        with pytest.raises(IndexError):  # nothing is polled at all
            await asked(world, monkeypatch, lags, {}, *lags)

    in_world(test)
