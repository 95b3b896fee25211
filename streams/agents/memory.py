"""What accept remembers: which ids count, and which orders to take something back have come. Pure.

It is kept as a log of segments, one or a few for each batch, and built again from them after a rebalance. Events and
orders have segments of their own: orders are few, and needed for twice as long. What is decided must not depend on how
the logs were cut into batches, nor on crashes: a repeated batch whose first attempt is half out already would contradict
it. So:

- nothing is decided by what happens to be remembered still: ids and orders are compared by event time, and kept for
  as long as anything can come that is near enough;
- a segment is deleted once nothing in it matters to a repetition of the batch that deletes it either: by settled time
  as of that batch's beginning;
- entries beyond the progress record belong to a batch that will be repeated, and are passed over.

A segment is a series of chunks: to look for one event means to search bytes, and to decode only the chunks that have its id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from operator import attrgetter
from struct import Struct
from typing import Final, Generic, NamedTuple, TypeVar

import msgspec

from schemas.fact import UNDO, Brief, Fact
from schemas.wire import decode_brief, decode_fact, encode, raw_fact
from streams.agents.routing import MAX_MESSAGE, cut
from streams.engine.faults import CorruptState
from streams.engine.progress import FENCE, PROGRESS
from streams.subject import MINUTE

_KEY: Final = Struct(">cq")
"""Key of a segment: its kind and the offset of its first entry."""
_EVENTS: Final = b"c"
"""Kind of the segments of events; those of an older version hold orders as well."""
_ORDERS: Final = b"o"
_CHUNK: Final = 64
"""Entries of a chunk."""

_GONE: Final = -(1 << 62)
"""Minute of a place that is forgotten: far from everything."""

T = TypeVar("T")


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An accepted fact, encoded; or, if there is an `undo_of`, an order of `undo` to take that event back, without a fact."""

    offset: int
    time: int
    fact: msgspec.Raw = msgspec.Raw(encode(None))
    undo_of: str = ""
    undo: str = ""


class Undo(NamedTuple):
    """An undo, by its time (event ms) and id, which an older version did not keep; of several the earliest is named."""

    time: int
    id: str


class Retraction(NamedTuple):
    """That the event with this id and time is taken back, and by whom."""

    id: str
    time: int
    by: Undo


class Carried(NamedTuple):
    """What became of an order: its outcome, the facts to subtract, and what is to be said."""

    outcome: str
    undone: list[Fact]
    told: list[Retraction]


_decode = msgspec.msgpack.Decoder(tuple[Entry, ...]).decode
_chunks = msgspec.msgpack.Decoder(tuple[bytes, ...]).decode


@dataclass(slots=True, eq=False)
class _Place:
    """Accepted events of one minute that were written together."""

    minute: int
    ids: list[str] = field(default_factory=list)
    spent: dict[str, Undo | None] = field(default_factory=dict)
    """Those that cannot be taken back any more: the earliest undo that does it; None for those that are undos."""
    earlier: dict[str, _Place] = field(default_factory=dict)
    """Where events are that had one of these ids before; they are further away than the horizon."""
    segments: tuple[bytes, ...] = ()
    """Keys of the segments it is in; none while its batch is under way."""


class _ByMinute(Generic[T]):
    """Things by a minute of event time, to be forgotten the oldest first."""

    def __init__(self) -> None:
        self._things: dict[int, list[T]] = {}
        self._minutes: list[int] = []

    def add(self, minute: int, thing: T) -> None:
        """Add a thing."""
        found = self._things.get(minute)
        if found is None:
            found = self._things[minute] = []
            heappush(self._minutes, minute)
        found.append(thing)

    def take(self, limit: int) -> Iterator[T]:
        """Take out what is in minutes that end at `limit` (ms) or before."""
        while self._minutes and (self._minutes[0] + 1) * MINUTE <= limit:
            yield from self._things.pop(heappop(self._minutes))


class Memory:
    """What one accept partition remembers. `entries` is its table; times and `horizon` are in event ms."""

    def __init__(self, entries: Mapping[bytes, bytes], horizon: int) -> None:
        """Remember nothing yet; see `restore`."""
        self.horizon = horizon
        self._entries = entries
        self._known: dict[str, _Place] = {}
        """Id → where the event with it is that came last."""
        self._waiting: dict[str, list[Undo]] = {}
        """The undos whose orders are for an id, carried out or not."""
        self._places: _ByMinute[_Place] = _ByMinute()
        self._orders: _ByMinute[str] = _ByMinute()
        self._open: dict[int, _Place] = {}
        """Places of this batch, by minute."""
        self._batch: list[Entry] = []
        self._found: dict[tuple[int, str], msgspec.Raw] = {}
        """Facts of this batch by minute and id, as far as the batch was looked through."""
        self._looked = 0
        """How many entries of this batch were looked through."""
        self._segments: list[tuple[int, bytes]] = []
        """Heap of (settled time from which on nobody needs it, key)."""
        self._rewritten: dict[bytes, bytes] = {}
        """Segments that this batch changes."""
        self._junk: list[bytes] = []
        """Segments that consist of what was passed over."""

    def __len__(self) -> int:
        """Return the number of ids that are remembered."""
        return len(self._known)

    def restore(self, offset: int, settled: int) -> None:
        """Build it again as it was when the batches before `offset` were done and time had settled up to `settled`.

        A repeated batch may have been cut differently at its first attempt, so segments of a kind may overlap.
        """
        reached, reading = -1, _EVENTS
        for key in sorted(key for key in self._entries if key != PROGRESS):
            if (kind := key[:1]) not in (_EVENTS, _ORDERS):
                raise CorruptState(f"accept: a segment of format {kind!r}; `juice rebuild` counts everything anew")
            if kind != reading:
                reached, reading = -1, kind
            found = self._stored(key)
            if found[0].offset >= offset:
                self._junk.append(key)
                continue
            self._batch.extend(found)
            for entry in found:
                if not reached < entry.offset < offset:
                    continue
                if entry.undo_of:
                    self._wait(entry.undo_of, Undo(entry.time, entry.undo))
                else:
                    self._know(decode_brief(entry.fact))
            reached = max(reached, found[-1].offset)
            self._close((key,), found)
            self._begin([])
        self.forget(settled)

    def duplicate(self, fact: Brief, behind: int) -> bool:
        """Tell whether an event with the same id counts already, no further apart than the horizon.

        `behind`, by how many ms a copy is late (0 if it is not), is added to the distance: whether an event further away is
        still remembered depends on the other partitions.
        """
        place = self._known.get(fact.id)
        while place is not None:
            if self._near(place, fact.id, fact.time, behind):
                return True
            place = place.earlier.get(fact.id)
        return False

    def accept(self, offset: int, fact: Brief, raw: msgspec.Raw) -> Retraction | None:
        """Remember an event that counts, encoded as `raw`; return that it is taken back where an undo of it came before."""
        self._batch.append(Entry(offset, fact.time, raw))
        by = self._know(fact)
        return None if by is None else Retraction(fact.id, fact.time, by)

    def order(self, offset: int, undo: Undo, target: str) -> Carried:
        """Remember the order of an undo; return what became of it, and the facts to subtract (more than one if an id was reused).

        It is `applied`, `repeated` (taken back before), `refused` (too far apart, or an undo itself) or `waiting`. What is told
        is what it takes back, and again what a later undo had taken back that came before it: in the end the row names the
        earliest, whichever came first.
        """
        self._batch.append(Entry(offset, undo.time, undo_of=target, undo=undo.id))
        outcome, found, earlier = self._wait(target, undo)
        undone = [self._fact(place, target) for place in found]
        facts = [*undone, *(self._fact(place, target) for place in earlier)]
        return Carried(outcome, undone, [Retraction(target, fact.time, undo) for fact in facts])

    def recall(self) -> Iterator[Retraction]:
        """Yield everything that is taken back and is still remembered, by looking through all that is stored."""
        for key in self._entries:
            for entry in self._stored(key) if key[:1] == _EVENTS else ():
                name = "" if entry.undo_of else decode_brief(entry.fact).id
                place = self._known.get(name)
                while place is not None and place.minute != entry.time // MINUTE:
                    place = place.earlier.get(name)
                if place is not None and (by := place.spent.get(name)) is not None:
                    yield Retraction(name, entry.time, by)

    def forget(self, settled: int) -> None:
        """Forget ids and orders that no event or order at or after `settled` can be near enough to."""
        limit = settled - self.horizon
        for place in self._places.take(limit):
            place.minute = _GONE
            for name in place.ids:
                if self._known.get(name) is place:
                    other = place.earlier.get(name)
                    while other is not None and other.minute == _GONE:
                        other = other.earlier.get(name)
                    if other is None:
                        del self._known[name]
                    else:
                        self._known[name] = other
        for target in dict.fromkeys(self._orders.take(limit)):  # each once: thousands of undos may be of one event
            if undos := [undo for undo in self._waiting.pop(target, ()) if undo.time >= limit]:
                self._waiting[target] = undos

    def rewrite(self, having: bytes, change: Callable[[Fact], Fact]) -> None:
        """Change the facts that are remembered, those of segments that have these bytes in them; ids and times stay."""

        def changed(entries: Iterable[Entry]) -> list[Entry]:
            return [
                e if e.undo_of else msgspec.structs.replace(e, fact=raw_fact(change(decode_fact(e.fact))))
                for e in entries
            ]

        self._begin(changed(self._batch))
        for key in self._entries:
            if key != PROGRESS and having in (raw := self._raw(key)):
                self._rewritten[key] = raw[: FENCE.size] + _packed(changed(self._stored(key)))

    def flush(self, settled: int) -> dict[bytes, bytes | None]:
        """Return what is to be written of this batch; `settled` is settled time as of its beginning."""
        writes: dict[bytes, bytes | None] = {**self._rewritten, **dict.fromkeys(self._junk)}
        self._junk, self._rewritten = [], {}
        while self._segments and self._segments[0][0] <= settled:
            writes[heappop(self._segments)[1]] = None
        events = [entry for entry in self._batch if not entry.undo_of]
        orders = [entry for entry in self._batch if entry.undo_of]
        for kind, entries in ((_EVENTS, events), (_ORDERS, orders)):
            if entries:
                segments = dict(_segments(kind, entries))
                writes.update(segments)
                self._close(tuple(segments), entries)
        self._begin([])
        return writes

    def _begin(self, batch: list[Entry]) -> None:
        self._batch, self._found, self._looked = batch, {}, 0

    def _know(self, fact: Brief) -> Undo | None:
        """Note an event that counts; return the undo by which it was taken back before it came."""
        name, minute = fact.id, fact.time // MINUTE
        place = self._open.get(minute)
        if place is None:
            place = self._open[minute] = _Place(minute)
            self._places.add(minute, place)
        before = self._known.setdefault(name, place)
        if before is not place:
            place.earlier[name] = before
            self._known[name] = place
        place.ids.append(name)
        by: Undo | None = None
        if fact.kind == UNDO:
            place.spent[name] = None
        elif near := [undo for undo in self._waiting.get(name, ()) if abs(fact.time - undo.time) <= self.horizon]:
            by = place.spent[name] = min(near)
        return by

    def _wait(self, target: str, undo: Undo) -> tuple[str, list[_Place], list[_Place]]:
        """Note an order; return what became of it, where the events are that it takes back, and those that a later one had."""
        self._waiting.setdefault(target, []).append(undo)
        self._orders.add(undo.time // MINUTE, target)
        outcome = "waiting"
        found: list[_Place] = []
        earlier: list[_Place] = []
        place = self._known.get(target)
        while place is not None:
            became = "refused"
            if self._near(place, target, undo.time):
                if target not in place.spent:
                    place.spent[target] = undo
                    found.append(place)
                elif (by := place.spent[target]) is not None:
                    became = "repeated"
                    if undo < by:
                        place.spent[target] = undo
                        earlier.append(place)
            outcome = "applied" if found else became
            place = place.earlier.get(target)
        return outcome, found, earlier

    def _near(self, place: _Place, name: str, time: int, more: int = 0) -> bool:
        """Tell whether an event in a place is at most the horizon away from `time`; `more` is added to the distance.

        Its minute nearly always tells; where it does not, the event is looked up.
        """
        apart = abs(time // MINUTE - place.minute) * MINUTE + more
        if apart + MINUTE <= self.horizon:
            return True
        return apart - MINUTE < self.horizon and abs(self._fact(place, name).time - time) + more <= self.horizon

    def _fact(self, place: _Place, name: str) -> Fact:
        """Return the event with that id in a place."""
        if place.segments:
            kept = self._having(name.encode(), place.segments)
            facts = (decode_fact(e.fact) for e in kept if not e.undo_of and e.time // MINUTE == place.minute)
            return next(fact for fact in facts if fact.id == name)
        for entry in self._batch[self._looked :]:
            if not entry.undo_of:
                self._found.setdefault((entry.time // MINUTE, decode_brief(entry.fact).id), entry.fact)
        self._looked = len(self._batch)
        return decode_fact(self._found[place.minute, name])

    def _having(self, name: bytes, segments: Iterable[bytes]) -> Iterator[Entry]:
        """Yield the entries of the chunks that have these bytes in them."""
        for key in segments:
            for chunk in _chunks(self._raw(key)[FENCE.size :]):
                if name in chunk:
                    yield from _decode(chunk)

    def _stored(self, key: bytes) -> list[Entry]:
        return [entry for chunk in _chunks(self._raw(key)[FENCE.size :]) for entry in _decode(chunk)]

    def _raw(self, key: bytes) -> bytes:
        return self._rewritten.get(key) or self._entries[key]

    def _close(self, keys: tuple[bytes, ...], entries: Iterable[Entry]) -> None:
        """Note where entries of this batch are kept, those of events first, and for how long they matter.

        An event is needed as long as it is remembered; an order as long as the events are that it takes back, or
        they would not be known to be spent.
        """
        for place in self._open.values():
            place.segments = keys
        self._open = {}
        until = max(e.time + self.horizon * (2 if e.undo_of else 1) for e in entries) + 2 * MINUTE
        for key in keys:
            heappush(self._segments, (until, key))


def _segments(kind: bytes, entries: Sequence[Entry]) -> Iterator[tuple[bytes, bytes]]:
    """Yield the segments of entries of one kind by key. Entries of one offset stay together: the first names the segment."""
    value = _packed(entries)
    middle = cut(entries, attrgetter("offset")) if len(value) > MAX_MESSAGE else 0
    if middle:
        yield from _segments(kind, entries[:middle])
        yield from _segments(kind, entries[middle:])
    else:
        yield _KEY.pack(kind, entries[0].offset), FENCE.pack(entries[-1].offset) + value


def _packed(entries: Sequence[Entry]) -> bytes:
    return encode([encode(entries[start : start + _CHUNK]) for start in range(0, len(entries), _CHUNK)])
