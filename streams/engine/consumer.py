"""The guarded consumer: input arrives in order and without holes, from where the state says, while we hold the lease.

What of Faust it answers:

- In rebalances Faust drops part of a poll and goes on behind it, marking the hole as done, clears the agents' queues,
  and lets input through before recovery is over (387,856 of 400,000 events in an experiment). So nothing of a guarded
  topic is delivered before its next offset is known, and where a poll begins elsewhere, it is fetched again (`holes.py`).
- Kafka's committed offsets lag or run ahead of state (190,000 records after rebalances). So a partition begins where
  its table's progress record says; what is committed is copied from there, for lag monitors.
- Faust's own bookkeeping of acknowledgements builds a list with one integer per message, and its compiled streams do so
  without asking the consumer. It grew for ever; `force_commit` throws it away.
- A worker that was stopped for longer than its session must not write when it wakes: `lease.py`.
- Faust reads each partition as fast as it can, and waits where a queue is full: `pacing.py`.
- Where little comes Faust delivers each record as it comes, and a batch costs nearly the same however little is in it. So what
  was polled waits a moment for more (`gathering.py`).
- What must be changed of aiokafka below: `clients.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from math import inf
from typing import Any

from faust.tables.recovery import Recovery
from faust.transport.drivers import aiokafka as driver
from mode.utils.futures import notify

from infra import telemetry
from infra.clock import monotonic
from streams.engine import clients, seat
from streams.engine.clients import STALE
from streams.engine.faults import Exit, crash_point, die
from streams.engine.gathering import Gathering
from streams.engine.holes import Holes
from streams.engine.lease import Lease
from streams.engine.pacing import Pacing

PAUSE = 0.02
"""Seconds until partitions that were left out of a poll are looked at again."""


class GuardedRecovery(Recovery):
    """Faust's recovery, which also says that a generation's recovery is over."""

    app: Any

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Let input flow again, from where the recovered state says."""
        self.app.consumer.recovered(generation_id)
        await super().on_recovery_completed(generation_id)


class GuardedConsumer(driver.Consumer):
    """Faust's aiokafka consumer with the guards of this module."""

    app: Any

    def on_init(self) -> None:
        """Begin with nothing known."""
        super().on_init()
        self.begins: dict[Any, int] = {}
        """By partition held: the offset at which the next delivered batch begins."""
        self._starts: dict[Any, int] = {}
        """The offset at which the first one began."""
        self._recovered_generation = -1
        self._committed: dict[Any, int] = {}
        self._coordinator: Any = None
        self._holes = Holes()
        self._gathering = Gathering(list(self.stages))
        self.pacing = Pacing(self)
        self.lease = Lease(self.app.conf.broker_session_timeout)

    @property
    def stages(self) -> Mapping[str, Any]:
        """Stages by the topic they read."""
        found: Mapping[str, Any] = self.app.stages
        return found

    def _new_consumer_thread(self) -> Any:
        """Give the consumer's thread a loop of the kind that runs here: Faust takes the standard one, whatever we run on."""
        return driver.AIOKafkaConsumerThread(self, thread_loop=type(self.loop)(), loop=self.loop, beacon=self.beacon)

    async def on_started(self) -> None:
        """Change what must be changed of aiokafka, once there is one."""
        await super().on_started()
        consumer = self._thread._ensure_consumer()
        self._coordinator = consumer._coordinator
        clients.watch_heartbeats(self._coordinator, self.lease.begin)
        clients.watch_connections(consumer._client)
        clients.gather_connections(consumer._client)
        clients.read_batches(consumer._fetcher)
        clients.note_asked(consumer._fetcher)
        clients.read_committed(consumer._fetcher)
        self._pace_fetches(busy=True)

    def _pace_fetches(self, busy: bool) -> None:
        clients.pace_fetches(self._thread._ensure_consumer()._fetcher, busy=busy)

    # Where to begin

    def recovered(self, generation: int) -> None:
        """Note that the state of this generation's partitions is complete."""
        self._recovered_generation = generation

    async def seek_to_committed(self) -> Mapping[Any, int]:
        """Seek every guarded partition to its table's progress, or to the log's beginning where it has none."""
        found: dict[Any, int] = dict(await super().seek_to_committed())
        if self._recovered_generation != self.app.consumer_generation_id:
            return found  # called while a rebalance is under way; state is not complete
        self._check_topics()
        starts: dict[Any, int] = {}
        for tp in self.assignment():
            stage = self.stages.get(tp.topic)
            if stage is not None:
                stage.check_input(tp.partition)
                offset = stage.next_offset(tp.partition)
                if offset is None:
                    offset = (await self.earliest_offsets(tp))[tp]
                starts[tp] = offset
        if starts:
            await self._thread.seek_wait(starts)
            self._gathering.clear()  # not before: a poll that was under way is answered by now
        if self._recovered_generation == self.app.consumer_generation_id:  # or a rebalance began meanwhile
            self.begin(starts)
        return {**found, **starts}

    def is_ready(self) -> bool:
        """Tell whether input flows from where the state says, or none of it is ours: of more workers than partitions some have
        nothing to do.
        """
        if self.begins:
            return True
        recovered = self._recovered_generation == self.app.consumer_generation_id and not self.app.rebalancing
        return recovered and not any(tp.topic in self.stages for tp in self.assignment())

    def begin(self, starts: Mapping[Any, int]) -> None:
        """Let input flow from where it starts, by partition."""
        self.begins, self._starts = dict(starts), dict(starts)
        self._holes.clear()
        self.pacing.begin()

    def _check_topics(self) -> None:
        """End the process where a topic is gone: Faust would go on without it, and nobody would read it when it is back."""
        cluster = self._thread._ensure_consumer()._client.cluster
        if missing := [topic for topic in self.stages if not cluster.partitions_for_topic(topic)]:
            die(Exit.UNAVAILABLE, f"topics are missing: {', '.join(missing)}")

    def _check_growth(self, assigned: set[Any]) -> None:
        """End the process when the input or its changelog has more partitions than at its start; the next start reads and awaits
        the new ones. Otherwise time would pass without them, and their events would be late; and Faust gives a partition and its
        changelog to one worker only where there are as many of both.
        """
        topic, stage = next(iter(self.stages.items()))
        cluster = self._thread._ensure_consumer()._client.cluster
        for name in (topic, stage.table.changelog_topic_name):
            known = cluster.partitions_for_topic(name) or ()
            has = 1 + max((*known, *(tp.partition for tp in assigned if tp.topic == name)), default=-1)
            if has > stage.partitions:
                die(Exit.UNAVAILABLE, f"{name} has {has} partitions now, and had {stage.partitions}: starting again")

    async def on_partitions_revoked(self, revoked: set[Any]) -> None:
        """Deliver nothing more until the next recovery is over."""
        crash_point("worker.rebalancing")
        telemetry.rebalance()
        self.begins, self._starts = {}, {}
        self.pacing.clear()
        self._gathering.clear()
        self._recovered_generation = -1
        await super().on_partitions_revoked(revoked)

    async def rewind(self, tp: Any, offset: int) -> None:
        """Fetch `tp` again from `offset`. Faust's read offset goes back too, or it drops what comes again."""
        if tp in self.begins:
            self.begins[tp] = offset
            self._read_offset[tp] = offset or None
            await self._thread.seek_wait({tp: offset})
            self._gathering.forget(tp)  # it comes again

    async def _wait_next_records(self, timeout: float) -> tuple[Any, Any]:  # noqa: ASYNC109  as Faust has it
        polled, active = await super()._wait_next_records(timeout)
        records: Any = polled
        self._pace_fetches(busy=bool(records) or self._gathering.wait() is not None or self.pacing.is_busy)
        for tp in [tp for tp in records or () if tp.topic in self.stages]:
            if not records[tp]:
                continue
            want = self.begins.get(tp)
            first = records[tp][0].offset
            if want is None:
                records.pop(tp)
            elif first == want:
                self._holes.filled(tp)
            elif first < want or not self._holes.is_natural(tp, want, first):
                self._check_end(tp, want)
                records.pop(tp)
                telemetry.refetch()
                await self.rewind(tp, want)
        return records, active

    async def _getmany(self, active_partitions: set[Any] | None, timeout: float) -> Any:  # noqa: ASYNC109  as Faust has it
        wait = self._gathering.wait()
        polled = await self._poll(active_partitions, timeout if wait is None else min(wait, timeout))
        enough = bool(self.pacing.late()) or self._holes.retried  # what was fetched again has waited
        return self._gathering.through(polled, at_once=enough)

    async def _poll(self, active: set[Any] | None, timeout: float) -> Any:  # noqa: ASYNC109  as Faust has it
        wanted = None if active is None else self.pacing.in_turn(active)
        burdened = {tp for tp in wanted or () if self.pacing.is_burdened(tp)}
        if not wanted or not burdened:
            return await super()._getmany(wanted, timeout)
        if free := wanted - burdened:
            return await super()._getmany(free, PAUSE)
        await asyncio.sleep(PAUSE)
        return {}

    def highwater(self, tp: Any) -> int:
        """Return the offset up to which a partition can be read: its end, or the beginning of the first open transaction."""
        end: int | None = self._thread._ensure_consumer().last_stable_offset(tp)
        return max(end or 0, 0)

    def waiting(self, tp: Any) -> int:
        """Return how many records of a guarded partition wait to be processed, as far as is known."""
        return max(self.highwater(tp) - self.done(tp), 0)

    def pending(self, tp: Any) -> bool:
        """Tell whether records wait; unlike in `waiting`, offsets without records do not count."""
        done = self.done(tp)
        if self.begins.get(tp, done) > done or self._gathering.holds(tp):
            return True
        return bool(0 <= self._position(tp) < self.highwater(tp))

    def lag(self, tp: Any) -> int | None:
        """Return how many records there are beyond what is done, or None where that is not known as of now.

        Those in an open transaction are among them: they may yet count, and were here before what comes now.
        """
        return max(self._length(tp) - self.done(tp), 0) if monotonic() - self._asked(tp) <= STALE else None

    def caught_up(self, tp: Any) -> float | None:
        """Return a moment of the monotonic clock such that all records that were there then are done; None where some may not be.

        It is when Kafka was asked, not when it answered or when we read the answer: we may have been frozen in between.
        """
        asked = self._asked(tp)  # first: the length that is looked at next is of that moment or a later one
        # A log that is shorter than what is done: Kafka has not found its end yet.
        return asked if self.lag(tp) == 0 and self._length(tp) == self.done(tp) else None

    def _length(self, tp: Any) -> int:
        end: int | None = super().highwater(tp)
        return end or 0

    def done(self, tp: Any) -> int:
        """Return the next offset that is not durably applied. Delivered batches do not count; before the first flush it is
        where the partition started.
        """
        done: int | None = self.stages[tp.topic].next_offset(tp.partition)
        return self._starts.get(tp, 0) if done is None else done

    def _asked(self, tp: Any) -> float:
        """Return when the request was sent whose answer last told a partition's length."""
        return getattr(self._state(tp), "asked", -inf)

    def _state(self, tp: Any) -> Any:
        """Return what aiokafka keeps of a partition, as long as it is assigned."""
        return self._thread._ensure_consumer()._subscription.subscription.assignment.state_value(tp)

    async def end_without_records(self, tp: Any) -> int | None:
        """Return the end of a partition where no record waits before it, only what transactions leave; None while one may.

        Before that it is fetched once more; input goes on from there (`Holes.end`).
        """
        begin = self.begins.get(tp)
        done = begin == self.done(tp) and not self._gathering.holds(tp)
        if not (self.lag(tp) and self.waiting(tp)) or begin is None or not done:
            self._holes.has_no_end(tp)
            return None
        end = self._holes.end(tp, begin, self.highwater(tp), self._position(tp))
        if end == begin:
            await self.rewind(tp, begin)
            return None
        if end is not None:
            self.begins[tp] = end
        return end

    def _position(self, tp: Any) -> int:
        """Return the offset that is fetched next."""
        state = self._state(tp)
        return state.position if state.has_valid_position else -1

    def _check_end(self, tp: Any, want: int) -> None:
        """End the process where a partition ends before `want`. It is then read from its beginning, and records that come to it
        at offsets before `want` would be passed over. The next start finds out whether it is another topic of that name.
        """
        if 0 < (length := self._length(tp)) < want:
            said = f"{tp.topic}-{tp.partition} ends at {length}, and was read up to {want}"
            die(Exit.UNAVAILABLE, f"{said}; if it stays so, its end was lost, and `juice rebuild` counts what is there")

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[Any, Any]]:  # noqa: ASYNC109  as Faust has it
        """Yield messages, each with where it was fetched from."""
        async for tp, message in super().getmany(timeout):
            if tp.topic in self.stages:
                begin = self.begins.get(tp)
                if begin is None:
                    continue
                batch: Any = message.value
                message.value = batch._replace(begin=begin)
                self.begins[tp] = message.offset + 1
                self.pacing.delivered(tp)
            yield tp, message

    def taken(self, tp: Any, generation: int) -> None:
        """Note that a stage is done with a batch that was delivered in that generation."""
        if generation == self.app.consumer_generation_id:
            self.pacing.taken(tp)

    # Acknowledgements: the state is the truth, so there is nothing to keep

    def ack(self, message: Any) -> bool:
        """Forget that `message` is being worked on."""
        if message.acked:
            return False
        message.acked = True
        self._unacked_messages.discard(message)
        notify(self._waiting_for_ack)
        return True

    async def _add_gap(self, tp: Any, offset_from: int, offset_to: int) -> None:
        """Keep no gaps."""

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commit each partition's durable progress, for lag monitors; nothing depends on it."""
        self._acked.clear()
        self._acked_index.clear()
        offsets: dict[Any, int] = {}
        for tp in list(self.begins):
            offset = self.stages[tp.topic].next_offset(tp.partition)
            if offset is not None and self._committed.get(tp) != offset:
                offsets[tp] = offset
        if not offsets:
            return False
        crash_point("worker.before-commit")
        done = await self._thread.commit(offsets)
        crash_point("worker.after-commit")
        if done:
            self._committed.update(offsets)
        return bool(done)

    def verify_event_path(self, now: float, tp: Any) -> None:
        """Leave livelock detection to the supervisor's watchdog, which looks at progress."""

    async def on_partitions_assigned(self, assigned: set[Any], generation_id: int = 0) -> None:
        """Begin a new lease: the group has just let us in."""
        self.lease.begin()
        if self._coordinator is not None:
            seat.note(self._coordinator.member_id)
            self._check_growth(assigned)
        await super().on_partitions_assigned(assigned, generation_id)


class GuardedProducer(driver.Producer):
    """Faust's aiokafka producer, which looks at the lease before anything is written to a broker.

    A stage looks too, before it hands its records over; but the process may be frozen after that, and what waits to be
    sent would go out when it wakes.
    """

    app: Any

    async def on_start(self) -> None:
        """Guard the connection once there is one."""
        await super().on_start()
        client = self._ensure_producer().client
        clients.guard_sends(client, lambda: self.app.consumer.lease.check())
        clients.gather_connections(client)
        clients.watch_connections(client)


class GuardedTransport(driver.Transport):
    """Faust's aiokafka transport with the guarded consumer and producer."""

    Consumer = GuardedConsumer
    Producer = GuardedProducer
