"""Accept: the one place where it is decided, once for each id, whether an event counts.

All claims for an id meet in one partition, whichever partition of the input they came on. The first is accepted; what
follows within the horizon is a duplicate. An undo is accepted like any event, and an order goes to the place of the
event it takes back, where it is carried out, or waits if the event has not come yet. Where it takes effect a row of
`retractions` says so, for those who ask for events in SQL: which undo is near enough is decided here and nowhere else.

How ids and orders are remembered, so that a replay after a crash is not a duplicate of itself, is said in `memory`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter, itemgetter
from typing import Any, Final

import msgspec

from infra import telemetry
from infra.clock import wall
from schemas.decode import Reason, Rejected
from schemas.fact import UNDO, Brief
from schemas.rows import TABLES
from schemas.rows.retractions import RECALLED, TOLD
from schemas.wire import (
    UNHEARD,
    Claim,
    Decoded,
    Erasure,
    Order,
    Routed,
    decode_brief,
    decode_decoded,
    decode_fact,
    encode,
    raw_fact,
)
from streams.agents.erasure import claim_without, marks_in, named, without
from streams.agents.ingest import dead_letter
from streams.agents.memory import Memory, Retraction, Undo
from streams.agents.routing import MAX_MESSAGE, fitting, partition_of, row_headers, rows_sends, versioned_sends
from streams.engine.outbox import Send
from streams.engine.stage import Effects
from streams.engine.store import State
from streams.names import Names
from streams.runs import runs
from streams.subject import MINUTE, Subject

RAW: Final = TABLES["events"].names.index("raw")
FAR: Final = 1 << 62
PAST: Final = 500
"""Least distance (ms) between two remembered (append time, watermark) points of a source."""
MAX_PAST: Final = 64
"""Most such points; beyond it every other one is dropped, which only delays the floor."""
WAITED: Final = 2_000
"""Milliseconds. A source whose records wait for so long before ingest has a backlog."""
_LAGS: Final = 16
"""Of each batch this many event lags are observed, evenly spread."""

_Item = tuple[int, tuple[str, ...], msgspec.Raw]
"""What is routed: the offset that caused it, keys of one partition, and the fact, encoded."""


@dataclass(slots=True)
class _Clock:
    """How far a source has come: a partition of the input, or another accept partition."""

    seen: int = 0
    time: int = UNHEARD
    watermark: int = UNHEARD
    appended: int = 0
    """When Kafka appended the newest of its records that reached us; ms of Kafka's clock."""
    silent: int = 0
    """Kafka's time up to which it is known to have had nothing further; 0 if it spoke since."""
    past: list[tuple[int, int]] = field(default_factory=list)
    """Earlier (`appended`, `watermark`), at least PAST ms apart, as far back as silent sources ask."""
    waited: int = 0
    """How long the newest of its records waited before ingest, ms."""

    def say(self, appended: int, watermark: int) -> None:
        """Note how far the source had come when Kafka had its newest record."""
        self.silent = 0
        self._reach(appended, watermark)

    def rest(self, until: int, watermark: int, limit: int) -> None:
        """Note that the source had nothing further up to `until`; of that, moments after `limit` do not count."""
        self.silent = min(max(self.silent, until), limit)
        if watermark > self.watermark:  # by a record that sent us nothing, so we do not know when it was appended
            self._reach(self.silent, watermark)

    def _reach(self, appended: int, watermark: int) -> None:
        self.appended = max(self.appended, appended)
        if watermark != UNHEARD:
            self.watermark = watermark = max(self.watermark, watermark)
            if not self.past or self.appended >= self.past[-1][0] + PAST:
                self.past.append((self.appended, watermark))

    def watermark_at(self, moment: int) -> int:
        """Return a watermark that the source had reached by a moment of Kafka's time, and forget earlier points."""
        while len(self.past) > 1 and self.past[1][0] <= moment:
            del self.past[0]
        if len(self.past) > MAX_PAST:
            del self.past[1::2]
        if self.appended <= moment:
            return self.watermark
        return self.past[0][1] if self.past and self.past[0][0] <= moment else UNHEARD


@dataclass(slots=True)
class _Partition:
    """What is known of one accept partition."""

    memory: Memory
    clocks: dict[int, _Clock] = field(default_factory=dict)
    floor: int = UNHEARD
    """No event with an earlier time is accepted any more."""
    settled: int = UNHEARD
    """No order for an earlier time will come either."""
    time: int = UNHEARD
    outcomes: dict[tuple[int, str], int] = field(default_factory=dict)
    erased: set[bytes] = field(default_factory=set)
    """Fingerprints of accounts that are kept out."""
    recalled: list[tuple[Any, ...]] = field(default_factory=list)
    """Rows of what was taken back under a version that did not say so; they go with the first batch."""
    told_across: int = UNHEARD
    told_onward: tuple[int, int] = (UNHEARD, UNHEARD)
    """What was last told: the floor to the other accept partitions; time and settled to accumulate."""

    @property
    def sources(self) -> list[_Clock]:
        """Return the clocks of the input's partitions, not those of the other accept partitions."""
        return [clock for source, clock in self.clocks.items() if source >= 0]

    def count(self, source: int, outcome: str, number: int = 1) -> None:
        """Count what became of claims from a source."""
        if number:
            key = source, str(outcome)
            self.outcomes[key] = self.outcomes.get(key, 0) + number


class Accept:
    """The body of the second stage."""

    def __init__(
        self, *, names: Names, sources: int, partitions: int, horizon: int, idle: int, subjects: Sequence[Subject[Any]]
    ) -> None:
        """`horizon` (ms): how far apart duplicates, or an undo and its event, may be. `idle` (ms): a source counts as silent
        only up to this long before the message that says so.
        """
        self.names, self.sources, self.partitions, self.horizon = names, sources, partitions, horizon
        self.idle_after = idle
        self._ways = [(subject, subject.code, subject.keys, subject.home) for subject in subjects]
        """Looked up once: every event asks all of them."""
        brief = all(subject.brief for subject in subjects)
        self._read: Callable[[msgspec.Raw], Any] = decode_brief if brief else decode_fact
        """Decodes what of a fact decides where it goes; the fact itself is passed on as it came."""
        self.held: dict[int, _Partition] = {}

    def forget(self) -> None:
        """Drop what is remembered of all partitions."""
        self.held.clear()

    def restore(self, partition: int, entries: State, offset: int, kept: bytes) -> None:
        """Remember what was decided before `offset`."""
        here = self.held[partition] = _Partition(Memory(entries, self.horizon))
        if kept:
            clocks, here.floor, here.settled, here.time, outcomes, *since = msgspec.msgpack.decode(kept)
            here.erased = {bytes(each) for each in since[0]} if since else set()
            here.clocks = {source: _Clock(*clock) for source, *clock in clocks}
            here.outcomes = {(source, outcome): count for source, outcome, count in outcomes}
        for source in range(self.sources):
            here.clocks.setdefault(source, _Clock())
        for other in range(self.partitions):
            here.clocks.setdefault(-1 - other, _Clock())
        here.memory.restore(offset, here.settled)
        if kept and len(since) < 2:  # by a version that said nothing of what it took back
            here.recalled = [_retraction(one, RECALLED) for one in here.memory.recall()]

    def heard(self) -> dict[int, tuple[int, int]]:
        """Return, for each source with a backlog, the offset and event time (ms) it had reached when we last heard of it."""
        found: dict[int, tuple[int, int]] = {}
        for here in self.held.values():
            for source, clock in here.clocks.items():
                if source >= 0 and clock.waited >= WAITED and not clock.silent:
                    found[source] = max(found.get(source, (0, 0)), (clock.seen, clock.time))
        return found

    def process(self, partition: int, records: Sequence[Any], behind: bool) -> Effects:
        """Return events' rows, routed facts and orders for the claims in `records`."""
        here = self.held[partition]
        effects = Effects()
        memory, settled_before, decided_before = here.memory, here.settled, sum(here.outcomes.values())
        routed: list[list[_Item]] = [[] for _ in range(self.partitions)]
        orders: list[list[Order]] = [[] for _ in range(self.partitions)]
        rows: list[bytes] = []
        retractions, here.recalled = here.recalled, []
        erasures: list[tuple[int, tuple[Erasure, ...]]] = []
        appended = 0
        times: list[int] = []
        now = wall()
        for record in records:
            offset = record.offset
            message: Decoded = decode_decoded(record.value)
            if message.erasures:
                for erasure in message.erasures:
                    self._erase(here, erasure)
                if onward := tuple(each for each in message.erasures if each.account and not each.lifted):
                    erasures.append((offset, onward))
                continue
            clock = here.clocks.setdefault(message.source, _Clock())
            accepted = len(rows)
            for claim in message.claims:
                if claim.offset < clock.seen:
                    continue
                if here.erased and any(gone := named(claim, here.erased)):
                    claim = claim_without(claim, gone)
                fact = self._read(claim.fact)
                if claim.behind or fact.time < here.floor or memory.duplicate(fact, 0):
                    self._refuse(here, message.source, claim, fact, effects)
                    continue
                rows.append(claim.row)
                times.append(fact.time)
                if claim.appended < appended or not appended:
                    appended = claim.appended
                if fact.kind == UNDO:
                    target = partition_of(claim.undo_of, self.partitions)
                    orders[target].append(Order(offset, fact.time, claim.undo_of, fact.id))
                if (retraction := memory.accept(offset, fact, claim.fact)) is None:
                    self._route(routed, offset, fact, claim.fact)
                else:
                    retractions.append(_retraction(retraction, offset + TOLD))
            here.count(message.source, "accepted", len(rows) - accepted)
            for order in message.orders:
                if order.offset >= clock.seen:
                    carried = memory.order(offset, Undo(order.time, order.undo), order.undo_of)
                    telemetry.undo(carried.outcome)
                    retractions.extend(_retraction(told, offset + TOLD) for told in carried.told)
                    for fact in carried.undone:
                        self._route(routed, offset, fact, raw_fact(msgspec.structs.replace(fact, sign=-1)))
            clock.seen = max(clock.seen, message.end)
            clock.time = max(clock.time, message.time)
            if message.silent:
                if message.begin >= clock.seen:  # else it has spoken since: said late, by its former worker
                    clock.rest(message.appended, message.watermark, record.timestamp - self.idle_after)
            else:
                clock.say(message.appended, message.watermark)
                clock.waited = record.timestamp - message.appended
            self._advance(here)
        effects.writes = memory.flush(settled_before)
        begin, end = records[0].offset, records[-1].offset + 1
        self._send(effects, partition, here, begin, end, routed, orders)
        for at, onward in erasures:  # behind the last facts that have the names
            told = encode(Routed(partition, at, at + 1, UNHEARD, UNHEARD, (), onward))
            effects.sends.extend(Send(self.names.routed, target, None, told) for target in range(self.partitions))
        if rows:
            for run in runs(rows, lambda row: len(row) + 1, MAX_MESSAGE):  # and a comma
                headers = row_headers("events", len(run), appended)
                effects.sends.append(Send(self.names.rows, partition, b"events", b",".join(run), headers))
        if retractions:
            effects.sends.extend(versioned_sends(self.names.rows, partition, "retractions", retractions))
        if sum(here.outcomes.values()) > decided_before:  # an idle worker says nothing
            outcomes = [("accept", partition, s, outcome, n) for (s, outcome), n in here.outcomes.items()]
            effects.sends.extend(rows_sends(self.names.rows, partition, "outcomes", outcomes, end))
        effects.kept = self._kept(here)
        telemetry.accepted(len(rows), [now - time / 1000 for time in times[:: max(1, len(times) // _LAGS)]])
        telemetry.state_keys("ids", sum(len(p.memory) for p in self.held.values()))
        return effects

    def rests(self, partition: int) -> bool:
        """Return True: time passes here only with messages."""
        return True

    def idle(self, partition: int, caught_up: float | None, offset: int, behind: bool) -> Effects | None:
        """Do nothing."""
        return None

    def _refuse(self, here: _Partition, source: int, claim: Claim, fact: Brief, effects: Effects) -> None:
        """Say why a claim that is late or known does not count: it is a duplicate if its id counts already."""
        if here.memory.duplicate(fact, claim.behind):
            here.count(source, "duplicate")
            telemetry.duplicates(1)
            return
        here.count(source, Reason.LATE)
        telemetry.dead_letter(Reason.LATE)
        if claim.behind:
            why = f"{claim.behind / 1000:.0f} s behind the newest event before it in its partition"
        else:  # its partition was silent for so long that the others did not wait for it, or added, or JUICE_LATENESS was less
            why = f"{(here.floor - fact.time) / 1000:.0f} s behind the other partitions, which did not wait for its own"
        raw = msgspec.json.decode(claim.row)[RAW].encode()
        letter = dead_letter(self.names, Rejected(Reason.LATE, why), source, claim.offset, raw, claim.appended)
        effects.sends.append(letter)

    @staticmethod
    def _erase(here: _Partition, erasure: Erasure) -> None:
        """Keep an account out from here on (or let it in again), and take its name out of what may still be undone."""
        marks = marks_in(erasure)
        if erasure.lifted:
            here.erased -= marks
            return
        here.erased |= marks
        if erasure.account:
            gone = frozenset((erasure.account,))
            here.memory.rewrite(erasure.account.encode(), lambda fact: without(fact, gone))

    def _route(self, routed: list[list[_Item]], offset: int, fact: Any, raw: msgspec.Raw) -> None:
        """Add `raw`, which is `fact` encoded, for every partition in which one of its subjects lives."""
        by_partition: dict[int, list[str]] = {}
        erased, partitions = not fact.actor, self.partitions
        for subject, code, keys_of, home in self._ways:
            if erased and subject.ruled:
                continue  # who is erased does not compete
            for key in keys_of(fact):
                if erased and subject.about(key, ""):
                    continue
                partition = partition_of(home(key), partitions)
                keys = by_partition.get(partition)
                if keys is None:
                    by_partition[partition] = [code + key]
                else:
                    keys.append(code + key)
        for partition, keys in by_partition.items():
            routed[partition].append((offset, tuple(keys), raw))

    def _advance(self, here: _Partition) -> None:
        """Let time pass: the slowest source decides.

        A caught-up silent source reports every few seconds the Kafka time up to which it had nothing. The floor then uses the
        watermarks that the other sources had at that time, so it holds them back by no more than that; and when all wake at
        once, the first to be read does not make the others late. Where all are silent, the one furthest ahead decides.
        """
        sources = here.sources
        known = min((clock.silent for clock in sources if clock.silent), default=FAR)
        speaking = [clock.watermark_at(known) for clock in sources if not clock.silent]
        floor = min(speaking) if speaking else max(clock.watermark_at(known) for clock in sources)
        here.floor = max(here.floor, floor)
        here.time = max(here.time, *(clock.time for clock in here.clocks.values()))
        settled = min(clock.watermark for source, clock in here.clocks.items() if source < 0)
        here.settled = max(here.settled, min(settled, here.floor))
        here.memory.forget(here.settled)

    def _send(
        self,
        effects: Effects,
        partition: int,
        here: _Partition,
        begin: int,
        end: int,
        routed: list[list[_Item]],
        orders: list[list[Order]],
    ) -> None:
        """Send facts to accumulate and orders to the other accept partitions, and to all a tick when a minute of event time has
        passed. Once all sources have been silent for a minute, ticks tell the rest of a minute too: otherwise how far everybody
        comes in the end would depend on how batches were cut.
        """
        sources = here.sources
        rested = min(clock.silent for clock in sources) >= max(clock.appended for clock in sources) + MINUTE
        step = 1 if rested else MINUTE
        passed_across = here.floor // step != here.told_across // step
        onward = here.time, here.settled
        passed_onward = any(now // step != told // step for now, told in zip(onward, here.told_onward, strict=True))
        if passed_across:
            here.told_across = here.floor
        if passed_onward:
            here.told_onward = onward
        floor = here.settled - self.horizon

        def across_message(some: Sequence[Order], begin: int, end: int, last: bool) -> bytes:
            promise = here.floor if last else UNHEARD
            return encode(Decoded(-1 - partition, begin, end, UNHEARD, promise, (), tuple(some)))

        def onward_message(some: Sequence[_Item], begin: int, end: int, last: bool) -> bytes:
            promises = (here.time, floor) if last else (UNHEARD, UNHEARD)
            return encode(Routed(partition, begin, end, *promises, tuple(some)))

        for target in range(self.partitions):
            if orders[target] or passed_across:
                for value in fitting(orders[target], attrgetter("offset"), across_message, begin, end):
                    effects.sends.append(Send(self.names.decoded, target, None, value))
            if routed[target] or passed_onward:
                for value in fitting(routed[target], itemgetter(0), onward_message, begin, end):
                    effects.sends.append(Send(self.names.routed, target, None, value))

    @staticmethod
    def _kept(here: _Partition) -> bytes:
        clocks = [(s, c.seen, c.time, c.watermark, c.appended, c.silent, c.past) for s, c in here.clocks.items()]
        outcomes = [(source, outcome, count) for (source, outcome), count in here.outcomes.items()]
        erased, told = sorted(here.erased), True  # that what is taken back is said, as older versions did not
        return msgspec.msgpack.encode((clocks, here.floor, here.settled, here.time, outcomes, erased, told))


def _retraction(one: Retraction, version: int) -> tuple[Any, ...]:
    return one.id, one.time, one.by.id, one.by.time, version
