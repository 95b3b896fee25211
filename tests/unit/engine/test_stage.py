"""A batch is done once: cut where it is known, refused where something is missing, durable in the right order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from threading import Event, Thread, current_thread, main_thread
from typing import Any

import pytest
from faust.types import TP

from streams.engine import stage as module
from streams.engine.batches import Batch
from streams.engine.faults import Exit
from streams.engine.outbox import Send
from streams.engine.progress import FENCE, PROGRESS
from streams.engine.stage import Effects, unbroken
from streams.engine.table import INPUT
from tests.unit.engine.world import Died, Record, World, caught, in_world

TO, ALSO, THIRD = (TP("juice.routed", partition) for partition in (1, 0, 2))


class Body:
    """Sends each record on, keeps the last one's offset, and notes what it is asked."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.restored: list[tuple[int, int, bytes]] = []
        self.forgot = 0
        self.idled: list[tuple[int, int]] = []
        """Partitions, and how many records were seen before."""
        self.go = Event()
        """What it computes takes until then, but not for ever."""
        self.go.set()
        self.began = Event()
        self.waited_for = True
        self.resting = False

    def restore(self, partition: int, entries: dict[bytes, bytes], offset: int, kept: bytes) -> None:
        """Note it."""
        self.restored.append((partition, offset, kept))

    def forget(self) -> None:
        """Count it."""
        self.forgot += 1

    def process(self, partition: int, records: Sequence[Any], behind: bool) -> Effects:
        """Send the records on."""
        self.seen += [record.offset for record in records]
        self.began.set()
        self.waited_for = self.go.wait(5)
        fence = FENCE.pack(records[-1].offset)
        return Effects([Send("out", 0, None, b"%d" % r.offset) for r in records], {b"last": fence}, b"kept")

    def rests(self, partition: int) -> bool:
        """As it was told."""
        return self.resting

    def idle(self, partition: int, lag: int, offset: int, behind: bool) -> Effects | None:
        """Do something."""
        self.idled.append((partition, len(self.seen)))
        self.began.set()
        self.go.wait(5)
        return Effects([Send("out", 0, None, b"idle %d at %d" % (partition, offset))])


class Set:
    """A world whose stage has that body and holds a partition."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world, self.stage, self.body = world, world.stage, Body()
        self.stage.body = self.body
        self.generation = world.app.consumer_generation_id
        world.consumer.begins[TO] = 0
        self.leases = 0
        self.rewound: list[tuple[Any, int]] = []
        monkeypatch.setattr(world.consumer.lease, "check", self.lease)
        monkeypatch.setattr(world.consumer, "highwater", lambda tp: 0)
        monkeypatch.setattr(world.consumer, "_length", lambda tp: 0)
        monkeypatch.setattr(world.consumer, "_position", lambda tp: 0)
        monkeypatch.setattr(world.consumer, "_asked", lambda tp: module.monotonic() - 0.01)
        monkeypatch.setattr(world.consumer, "rewind", self.rewind)

    def lease(self) -> None:
        """Count looks at the lease."""
        self.leases += 1

    async def rewind(self, tp: Any, offset: int) -> None:
        """Note a rewind."""
        self.rewound.append((tp, offset))

    async def take(self, begin: int, *offsets: int, generation: int | None = None) -> None:
        """Hand a batch to the stage."""
        batch = Batch(begin, [Record(offset) for offset in offsets])
        await self.stage._take(TO, batch, self.generation if generation is None else generation)

    async def computing(self) -> asyncio.Future[None]:
        """Hand a batch to the stage, and return when its body is at it; it goes on when `go` is set."""
        self.body.go.clear()
        taking = asyncio.ensure_future(self.take(0, 0))
        await asyncio.to_thread(self.body.began.wait)
        return taking

    async def idling(self) -> asyncio.Future[bool]:
        """Let the stage tick over three partitions, and return when its body is at the first; it goes on when `go` is set."""
        self.world.consumer.begins |= {ALSO: 0, THIRD: 0}
        self.body.go.clear()
        ticking = asyncio.ensure_future(self.stage.tick())
        await asyncio.to_thread(self.body.began.wait)
        return ticking

    @property
    def out(self) -> list[bytes]:
        """Return what was sent."""
        return [value for _, value in self.world.broker.logs["out", 0]]


def test_a_batch_is_sent_then_written_then_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """While its sends are not acknowledged nothing of its state is written; the lease is looked at before each."""

    async def test(world: World) -> None:
        here = Set(world, monkeypatch)
        world.broker.pause.clear()
        taking = asyncio.ensure_future(here.take(0, 0, 1))
        await asyncio.wait([taking], timeout=0.05)
        assert world.broker.batches == 1
        assert here.leases == 1
        world.broker.pause.set()
        await taking
        assert here.leases == 2
        assert here.out == [b"0", b"1"]
        log = world.broker.logs[here.stage.table.changelog_topic_name, 1]
        assert log == [(b"last", FENCE.pack(1)), (PROGRESS, FENCE.pack(2) + b"kept")]
        assert here.stage.next_offset(1) == 2

    in_world(test)


def test_others_have_their_turn_while_it_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Accumulate is slow; a broker's answer that comes meanwhile is read, and other stages go on."""

    async def test(world: World) -> None:
        here = Set(world, monkeypatch)
        taking = await here.computing()
        here.body.go.set()
        await taking
        assert here.body.waited_for
        assert here.out == [b"0"]

    in_world(test)


def test_where_a_partition_may_have_ended_is_looked_at_while_something_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits may be no record; progress goes on behind it. Nobody looks where nothing waits."""
    looked: list[Any] = []

    async def end(tp: Any) -> int | None:
        looked.append(tp)
        return 3

    async def test(world: World) -> None:
        here = Set(world, monkeypatch)
        here.body.resting = True
        monkeypatch.setattr(world.consumer, "end_without_records", end)
        assert not await here.stage.tick()
        assert (looked, here.stage.next_offset(1)) == ([], None)
        monkeypatch.setattr(world.consumer, "_length", lambda tp: 3)
        assert not await here.stage.tick()
        assert (looked, here.stage.next_offset(1)) == ([TO], 3)

    in_world(test)


def test_what_is_said_before_the_first_batch_is_as_of_the_first_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is not of offset 0 where the log begins later: the partition would have a backlog that nobody can read."""

    async def test(world: World) -> None:
        here = Set(world, monkeypatch)
        here.body.resting = False
        monkeypatch.setattr(world.consumer, "_length", lambda tp: 100)
        world.consumer.begin({TO: 100})
        assert await here.stage.tick()
        assert here.out == [b"idle 1 at 100"]
        assert (here.stage.next_offset(1), world.consumer.lag(TO)) == (100, 0)

    in_world(test)


def test_partitions_wait_for_the_broker_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """While what one has sent is not acknowledged another is computed; of one partition, nothing is before that."""

    async def test(world: World) -> None:
        here = Set(world, monkeypatch)
        world.consumer.begins[ALSO] = 0
        world.broker.pause.clear()
        other = here.stage._take(ALSO, Batch(0, [Record(7)]), here.generation)
        taking = [asyncio.ensure_future(each) for each in (here.take(0, 0), other, here.take(1, 1))]
        await asyncio.wait(taking, timeout=0.05)
        assert here.body.seen == [0, 7]
        world.broker.pause.set()
        await asyncio.gather(*taking)
        assert here.body.seen == [0, 7, 1]

    in_world(test)


def test_what_was_computed_for_a_partition_that_is_gone_is_not_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent of it, and should it come back to us, its body begins again from what is durable."""

    async def test(world: World) -> None:
        here = Set(world, monkeypatch)
        here.body.go.clear()
        world.consumer.begins[ALSO] = 0
        other = here.stage._take(ALSO, Batch(0, [Record(7)]), here.generation)
        taking = [asyncio.ensure_future(each) for each in (here.take(0, 0), other)]
        await asyncio.to_thread(here.body.began.wait)
        world.consumer.begins.clear()
        here.body.go.set()
        await asyncio.gather(*taking)
        assert (here.out, here.stage.next_offset(1)) == ([], None)
        assert here.body.seen == [0], "what had not begun does not keep the others waiting"
        here.body.restored.clear()
        world.consumer.begins[TO] = 0
        await here.take(0, 0)
        assert here.out == [b"0"]
        assert here.body.restored == [(1, 0, b"")]

    in_world(test)


def test_rules_change_while_nothing_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not before a batch that is computed is done, nor on another thread than what is routed by them."""

    async def test(world: World) -> None:
        here = Set(world, monkeypatch)
        taking = await here.computing()
        seen: list[tuple[bool, Thread]] = []
        changing = asyncio.ensure_future(
            here.stage.between(lambda: seen.append((here.body.go.is_set(), current_thread())))
        )
        await asyncio.sleep(0.01)
        assert seen == []
        here.body.go.set()
        await asyncio.gather(taking, changing)
        assert seen == [(True, main_thread())]
        await here.take(1, 1)
        assert here.out == [b"0", b"1"], "the thread goes on"

    in_world(test)


def test_a_tick_does_not_wait_for_what_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """A partition of which a batch is computed is not at rest, and others are to be looked at in time."""

    async def test(world: World) -> None:
        here = Set(world, monkeypatch)
        taking = await here.computing()
        assert not await asyncio.wait_for(here.stage.tick(), 2)
        here.body.go.set()
        await taking
        assert await here.stage.tick()

    in_world(test)


def test_who_holds_nothing_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was derived of partitions that are others' now is told by nobody; should they come back it is derived anew."""

    async def test(world: World) -> None:
        here = Set(world, monkeypatch)
        here.body.go.set()
        await here.take(0, 0)
        before, held = here.body.forgot, dict(world.consumer.begins)
        world.consumer.begins.clear()
        assert not await here.stage.tick()
        await here.stage.tick()
        assert here.body.forgot == before + 1
        here.body.restored.clear()
        world.consumer.begins.update(held)
        await here.take(1, 1)
        assert here.body.restored == [(1, 1, b"kept")]

    in_world(test)


def test_what_is_known_of_a_batch_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a restart records come again; those before the progress are not worked on."""

    async def test(world: World) -> None:
        here = Set(world, monkeypatch)
        await here.take(0, 0, 1, 2)
        await here.take(1, 1, 2, 3)
        await here.take(0, 0, 1)
        assert here.body.seen == [0, 1, 2, 3]
        assert here.rewound == []

    in_world(test)


def test_a_batch_behind_a_hole_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is fetched again from where the progress is, and so is a batch that nobody has looked at."""

    async def test(world: World) -> None:
        here = Set(world, monkeypatch)
        await here.take(0, 0)
        await here.take(3, 3, 4)
        await here.take(-1, 1)
        assert here.body.seen == [0]
        assert here.rewound == [(TO, 1), (TO, 1)]

    in_world(test)


def test_natural_holes_are_no_holes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a batch was fetched from counts, not its first record's offset."""

    async def test(world: World) -> None:
        here = Set(world, monkeypatch)
        await here.take(0, 4, 7)
        await here.take(8, 20)
        assert here.body.seen == [4, 7, 20]

    in_world(test)


def test_a_batch_of_another_generation_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was fetched before a rebalance; so was one of a partition that was given up."""

    async def test(world: World) -> None:
        here = Set(world, monkeypatch)
        await here.take(0, 0, generation=here.generation - 1)
        world.consumer.begins.clear()
        await here.take(0, 0)
        assert here.body.seen == []

    in_world(test)


def test_a_body_is_restored_once_in_a_generation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before its first batch, from the progress; and again, having forgotten all, after a rebalance."""

    async def test(world: World) -> None:
        here = Set(world, monkeypatch)
        await here.take(0, 0)
        await here.take(1, 1)
        assert (here.body.restored, here.body.forgot) == ([(1, 0, b"")], 1)
        here.stage._generation = here.generation - 1
        await here.take(2, 2)
        assert (here.body.restored, here.body.forgot) == ([(1, 0, b""), (1, 2, b"kept")], 2)

    in_world(test)


@pytest.mark.parametrize(
    ("was", "now", "said"), [(b"one", b"one", b"one"), (b"", b"two", b"two"), (b"one", b"", b"one"), (b"", b"", b"")]
)
def test_progress_says_of_which_topic_it_is(
    was: bytes, now: bytes, said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was known is not forgotten because a broker does not say."""

    async def test(world: World) -> None:
        here = Set(world, monkeypatch)
        world.app.topic_ids = {"juice.routed": now}
        world.table.inputs[1] = was
        here.stage.check_input(1)
        await here.take(0, 0)
        assert world.broker.headers[world.table.changelog_topic_name, 1][-1] == (((INPUT, said),) if said else ())

    in_world(test)


def test_a_tick_is_durable_like_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done without input leaves the progress where it is."""

    async def test(world: World) -> None:
        here = Set(world, monkeypatch)
        await here.take(0, 0)
        await here.stage.tick()
        assert here.out == [b"0", b"idle 1 at 1"]
        assert here.stage.next_offset(1) == 1
        assert here.leases == 4

    in_world(test)


@pytest.mark.parametrize("apart", [False, True])
def test_partitions_that_idle_wait_for_the_broker_together(apart: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other, an idle worker's ticks would wake everybody behind them once for each, and a body that computes for
    long would not compute meanwhile.
    """

    async def test(world: World) -> None:
        here = Set(world, monkeypatch)
        if not apart:
            monkeypatch.setattr(here.stage, "_thread", None)
        world.consumer.begins[ALSO] = 0
        world.broker.pause.clear()
        ticking = asyncio.ensure_future(here.stage.tick())
        await asyncio.wait([ticking], timeout=0.05)
        assert here.leases == 2, "of both partitions nothing is acknowledged yet"
        world.broker.pause.set()
        assert await ticking

    in_world(test)


def test_input_goes_between_partitions_that_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a body computes for long, what it does when it is idle does not stand in a row before input."""

    async def test(world: World) -> None:
        here = Set(world, monkeypatch)
        ticking = await here.idling()
        taking = asyncio.ensure_future(here.stage._take(THIRD, Batch(0, [Record(7)]), here.generation))
        await asyncio.sleep(0.01)
        here.body.go.set()
        await asyncio.gather(ticking, taking)
        assert here.body.idled == [(1, 0), (0, 1)], "the record was seen between them"

    in_world(test)


def test_a_worker_that_stops_looks_at_no_more_partitions(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was begun is ended; the producer that the others would need is stopped meanwhile."""

    async def test(world: World) -> None:
        here = Set(world, monkeypatch)
        ticking = await here.idling()
        ticking.cancel()
        world.app._stopped.set()
        here.body.go.set()
        with pytest.raises(asyncio.CancelledError):
            await ticking
        assert here.out == [b"idle 1 at 0"]

    in_world(test)


def test_a_body_at_rest_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is asked of it on its own thread, which would have to wake."""

    async def test(world: World) -> None:
        here = Set(world, monkeypatch)
        await here.take(0, 0)
        here.body.resting = True
        assert not await here.stage.tick()
        assert here.out == [b"0"]

    in_world(test)


def test_a_cancelled_agent_ends_its_batch_first() -> None:
    """On a graceful stop Faust cancels the agent, and acknowledges what it was working on."""

    async def run() -> None:
        done = []

        async def work() -> None:
            await asyncio.sleep(0.02)
            done.append("all of it")

        agent = asyncio.ensure_future(unbroken(work()))
        await asyncio.sleep(0.005)
        agent.cancel()
        with pytest.raises(asyncio.CancelledError):
            await agent
        assert done == ["all of it"]

    asyncio.run(run())


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_batch_that_fails_ends_the_process(monkeypatch: pytest.MonkeyPatch, cancelled: bool) -> None:
    """Faust logs the error, acknowledges the event and goes on; also when the agent is being cancelled."""
    caught(monkeypatch, module)

    async def run() -> None:
        async def work() -> None:
            await asyncio.sleep(0.01)
            raise OSError("refused")

        agent = asyncio.ensure_future(unbroken(work()))
        await asyncio.sleep(0.001)
        if cancelled:
            agent.cancel()
        await asyncio.wait([agent])
        error = agent.exception()
        assert isinstance(error, Died)
        assert error.code == Exit.FAULT

    asyncio.run(run())
