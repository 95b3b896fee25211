"""Accept: the one place where it is decided, once for each id, whether an event counts.

All claims for an id meet in one partition, whichever partition of the input they came on. The first is accepted; what
follows within the horizon is a duplicate. An undo is accepted like any event, and an order goes to the place of the
event it takes back, where it is carried out, or waits if the event has not come yet.

State is a log of segments, one record for each batch: what was accepted and which orders came, by offset. From them
the index of ids is built after a rebalance. An entry beyond the progress record belongs to a batch that will be
repeated and is passed over, so a replay after a crash is not a duplicate of itself. A segment is dropped when every
event in it is older than any duplicate or undo that may still come: `horizon` below the floor.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from struct import Struct
from typing import Any, Final

import msgspec

from infra import telemetry
from infra.clock import wall
from schemas.decode import Reason, Rejected
from schemas.fact import UNDO, Fact
from schemas.rows import TABLES
from schemas.wire import UNHEARD, Claim, Decoded, Order, Routed, decode_decoded, encode
from streams.agents.ingest import dead_letter
from streams.agents.routing import partition_of, row_headers, rows_send
from streams.engine.outbox import Send
from streams.engine.progress import FENCE, PROGRESS
from streams.engine.stage import Effects
from streams.names import Names
from streams.subject import MINUTE, Subject

_SEGMENT: Final = Struct(">cq")
"""Key of a segment: `s` and the offset of its first entry."""
RAW: Final = TABLES["events"].names.index("raw")
FAR: Final = 1 << 62
_LAGS: Final = 16
"""Of each batch this many event lags are observed, evenly spread."""


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An accepted fact, or an order to take back the event `undo_of` (then `fact` is None)."""

    offset: int
    time: int
    fact: Fact | None = None
    undo_of: str = ""


_entries = msgspec.msgpack.Decoder(tuple[Entry, ...]).decode


@dataclass(slots=True, eq=False)
class _Segment:
    """A segment in memory: where it is kept, the newest time in it, and what it holds in the indexes."""

    key: bytes
    newest: int
    ids: list[str]
    orders: list[str]


@dataclass(slots=True)
class _Clock:
    """How far a source is."""

    seen: int = 0
    time: int = UNHEARD
    watermark: int = UNHEARD
    appended: int = 0
    """When Kafka had the newest of its records, as far as we have them; wall clock, ms."""
    silent: int = 0
    """Up to when it is known to have had no more than that; 0 if it spoke since."""


@dataclass(slots=True)
class _Partition:
    """What is known of one accept partition."""

    entries: dict[bytes, bytes]
    clocks: dict[int, _Clock] = field(default_factory=dict)
    floor: int = UNHEARD
    """No event with an earlier time is accepted any more."""
    settled: int = UNHEARD
    """No order for an earlier time will come either."""
    time: int = UNHEARD
    outcomes: dict[tuple[int, str], int] = field(default_factory=dict)
    segments: deque[_Segment] = field(default_factory=deque)
    known: dict[str, _Segment | None] = field(default_factory=dict)
    """Ids accepted within the horizon; None while their segment is not written yet."""
    undone: set[str] = field(default_factory=set)
    waiting: dict[str, list[int]] = field(default_factory=dict)
    """Times of the orders for an id, carried out or not."""
    told_across: int = -1
    told_onward: tuple[int, int] = (-1, -1)
    """Minutes of what was last told: the floor to the other accept partitions; time and settled to accumulate."""


class Accept:
    """The body of the second stage."""

    def __init__(
        self, *, names: Names, sources: int, partitions: int, horizon: int, subjects: Sequence[Subject[Any]]
    ) -> None:
        self.names, self.sources, self.partitions, self.horizon = names, sources, partitions, horizon
        self.subjects = subjects
        self.held: dict[int, _Partition] = {}

    def forget(self) -> None:
        """Drop all indexes."""
        self.held.clear()

    def restore(self, partition: int, entries: dict[bytes, bytes], offset: int, kept: bytes) -> None:
        """Build the index of ids from the segments."""
        here = self.held[partition] = _Partition(entries)
        if kept:
            clocks, here.floor, here.settled, here.time, outcomes = msgspec.msgpack.decode(kept)
            here.clocks = {source: _Clock(*clock) for source, *clock in clocks}
            here.outcomes = {(source, outcome): count for source, outcome, count in outcomes}
        for source in range(self.sources):
            here.clocks.setdefault(source, _Clock())
        for other in range(self.partitions):
            here.clocks.setdefault(-1 - other, _Clock())
        times: dict[str, int] = {}
        for key in sorted(key for key in entries if key != PROGRESS):
            found = [e for e in _entries(entries[key][FENCE.size :]) if e.offset < offset]
            self._index(here, key, found)
            for entry in found:
                if entry.fact is None:
                    self._order(here, entry.undo_of, entry.time)
                    made = times.get(entry.undo_of)
                    if made is not None and abs(made - entry.time) <= self.horizon:
                        here.undone.add(entry.undo_of)
                else:
                    if entry.fact.kind != UNDO:
                        times[entry.fact.id] = entry.time
                    if self._undone_before(here, entry.fact):
                        here.undone.add(entry.fact.id)

    def process(self, partition: int, records: Sequence[Any], behind: bool) -> Effects:
        """Return events' rows, routed facts and orders for the claims in `records`."""
        here = self.held[partition]
        effects = Effects()
        entries: list[Entry] = []
        routed: list[list[tuple[int, tuple[str, ...], Fact]]] = [[] for _ in range(self.partitions)]
        orders: list[list[Order]] = [[] for _ in range(self.partitions)]
        rows: list[bytes] = []
        appended = 0
        lags: list[float] = []
        now = wall()
        for record in records:
            offset = record.offset
            message: Decoded = decode_decoded(record.value)
            clock = here.clocks.setdefault(message.source, _Clock())
            for claim in message.claims:
                if claim.offset < clock.seen:
                    continue
                if self._judge(here, message.source, claim, effects):
                    rows.append(claim.row)
                    appended = min(appended or claim.appended, claim.appended)
                    lags.append(now - claim.fact.time / 1000)
                    fact = claim.fact
                    entries.append(Entry(offset, fact.time, fact))
                    here.known[fact.id] = None
                    if fact.kind == UNDO:
                        target = partition_of(claim.undo_of, self.partitions)
                        orders[target].append(Order(offset, fact.time, claim.undo_of))
                    if self._undone_before(here, fact):
                        here.undone.add(fact.id)
                    else:
                        self._route(routed, offset, fact)
            for order in message.orders:
                if order.offset >= clock.seen:
                    entries.append(Entry(offset, order.time, None, order.undo_of))
                    if (fact_undone := self._carry_out(here, order, entries)) is not None:
                        self._route(routed, offset, fact_undone)
            clock.seen = max(clock.seen, message.end)
            clock.time = max(clock.time, message.time)
            if message.silent:
                clock.silent = message.appended
            else:
                clock.appended, clock.silent = max(clock.appended, message.appended), 0
            if message.watermark != UNHEARD:
                clock.watermark = message.watermark
            self._advance(here)
        self._write_segment(here, effects, entries)
        begin, end = records[0].offset, records[-1].offset + 1
        self._send(effects, partition, here, begin, end, routed, orders)
        if rows:
            where = self.names.rows, partition, b"events", b",".join(rows)
            effects.sends.append(Send(*where, row_headers("events", len(rows), appended)))
        outcomes = [("accept", partition, s, outcome, n) for (s, outcome), n in here.outcomes.items()]
        if outcomes:
            effects.sends.append(rows_send(self.names.rows, partition, "outcomes", outcomes, end))
        effects.kept = self._kept(here)
        telemetry.accepted(len(rows), lags[:: max(1, len(lags) // _LAGS)])
        telemetry.state_keys("ids", sum(len(p.known) for p in self.held.values()))
        return effects

    def idle(self, partition: int, lag: int, offset: int, behind: bool) -> Effects | None:
        """Do nothing: time passes here only with messages."""
        return None

    def _judge(self, here: _Partition, source: int, claim: Claim, effects: Effects) -> bool:
        """Tell whether the claim is accepted, and count what becomes of it."""
        fact = claim.fact
        if fact.id in here.known:
            outcome = "duplicate"
            telemetry.duplicates(1)
        elif claim.behind or fact.time < here.floor:
            outcome = Reason.LATE
            telemetry.dead_letter(outcome)
            if claim.behind:
                why = f"{claim.behind / 1000:.0f} s behind the newest event before it in its partition"
            else:  # its partition was silent for so long that the others did not wait for it
                why = f"{(here.floor - fact.time) / 1000:.0f} s behind the other partitions, its own having been silent"
            row = msgspec.json.decode(claim.row)
            raw = row[RAW].encode()
            effects.sends.append(
                dead_letter(self.names, Rejected(Reason.LATE, why), source, claim.offset, raw, claim.appended)
            )
        else:
            outcome = "accepted"
        count = (source, str(outcome))
        here.outcomes[count] = here.outcomes.get(count, 0) + 1
        return outcome == "accepted"

    def _undone_before(self, here: _Partition, fact: Fact) -> bool:
        """Tell whether an order to take this event back has come before it."""
        times = here.waiting.get(fact.id)
        return times is not None and fact.kind != UNDO and any(abs(fact.time - t) <= self.horizon for t in times)

    def _order(self, here: _Partition, target: str, time: int) -> None:
        here.waiting.setdefault(target, []).append(time)

    def _carry_out(self, here: _Partition, order: Order, entries: Sequence[Entry]) -> Fact | None:
        """Note an order; return the fact to subtract if its event is here, counts, and is within the horizon."""
        target = order.undo_of
        self._order(here, target, order.time)
        if target not in here.known or target in here.undone:
            telemetry.undo("repeated" if target in here.undone else "waiting")
            return None
        segment = here.known[target]
        kept = entries if segment is None else _entries(here.entries[segment.key][FENCE.size :])
        fact = next(e.fact for e in kept if e.fact is not None and e.fact.id == target)
        if fact.kind == UNDO or abs(fact.time - order.time) > self.horizon:
            telemetry.undo("refused")
            return None
        here.undone.add(target)
        telemetry.undo("applied")
        return msgspec.structs.replace(fact, sign=-1)

    def _route(self, routed: list[list[tuple[int, tuple[str, ...], Fact]]], offset: int, fact: Fact) -> None:
        """Add `fact` for every partition in which one of its subjects lives."""
        by_partition: dict[int, list[str]] = {}
        for subject in self.subjects:
            code = subject.code
            for key in subject.keys(fact):
                partition = partition_of(subject.home(key), self.partitions)
                keys = by_partition.get(partition)
                if keys is None:
                    by_partition[partition] = [code + key]
                else:
                    keys.append(code + key)
        for partition, keys in by_partition.items():
            routed[partition].append((offset, tuple(keys), fact))

    def _advance(self, here: _Partition) -> None:
        """Let time pass: the slowest source decides.

        A source that was silent holds nobody back, but only up to what Kafka had when it was last known to be: when
        all wake at once, the first to be read must not make the others late.
        """
        newest = max((clock.appended for source, clock in here.clocks.items() if source >= 0), default=0)
        floor = settled = FAR
        for source, clock in here.clocks.items():
            here.time = max(here.time, clock.time)
            if source < 0:
                settled = min(settled, clock.watermark)
            elif clock.silent < max(newest, 1):
                floor = min(floor, clock.watermark)
        if floor != FAR:
            here.floor = max(here.floor, floor)
        here.settled = max(here.settled, min(settled, here.floor))

    def _index(self, here: _Partition, key: bytes, entries: Sequence[Entry]) -> None:
        if entries:
            ids = [e.fact.id for e in entries if e.fact is not None]
            segment = _Segment(key, max(e.time for e in entries), ids, [e.undo_of for e in entries if e.fact is None])
            here.segments.append(segment)
            for name in ids:
                here.known[name] = segment

    def _write_segment(self, here: _Partition, effects: Effects, entries: Sequence[Entry]) -> None:
        """Write what was decided, and drop what can matter no more."""
        while here.segments and here.segments[0].newest < here.settled - self.horizon:
            segment = here.segments.popleft()
            effects.writes[segment.key] = None
            for name in segment.ids:
                if here.known.get(name) is segment:
                    del here.known[name]
                    here.undone.discard(name)
            for target in segment.orders:
                if times := [t for t in here.waiting.pop(target, ()) if t >= here.settled - self.horizon]:
                    here.waiting[target] = times
        if entries:
            key = _SEGMENT.pack(b"s", entries[0].offset)
            effects.writes[key] = FENCE.pack(entries[-1].offset) + msgspec.msgpack.encode(entries)
            self._index(here, key, entries)

    def _send(
        self,
        effects: Effects,
        partition: int,
        here: _Partition,
        begin: int,
        end: int,
        routed: list[list[tuple[int, tuple[str, ...], Fact]]],
        orders: list[list[Order]],
    ) -> None:
        """Send facts onwards and orders across; ticks to the others when a minute of event time has passed."""
        across, onward = here.floor // MINUTE, (here.time // MINUTE, here.settled // MINUTE)
        passed_across, passed_onward = across != here.told_across, onward != here.told_onward
        here.told_across, here.told_onward = across, onward
        floor = here.settled - self.horizon
        for target in range(self.partitions):
            if orders[target] or passed_across:
                order = Decoded(-1 - partition, begin, end, UNHEARD, here.floor, (), tuple(orders[target]))
                effects.sends.append(Send(self.names.decoded, target, None, encode(order)))
            if routed[target] or passed_onward:
                fact = Routed(partition, begin, end, here.time, floor, tuple(routed[target]))
                effects.sends.append(Send(self.names.routed, target, None, encode(fact)))

    @staticmethod
    def _kept(here: _Partition) -> bytes:
        clocks = [(s, c.seen, c.time, c.watermark, c.appended, c.silent) for s, c in here.clocks.items()]
        outcomes = [(source, outcome, count) for (source, outcome), count in here.outcomes.items()]
        return msgspec.msgpack.encode((clocks, here.floor, here.settled, here.time, outcomes))
