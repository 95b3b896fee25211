"""Accept: the one place where it is decided, once for each id, whether an event counts.

All claims for an id meet in one partition, whichever partition of the input they came on. The first is accepted; what
follows within the horizon is a duplicate. An undo is accepted like any event, and an order goes to the place of the
event it takes back, where it is carried out, or waits if the event has not come yet. Where it takes effect a row of
`retractions` says so, for those who ask for events in SQL: which undo is near enough is decided here and nowhere else.

How ids and orders are remembered, so that a replay after a crash is not a duplicate of itself, is said in `memory`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
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
from streams.agents.clocks import Clock, Clocks
from streams.agents.erasure import claim_without, marks_in, named, without
from streams.agents.ingest import dead_letter
from streams.agents.memory import Memory, Retraction, Undo
from streams.agents.routing import MAX_MESSAGE, fitting, partition_of, row_headers, rows_sends, versioned_sends
from streams.engine.outbox import Send
from streams.engine.stage import Effects
from streams.engine.store import State
from streams.names import Names
from streams.runs import runs
from streams.subject import Subject

RAW: Final = TABLES["events"].names.index("raw")
_LAGS: Final = 16
"""Of each batch this many event lags are observed, evenly spread."""

_Item = tuple[int, tuple[str, ...], msgspec.Raw]
"""What is routed: the offset that caused it, keys of one partition, and the fact, encoded."""


@dataclass(slots=True)
class _Partition:
    """What is known of one accept partition."""

    memory: Memory
    clocks: Clocks
    outcomes: dict[tuple[int, str], int] = field(default_factory=dict)
    erased: set[bytes] = field(default_factory=set)
    """Fingerprints of accounts that are kept out."""
    recalled: list[tuple[Any, ...]] = field(default_factory=list)
    """Rows of what was taken back under a version that did not say so; they go with the first batch."""

    @property
    def decided(self) -> int:
        """Return of how many claims it was decided."""
        return sum(self.outcomes.values())

    def count(self, source: int, outcome: str, number: int = 1) -> None:
        """Count what became of claims from a source."""
        if number:
            key = source, str(outcome)
            self.outcomes[key] = self.outcomes.get(key, 0) + number


class _Batch:
    """What a batch comes to, until it becomes effects."""

    def __init__(self, partitions: int, recalled: list[tuple[Any, ...]]) -> None:
        self.routed: list[list[_Item]] = [[] for _ in range(partitions)]
        self.orders: list[list[Order]] = [[] for _ in range(partitions)]
        self.rows: list[bytes] = []
        self.times: list[int] = []
        """Event times of these."""
        self.appended = 0
        """When Kafka had the oldest of them."""
        self.retractions = recalled
        self.letters: list[Send] = []
        self.erasures: list[tuple[int, tuple[Erasure, ...]]] = []
        """Those to be sent on, by the offset that brought them."""

    def accept(self, claim: Claim, time: int) -> None:
        """Add the row of an event that counts."""
        self.rows.append(claim.row)
        self.times.append(time)
        if claim.appended < self.appended or not self.appended:
            self.appended = claim.appended


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
        here = self.held[partition] = _Partition(Memory(entries, self.horizon), Clocks(self.sources, self.partitions))
        if kept:
            clocks, floor, settled, time, outcomes, *since = msgspec.msgpack.decode(kept)
            here.erased = {bytes(each) for each in since[0]} if since else set()
            here.clocks.restore(clocks, floor, settled, time)
            here.outcomes = {(source, outcome): count for source, outcome, count in outcomes}
        here.memory.restore(offset, here.clocks.settled)
        if kept and len(since) < 2:  # by a version that said nothing of what it took back
            here.recalled = [_retraction(one, RECALLED) for one in here.memory.recall()]

    def heard(self) -> dict[int, tuple[int, int]]:
        """Return, for each source with a backlog, the offset and event time (ms) it had reached when we last heard of it."""
        found: dict[int, tuple[int, int]] = {}
        for here in self.held.values():
            for source, reached in here.clocks.heard().items():
                found[source] = max(found.get(source, (0, 0)), reached)
        return found

    def process(self, partition: int, records: Sequence[Any], behind: bool) -> Effects:
        """Return events' rows, routed facts and orders for the claims in `records`."""
        here = self.held[partition]
        clocks, memory = here.clocks, here.memory
        settled, decided = clocks.settled, here.decided
        batch, here.recalled = _Batch(self.partitions, here.recalled), []
        for record in records:
            message: Decoded = decode_decoded(record.value)
            if message.erasures:
                self._take_erasures(here, batch, record.offset, message.erasures)
                continue
            clock = clocks.of.setdefault(message.source, Clock())
            self._take_claims(here, batch, record.offset, message, clock.seen)
            self._take_orders(here, batch, record.offset, message.orders, clock.seen)
            clock.hear(message, record.timestamp, self.idle_after)
            clocks.advance()
            memory.forget(clocks.settled)
        begin, end = records[0].offset, records[-1].offset + 1
        sends = [*batch.letters, *self._told(partition, here, batch, begin, end), *self._said(partition, batch)]
        if here.decided > decided:  # an idle worker says nothing
            outcomes = [("accept", partition, s, outcome, n) for (s, outcome), n in here.outcomes.items()]
            sends.extend(rows_sends(self.names.rows, partition, "outcomes", outcomes, end))
        now, times = wall(), batch.times
        telemetry.accepted(len(times), [now - time / 1000 for time in times[:: max(1, len(times) // _LAGS)]])
        telemetry.state_keys("ids", sum(len(p.memory) for p in self.held.values()))
        return Effects(sends, memory.flush(settled), self._kept(here))

    def rests(self, partition: int) -> bool:
        """Return True: time passes here only with messages."""
        return True

    def idle(self, partition: int, caught_up: float | None, offset: int, behind: bool) -> Effects | None:
        """Do nothing."""
        return None

    def _take_claims(self, here: _Partition, batch: _Batch, offset: int, message: Decoded, seen: int) -> None:
        """Decide of the claims that were not seen."""
        memory, floor, read, before = here.memory, here.clocks.floor, self._read, len(batch.rows)
        for claim in message.claims:
            if claim.offset < seen:
                continue
            if here.erased and any(gone := named(claim, here.erased)):
                claim = claim_without(claim, gone)
            fact = read(claim.fact)
            if claim.behind or fact.time < floor or memory.duplicate(fact, 0):
                self._refuse(here, batch, message.source, claim, fact)
                continue
            batch.accept(claim, fact.time)
            if fact.kind == UNDO:
                target = partition_of(claim.undo_of, self.partitions)
                batch.orders[target].append(Order(offset, fact.time, claim.undo_of, fact.id))
            if (retraction := memory.accept(offset, fact, claim.fact)) is None:
                self._route(batch.routed, offset, fact, claim.fact)
            else:
                batch.retractions.append(_retraction(retraction, offset + TOLD))
        here.count(message.source, "accepted", len(batch.rows) - before)

    def _refuse(self, here: _Partition, batch: _Batch, source: int, claim: Claim, fact: Brief) -> None:
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
            behind = here.clocks.floor - fact.time
            why = f"{behind / 1000:.0f} s behind the other partitions, which did not wait for its own"
        raw = msgspec.json.decode(claim.row)[RAW].encode()
        letter = dead_letter(self.names, Rejected(Reason.LATE, why), source, claim.offset, raw, claim.appended)
        batch.letters.append(letter)

    def _take_orders(self, here: _Partition, batch: _Batch, offset: int, orders: Iterable[Order], seen: int) -> None:
        """Carry out the orders that were not seen, or let them wait."""
        told: dict[tuple[int, str], Retraction] = {}  # each event once, since rows of one version say one thing
        for order in orders:
            if order.offset >= seen:
                carried = here.memory.order(offset, Undo(order.time, order.undo), order.undo_of)
                telemetry.undo(carried.outcome)
                told |= {(one.time, one.id): one for one in carried.told}
                for fact in carried.undone:
                    self._route(batch.routed, offset, fact, raw_fact(msgspec.structs.replace(fact, sign=-1)))
        batch.retractions.extend(_retraction(one, offset + TOLD) for one in told.values())

    def _take_erasures(self, here: _Partition, batch: _Batch, offset: int, erasures: Iterable[Erasure]) -> None:
        """Erase, and have it sent on."""
        for erasure in erasures:
            self._erase(here, erasure)
        if onward := tuple(each for each in erasures if each.account and not each.lifted):
            batch.erasures.append((offset, onward))

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

    def _told(self, partition: int, here: _Partition, batch: _Batch, begin: int, end: int) -> Iterator[Send]:
        """Yield facts to accumulate and orders to the other accept partitions, and how far we are when time has passed."""
        clocks = here.clocks
        across, onward = clocks.passed()
        floor = clocks.settled - self.horizon

        def across_message(some: Sequence[Order], begin: int, end: int, last: bool) -> bytes:
            promise = clocks.floor if last else UNHEARD
            return encode(Decoded(-1 - partition, begin, end, UNHEARD, promise, (), tuple(some)))

        def onward_message(some: Sequence[_Item], begin: int, end: int, last: bool) -> bytes:
            promises = (clocks.time, floor) if last else (UNHEARD, UNHEARD)
            return encode(Routed(partition, begin, end, *promises, tuple(some)))

        for target in range(self.partitions):
            if batch.orders[target] or across:
                for value in fitting(batch.orders[target], attrgetter("offset"), across_message, begin, end):
                    yield Send(self.names.decoded, target, None, value)
            if batch.routed[target] or onward:
                for value in fitting(batch.routed[target], itemgetter(0), onward_message, begin, end):
                    yield Send(self.names.routed, target, None, value)
        for at, erasures in batch.erasures:  # behind the last facts that have the names
            told = encode(Routed(partition, at, at + 1, UNHEARD, UNHEARD, (), erasures))
            for target in range(self.partitions):
                yield Send(self.names.routed, target, None, told)

    def _said(self, partition: int, batch: _Batch) -> Iterator[Send]:
        """Yield the rows of what was accepted, and of what was taken back."""
        for run in runs(batch.rows, lambda row: len(row) + 1, MAX_MESSAGE):  # and a comma
            headers = row_headers("events", len(run), batch.appended)
            yield Send(self.names.rows, partition, b"events", b",".join(run), headers)
        if batch.retractions:
            yield from versioned_sends(self.names.rows, partition, "retractions", batch.retractions)

    @staticmethod
    def _kept(here: _Partition) -> bytes:
        outcomes = [(source, outcome, count) for (source, outcome), count in here.outcomes.items()]
        erased, told = sorted(here.erased), True  # that what is taken back is said, as older versions did not
        return msgspec.msgpack.encode((*here.clocks.kept, outcomes, erased, told))


def _retraction(one: Retraction, version: int) -> tuple[Any, ...]:
    return one.id, one.time, one.by.id, one.by.time, version
