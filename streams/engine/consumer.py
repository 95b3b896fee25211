"""The guarded consumer: input arrives in order and without holes, from where the state says, while we hold the lease.

What of Faust it answers:

- In rebalances Faust drops part of a poll and goes on behind it, marking the hole as done, clears the agents' queues,
  and lets input through before recovery is over (387,856 of 400,000 events in an experiment). So nothing of a guarded
  topic is delivered before its next offset is known, and where a poll begins elsewhere, it is fetched again.
- Kafka's committed offsets lag or run ahead of state (190,000 records after rebalances). So a partition begins where
  its table's progress record says; what is committed is copied from there, for lag monitors.
- Faust's own bookkeeping of acknowledgements builds a list with one integer per message, and its compiled streams do so
  without asking the consumer. It grew for ever; `force_commit` throws it away.
- A log may end with control records of a transaction, which are not delivered. Progress would never reach the end, so a
  transactional producer that pauses would look like a worker that hangs: `end_without_records`.
- Faust reads uncommitted unless it writes transactions itself, so what a producer had aborted would count. Ours reads committed.
- A worker that was stopped for longer than its session must not write when it wakes: `check_lease`.
- Faust reads each partition as fast as it can. On a backlog ingest was three times as fast as accept, and some of its
  partitions were twice as fast as others. Accept cannot forget an id before it has read what ingest has said, nor before
  the slowest partition has come that far: after ten hours of event time it held five hours of ids, 272 MiB, and more with
  each. And what accumulate has yet to read is kept in Kafka for days only. So ingest waits for the stages after it (`AHEAD`,
  `FURTHER`), and its partitions for each other (`APART`), as long as these move (`STUCK`), and never for long (`TURN`), because
  time passes for all partitions only with what ingest sends. Partitions of different workers wait for each other, too: two
  workers that did not came 59,000 of 268,000 records apart, and an event cost them 49 µs instead of 38 (docs/scaling.md).
- Faust delivers what it polled one message after the other, and waits where a stage's queue is full. So the slowest stage
  set the pace of all: at half of full load a record waited for 0.35 s at each of them, behind batches of the third. A
  partition is left out of polls while a batch of it is waiting already (`UNDER_WAY`), and no queue is ever full.
- Where little comes Faust delivers each record as it comes, and a batch costs nearly the same however little is in it. So what
  was polled waits a moment for more (`gathering.py`).
- aiokafka has one fetch under way per broker, and Faust lets it wait for 1.5 s. While it waits for partitions that are
  caught up, those that have records are not asked for: with three stages on one broker a worker stood still half of the
  time (8,592 and 15,056 records/s without and with, two runs one after the other, counts alone): `FETCH_WAIT`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

import structlog
from aiokafka.conn import CloseReason
from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import READ_COMMITTED
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.structs import TopicPartition
from faust.tables.recovery import Recovery
from faust.transport.drivers import aiokafka as driver
from mode.utils.futures import notify

from infra import telemetry
from infra.clock import monotonic
from streams.engine import seat
from streams.engine.faults import Exit, crash_point, die
from streams.engine.fetched import Batches
from streams.engine.gathering import Gathering
from streams.engine.wire import gather

log = structlog.get_logger("juice")

RETRIES = 2
"""How often a poll that begins beyond the next offset is fetched again before the hole counts as the log's own."""

FETCH_WAIT = 50
"""Milliseconds for which a broker may hold back a fetch that finds no records, while there is work."""
IDLE_WAIT = 600
"""The same while there is none: it keeps nobody waiting then, and an idle worker should cost nothing. Well below STALE, so that
it is always known how much waits."""

UNDER_WAY = 2
"""Batches of a partition that may be delivered and not done: the one being worked on and the next."""
PAUSE = 0.02
"""Seconds until partitions that were left out of a poll are looked at again."""

AHEAD = 8
"""Messages of one partition that may wait before accept while ingest reads on; on a backlog each has some 1,000 events."""
FURTHER = 16
"""The same before accumulate, for each partition of accept: messages are more there, and smaller where little waits."""

APART = 300_000
"""Milliseconds of event time that one partition of the input may be ahead of another while both have a backlog."""

BACKLOG = 1_000
"""Records. A partition where fewer wait is live: it waits for nobody, and nobody for it."""

STUCK = 5.0
"""Seconds without progress after which a partition is not waited for: its leader may be down, or its records gone."""

STALE = 2.0
"""Seconds for which a reported end offset is trusted, counted from the request. Longer than IDLE_WAIT, so a normal fetch never
makes it stale; a freeze or a hanging fetch does."""

QUIET = 5.0
"""Seconds for which a partition must be quiet near its end before the offsets left there count as holding no records."""

TURN = 10.0
"""Seconds after which a partition that waits for others is polled once all the same: they may never catch up."""


@dataclass
class _End:
    """What is known of a partition that may have nothing left but offsets without records."""

    begin: int
    end: int
    since: float
    looked: float
    again: bool = False
    """It was fetched again."""


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
        self._retried: dict[Any, tuple[int, int, int]] = {}
        self._committed: dict[Any, int] = {}
        self._seen: dict[Any, tuple[int | None, float, float]] = {}
        """By partition: its next offset, since when it is that, and when we last looked."""
        self._turns: dict[Any, float] = {}
        self._ends: dict[Any, _End] = {}
        self._gathering = Gathering(list(self._stages))
        self._under_way: dict[Any, int] = {}
        """Batches of each partition that were delivered and are not done."""
        self._coordinator: Any = None
        self._heartbeat_at = monotonic()
        self._lease = self.app.conf.broker_session_timeout

    @property
    def _stages(self) -> Mapping[str, Any]:
        """Stages by the topic they read."""
        stages: Mapping[str, Any] = self.app.stages
        return stages

    def _new_consumer_thread(self) -> Any:
        """Give the consumer's thread a loop of the kind that runs here: Faust takes the standard one, whatever we run on."""
        return driver.AIOKafkaConsumerThread(self, thread_loop=type(self.loop)(), loop=self.loop, beacon=self.beacon)

    # What can be changed of aiokafka once there is one

    async def on_started(self) -> None:
        """Watch heartbeats and connections, pace the fetches, and read what is committed, once the consumer thread runs."""
        await super().on_started()
        self._watch_heartbeats()
        consumer = self._thread._ensure_consumer()
        watch_connections(consumer._client)
        read_batches(consumer._fetcher)
        note_asked(consumer._fetcher)
        gather_connections(consumer._client)
        consumer._fetcher._isolation_level = READ_COMMITTED
        self._pace_fetches(busy=True)

    def _pace_fetches(self, busy: bool) -> None:
        self._thread._ensure_consumer()._fetcher._fetch_max_wait_ms = FETCH_WAIT if busy else IDLE_WAIT

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
            stage = self._stages.get(tp.topic)
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
        return recovered and not any(tp.topic in self._stages for tp in self.assignment())

    def begin(self, starts: Mapping[Any, int]) -> None:
        """Let input flow from where it starts, by partition."""
        self.begins, self._starts, self._retried, self._under_way = dict(starts), dict(starts), {}, {}

    def _check_topics(self) -> None:
        """End the process where a topic is gone: Faust would go on without it, and nobody would read it when it is back."""
        cluster = self._thread._ensure_consumer()._client.cluster
        if missing := [topic for topic in self._stages if not cluster.partitions_for_topic(topic)]:
            die(Exit.UNAVAILABLE, f"topics are missing: {', '.join(missing)}")

    def _check_growth(self, assigned: set[Any]) -> None:
        """End the process when the input or its changelog has more partitions than at its start; the next start reads and awaits
        the new ones. Otherwise time would pass without them, and their events would be late; and Faust gives a partition and its
        changelog to one worker only where there are as many of both.
        """
        topic, stage = next(iter(self._stages.items()))
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
        self.begins, self._starts, self._seen, self._turns, self._under_way = {}, {}, {}, {}, {}
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
        busy = bool(records) or self._gathering.wait() is not None or any(map(self._is_burdened, self._under_way))
        self._pace_fetches(busy=busy)
        for tp in [tp for tp in records or () if tp.topic in self._stages]:
            if not records[tp]:
                continue
            want = self.begins.get(tp)
            first = records[tp][0].offset
            if want is None:
                records.pop(tp)
            elif first == want:
                self._retried.pop(tp, None)
            elif first < want or not self._natural(tp, want, first):
                self._check_end(tp, want)
                records.pop(tp)
                telemetry.refetch()
                await self.rewind(tp, want)
        return records, active

    async def _getmany(self, active_partitions: set[Any] | None, timeout: float) -> Any:  # noqa: ASYNC109  as Faust has it
        wait = self._gathering.wait()
        polled = await self._poll(active_partitions, timeout if wait is None else min(wait, timeout))
        enough = self.late() or self._retried  # a backlog, or a hole that was fetched again and so waited
        return self._gathering.through(polled, at_once=bool(enough))

    async def _poll(self, active: set[Any] | None, timeout: float) -> Any:  # noqa: ASYNC109  as Faust has it
        wanted = self._in_turn(active)
        burdened = {tp for tp in wanted or () if self._is_burdened(tp)}
        if not wanted or not burdened:
            return await super()._getmany(wanted, timeout)
        if free := wanted - burdened:
            return await super()._getmany(free, PAUSE)
        await asyncio.sleep(PAUSE)
        return {}

    def _is_burdened(self, tp: Any) -> bool:
        return self._under_way.get(tp, 0) >= UNDER_WAY and self._moves(tp)

    def _in_turn(self, active: set[Any] | None) -> set[Any] | None:
        """Return `active` without the input partitions that should wait now; all of it if nothing would be left.

        All input partitions wait while much waits before the second stage, here; those with a backlog while much waits before a
        later stage; else those with a backlog that are well ahead of another with a backlog.
        """
        first, *later = self._stages
        if active is None:
            return None
        late = self.late()
        if any(self._piles_up(topic, AHEAD) for topic in later[:1]):
            ahead = [tp for tp in self.begins if tp.topic == first]
        elif any(self._piles_up(topic, FURTHER * self._stages[topic].partitions) for topic in later[1:]):
            ahead = late
        else:
            ahead = self._ahead(late)
        held = {tp for tp in ahead if tp in active and not self._has_its_turn(tp)}
        return active - held or active

    def _ahead(self, late: list[Any]) -> list[Any]:
        """Return which of the `late` partitions are well ahead in event time of another with a backlog, here or elsewhere.

        How far other workers' partitions are is known from the second stage, which lags; beside those, ours count as far as it
        knows them to be.
        """
        if not late:
            return []  # it is asked with every poll
        first, *later = self._stages.values()
        reached = {tp: time for tp in late if (time := first.reached(tp.partition)) is not None}
        slowest = next((tp for tp in sorted(reached, key=reached.__getitem__) if self._moves(tp)), None)
        ahead = [] if slowest is None else _beyond(reached, reached[slowest])
        heard = later[0].heard() if later else {}
        ours = {tp.partition for tp in self.begins if self._stages[tp.topic] is first}
        others = {p: time for p, (offset, time) in heard.items() if p not in ours and self._changes(p, offset)}
        if others:
            known = {tp: heard[tp.partition][1] for tp in late if tp.partition in heard}
            ahead += _beyond(known, min(others.values()))
        return ahead

    def _piles_up(self, topic: str, most: int) -> bool:
        """Tell whether more than `most` messages wait in a partition of the topic that moves."""
        return any(tp.topic == topic and self.waiting(tp) > most and self._moves(tp) for tp in self.begins)

    def _has_its_turn(self, tp: Any) -> bool:
        now = monotonic()
        if now - self._turns.setdefault(tp, now) < TURN:
            return False
        self._turns[tp] = now
        return True

    def _moves(self, tp: Any) -> bool:
        """Tell whether a partition's next offset has changed lately."""
        return self._changes(tp, self._stages[tp.topic].next_offset(tp.partition))

    def _changes(self, what: Any, offset: int | None) -> bool:
        """Tell whether an offset, of whatever it is, has changed in the last STUCK seconds, as far as it was looked at."""
        now = monotonic()
        before, since, looked = self._seen.get(what, (None, now, now))
        if before != offset or now - looked > STUCK:
            since = now
        self._seen[what] = offset, since, now
        return now - since < STUCK

    def highwater(self, tp: Any) -> int:
        """Return the offset up to which a partition can be read: its end, or the beginning of the first open transaction."""
        end: int | None = self._thread._ensure_consumer().last_stable_offset(tp)
        return max(end or 0, 0)

    def late(self) -> list[Any]:
        """Return the partitions that the first stage reads and that have a backlog."""
        first = next(iter(self._stages))
        return [tp for tp in self.begins if tp.topic == first and self.waiting(tp) >= BACKLOG]

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
        done: int | None = self._stages[tp.topic].next_offset(tp.partition)
        return self._starts.get(tp, 0) if done is None else done

    def _asked(self, tp: Any) -> float:
        """Return when the request was sent whose answer last told a partition's length."""
        return getattr(self._state(tp), "asked", -inf)

    def _state(self, tp: Any) -> Any:
        """Return what aiokafka keeps of a partition, as long as it is assigned."""
        return self._thread._ensure_consumer()._subscription.subscription.assignment.state_value(tp)

    async def end_without_records(self, tp: Any) -> int | None:
        """Return the end of a partition where no record waits before it, only what transactions leave; None while one may.

        It is returned when for QUIET seconds, in which we were awake and Kafka answered, the consumer had read beyond it and
        all that it delivered was done; and for as long again after the same was fetched once more. Input goes on from there.
        Offsets without records that are added meanwhile come after that, so a producer that aborts again and again holds
        nothing up.
        """
        begin = self.begins.get(tp)
        done = begin == self.done(tp) and not self._gathering.holds(tp)
        if not (self.lag(tp) and self.waiting(tp)) or begin is None or not done:
            self._ends.pop(tp, None)
            return None
        now = monotonic()
        seen = self._ends.get(tp)
        if seen is None or seen.begin != begin:
            seen = self._ends[tp] = _End(begin, self.highwater(tp), now, now)
        elif now - seen.looked > STALE or self._position(tp) < seen.end:
            seen.since = now
        seen.looked = now
        if now - seen.since < QUIET:
            return None
        seen.since = now
        if not seen.again:
            seen.again = True
            await self.rewind(tp, begin)
            return None
        del self._ends[tp]
        self.begins[tp] = seen.end
        return seen.end

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

    def _natural(self, tp: Any, want: int, first: int) -> bool:
        """Tell whether the log itself has no records from `want` to `first`: each time it is fetched again, it begins there.

        Control records of transactional producers leave such holes, and so does retention.
        """
        known_want, known_first, count = self._retried.get(tp, (-1, -1, 0))
        count = count + 1 if (known_want, known_first) == (want, first) else 0
        self._retried[tp] = (want, first, count)
        if count < RETRIES:
            return False
        del self._retried[tp]
        if first - want > 1:
            log.warning(
                "offsets without records: a transaction was aborted, or retention was faster than we",
                topic=tp.topic,
                partition=tp.partition,
                begin=want,
                end=first,
            )
        return True

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[Any, Any]]:  # noqa: ASYNC109  as Faust has it
        """Yield messages, each with where it was fetched from."""
        async for tp, message in super().getmany(timeout):
            if tp.topic in self._stages:
                begin = self.begins.get(tp)
                if begin is None:
                    continue
                batch: Any = message.value
                message.value = batch._replace(begin=begin)
                self.begins[tp] = message.offset + 1
                self._under_way[tp] = self._under_way.get(tp, 0) + 1
            yield tp, message

    def taken(self, tp: Any, generation: int) -> None:
        """Note that a stage is done with a batch that was delivered in that generation."""
        if generation == self.app.consumer_generation_id and self._under_way.get(tp):
            self._under_way[tp] -= 1

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
            offset = self._stages[tp.topic].next_offset(tp.partition)
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

    # The lease

    def _watch_heartbeats(self) -> None:
        self._coordinator = coordinator = self._thread._ensure_consumer()._coordinator
        heartbeat = coordinator._do_heartbeat

        async def watched() -> Any:
            asked = monotonic()
            alive = await heartbeat()
            if alive:
                self._heartbeat_at = asked
            return alive

        coordinator._do_heartbeat = watched

    async def on_partitions_assigned(self, assigned: set[Any], generation_id: int = 0) -> None:
        """Begin a new lease: the group has just let us in."""
        self._heartbeat_at = monotonic()
        if self._coordinator is not None:
            seat.note(self._coordinator.member_id)
            self._check_growth(assigned)
        await super().on_partitions_assigned(assigned, generation_id)

    def silent(self) -> float:
        """Return the seconds since the last heartbeat was sent that was answered."""
        return monotonic() - self._heartbeat_at

    def check_lease(self) -> None:
        """End the process if the group may have given our partitions away: no heartbeat for a session's length."""
        silent = self.silent()
        if silent > self._lease:
            die(
                Exit.LEASE,
                f"no heartbeat was answered for {silent:.1f} s; another worker may own our partitions",
            )


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
        guard_sends(client, lambda: self.app.consumer.check_lease())
        gather_connections(client)
        watch_connections(client)


def _beyond(times: Mapping[Any, int], slowest: int) -> list[Any]:
    """Return what is too far ahead of the slowest."""
    return [what for what, time in times.items() if time > slowest + APART]


def guard_sends(client: Any, check: Callable[[], None]) -> None:
    """Let `client`, aiokafka's, call `check` before each request that writes records."""
    send = client.send

    async def guarded(node: int, request: Any, **more: Any) -> Any:
        if isinstance(request, ProduceRequest):
            crash_point("worker.sending")
            check()
        return await send(node, request, **more)

    client.send = guarded


def read_batches(of: Any) -> None:
    """Let `of`, aiokafka's fetcher, read records by `Batches`, which look at checksums themselves."""
    fetcher.MemoryRecords = Batches
    of._check_crcs = False


def note_asked(of: Any) -> None:
    """Let `of`, aiokafka's fetcher, note in each partition's state, as `asked`, when the request was sent that the state is the
    answer to; aiokafka notes only when it read the answer.
    """
    fetch = of._proc_fetch_request

    async def noting(assignment: Any, node: int, request: Any) -> Any:
        asked = monotonic()
        states = [
            assignment.state_value(TopicPartition(topic, one[0])) for topic, some in request.topics for one in some
        ]
        before = [(state, state.timestamp) for state in states if state is not None]
        done = await fetch(assignment, node, request)
        for state, timestamp in before:
            if state.timestamp != timestamp:
                state.asked = asked
        return done

    of._proc_fetch_request = noting


def gather_connections(client: Any) -> None:
    """Let `client`, aiokafka's, keep in pieces what it sends to brokers and what it gets from them."""
    connection_to = client._get_conn

    async def gathering(*where: Any, **more: Any) -> Any:
        connection = await connection_to(*where, **more)
        if connection is not None and connection.connected():
            gather(connection)
        return connection

    client._get_conn = gathering


def watch_connections(client: Any) -> None:
    """Let `client`, aiokafka's, count the connections to brokers that it did not close itself."""
    closed = client._on_connection_closed

    def counted(connection: Any, reason: CloseReason | None) -> None:
        if reason in (CloseReason.CONNECTION_BROKEN, CloseReason.CONNECTION_TIMEOUT):
            telemetry.disconnect()
        closed(connection, reason)

    client._on_connection_closed = counted
    for connection in client._conns.values():
        connection._on_close_cb = counted


class GuardedTransport(driver.Transport):
    """Faust's aiokafka transport with the guarded consumer and producer."""

    Consumer = GuardedConsumer
    Producer = GuardedProducer
