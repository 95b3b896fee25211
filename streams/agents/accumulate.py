"""Accumulate: facts are folded into the state of their subjects, and what changed leaves as rows.

A batch is first grouped by key; each key's state is loaded, folded and written once. Rows that must be exact at once
come with the fold. Derived rows (`Subject.present`) follow in the same flush while the worker keeps up; while it is
behind, keys wait, and a part of every batch's time goes to those that have waited longest. None waits much longer, in event
time, than its subject has `patience`. A key that waits says so in its stored value, so a crash forgets none.

A value is the fence (offset of the last input record it has applied), when its key must be looked at again (`agenda`),
and the subject's own bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Final

import msgspec

from infra import telemetry
from schemas.fact import Brief
from schemas.rows import TABLES
from schemas.wire import UNHEARD, Erasure, Routed, decode_routed, decode_routed_briefly
from streams.agents.agenda import HEADER, WAITING, Agenda, written
from streams.agents.erasure import erase, fingerprint
from streams.agents.routing import columns_sends, rows_sends
from streams.engine.faults import CorruptState
from streams.engine.outbox import Send
from streams.engine.progress import PROGRESS
from streams.engine.stage import Effects
from streams.engine.store import State, as_of_now
from streams.names import Names
from streams.subject import MINUTE, NEVER, RELEASE, Due, Now, Rows, Subject

MAX_PRESENTED: Final = 1_000
"""Keys presented in one flush beyond those it touched, so that a flush stays short. Of those that have waited too long as
many as it touched, if that is more: otherwise more might come to wait than go."""
PRESENT_SHARE: Final = 32
"""While behind, one waiting key is presented for every so many keys touched,"""
PRESENT_TOGETHER: Final = 256
"""so many at a time, since subjects are quicker at many than at one."""

_json = msgspec.json.Encoder().encode


@dataclass(slots=True)
class _Partition:
    """What is known of one accumulate partition."""

    entries: State
    seen: dict[int, int] = field(default_factory=dict)
    clocks: dict[int, tuple[int, int]] = field(default_factory=dict)
    """By source: stream time and floor."""
    now: Now = field(default_factory=lambda: Now(0, UNHEARD))
    agendas: dict[int, Agenda] = field(default_factory=dict)
    """By first byte of the key, which is the subject's code."""
    put_off: int = 0
    """Keys touched since any were presented."""
    counts: dict[int, int] = field(default_factory=dict)
    """Keys of each subject, by first byte as well."""
    forgot: dict[int, int] = field(default_factory=dict)
    """By source, up to which of its offsets erasures were taken."""
    told: dict[tuple[bytes, str], set[int]] = field(default_factory=dict)
    """By fingerprint and stand-in of an erasure: the sources that have told of it, while not all have."""

    def drop(self, key: bytes) -> None:
        """Forget a key that is there."""
        self.agendas[key[0]].drop(key)
        self.counts[key[0]] -= 1

    def ripe(self) -> int:
        """Return how many keys wait, and one more for each subject of which any may be due."""
        return sum(agenda.ripe(self.now) for agenda in self.agendas.values())


class _Touched:
    """A key that this flush has loaded."""

    __slots__ = ("due", "folded", "known", "noted", "own", "raw", "state", "subject")

    def __init__(self, name: str, raw: bytes | None, subject: Subject[Any]) -> None:
        self.subject, self.own, self.raw = subject, name[1:], raw
        self.folded = False
        self.due: int | Due = NEVER
        if raw is None:
            self.known = self.noted = -1
            self.state = subject.empty(self.own)
        else:
            self.known, self.noted = HEADER.unpack_from(raw)
            self.due = self.noted
            try:
                self.state = subject.load(self.own, raw[HEADER.size :])
            except Exception as error:
                text = f"{subject.name}: {error}; `juice rebuild` counts everything anew"
                raise CorruptState(text) from error


class _Flush:
    """The work of one batch: states that were loaded, rows, and what is to be written."""

    def __init__(self, here: _Partition, subjects: Mapping[str, Subject[Any]], begin: int, fence: int) -> None:
        """The batch is of the offsets from `begin` to `fence`; without input it ends before it begins."""
        self.here, self.subjects, self.begin, self.fence = here, subjects, begin, fence
        self.rows = Rows()
        self.touched: dict[bytes, _Touched] = {}
        self.spent: dict[bytes, None] = {}
        """Keys that go without having been loaded."""

    def fold(self, name: str, facts: Sequence[tuple[int, Any]]) -> None:
        """Add to a key the facts it has not seen."""
        key = name.encode()
        found = _Touched(name, self.here.entries.get(key), self.subjects[name[0]])
        known = found.known
        fresh = [fact for offset, fact in facts if offset > known]
        if fresh or known > self.fence:
            self.touched[key] = found
        if fresh:
            due = found.subject.fold(found.own, found.state, fresh, self.rows)
            found.due = WAITING if due is None else due
            found.folded = True

    def present(self, keys: Iterable[bytes]) -> None:
        """Present keys, those of one subject together."""
        by_subject: dict[str, list[_Touched]] = {}
        for key in keys:
            found = self.touched.get(key)
            if found is None:
                name, raw = key.decode(), self.here.entries.get(key)
                subject = self.subjects[name[0]]
                if subject.fleeting and raw is not None and self._is_spent(subject, raw):
                    self.spent[key] = None
                    continue
                found = self.touched[key] = _Touched(name, raw, subject)
            by_subject.setdefault(found.subject.code, []).append(found)
        for code, several in by_subject.items():
            self._present_of(self.subjects[code], several)

    def _is_spent(self, subject: Subject[Any], raw: bytes) -> bool:
        """Tell whether a key may go as it is."""
        return HEADER.unpack_from(raw)[0] < self.begin and subject.spent(raw[HEADER.size :], self.here.now)

    def present_light(self) -> None:
        """Present what is at hand and costs next to nothing."""
        for subject in self.subjects.values():
            if subject.light and (several := [it for it in self.touched.values() if it.subject is subject]):
                self._present_of(subject, several)

    def _present_of(self, subject: Subject[Any], several: Sequence[_Touched]) -> None:
        items = [(found.own, found.state) for found in several]
        if subject.looks:
            for own, state in items:
                subject.look(own, state, self.here.now, self)
        dues = subject.present_many(items, self.here.now, self.rows)
        for found, due in zip(several, dues, strict=True):
            found.due = due

    def keys(self, prefix: bytes) -> list[bytes]:
        """Return the keys of the partition that begin with `prefix`, those included that this flush begins."""
        entries = self.here.entries
        fresh = [key for key in self.touched if key not in entries]
        every = (*iter(entries), *fresh)  # at once: recovery may be changing a partition that is not ours any more
        return [key for key in every if key.startswith(prefix)]

    def get(self, key: bytes) -> bytes | None:
        """Return the state of a key with all that this flush has added to it."""
        if (found := self.touched.get(key)) is not None:
            return found.subject.dump(found.state)
        raw = self.here.entries.get(key)
        return None if raw is None else raw[HEADER.size :]

    @property
    def furthest(self) -> int:
        """Return the furthest fence at hand: after a crash some values have seen more than this batch."""
        return max((found.known for found in self.touched.values()), default=self.fence)

    def writes(self) -> dict[bytes, bytes | None]:
        """Return the new values, and note when each key is due."""
        here, fence, pack = self.here, self.fence, HEADER.pack
        counts, agendas = here.counts, here.agendas
        writes: dict[bytes, bytes | None] = dict.fromkeys(self.spent)
        for key in self.spent:
            here.drop(key)
        for key, found in self.touched.items():
            due, known, raw = found.due, found.known, found.raw
            agenda = agendas[key[0]]
            if due == RELEASE:
                if found.folded or known >= self.begin:
                    due = WAITING  # its fence is still needed, should this batch be repeated; it goes in a later flush
                else:
                    agenda.drop(key)
                    if raw is not None:
                        writes[key] = None
                        counts[key[0]] -= 1
                    continue
            if raw is None:
                counts[key[0]] = counts.get(key[0], 0) + 1
            agenda.note(key, due, found.noted, here.now)
            writes[key] = pack(fence if fence > known else known, written(due)) + found.subject.dump(found.state)
        return writes


class Accumulate:
    """The body of the third stage."""

    def __init__(self, *, names: Names, partitions: int, subjects: Iterable[Subject[Any]]) -> None:
        self.names, self.partitions = names, partitions
        self.subjects = {subject.code: subject for subject in subjects}
        brief = all(subject.brief for subject in self.subjects.values())
        self._decode: Callable[[bytes], Routed[Any]] = decode_routed_briefly if brief else decode_routed
        self.held: dict[int, _Partition] = {}

    def forget(self) -> None:
        """Drop what is derived of all partitions."""
        self.held.clear()
        self._forget_notes()
        self._count_keys()

    def restore(self, partition: int, entries: State, offset: int, kept: bytes) -> None:
        """Build the agenda of a partition from its values' headers; no value is decoded."""
        agendas = {ord(code): Agenda(subject.patience) for code, subject in self.subjects.items()}
        here = self.held[partition] = _Partition(entries, agendas=agendas)
        since: dict[int, int] = {}
        self._forget_notes()
        if kept:
            seen, clocks, _, *more = msgspec.msgpack.decode(kept, strict=False)
            told, longest, forgot = (*more, (), (), ())[:3]  # an older version kept fewer
            since.update(longest)
            here.forgot.update(forgot)
            here.seen = dict(seen)
            here.told = {(bytes(mark), name): set(of) for mark, name, of in told}
            here.clocks = {source: (time, floor) for source, time, floor in clocks}
        for source in range(self.partitions):
            here.clocks.setdefault(source, (UNHEARD, UNHEARD))
        self._advance(here)
        unpack = HEADER.unpack_from
        for key, raw in as_of_now(entries):
            if key == PROGRESS or key[0] not in agendas:
                continue
            here.counts[key[0]] = here.counts.get(key[0], 0) + 1
            agendas[key[0]].restore(key, unpack(raw)[1], since.get(key[0], here.now.time))
        self._count_keys()

    def _count_keys(self) -> None:
        held = self.held.values()
        for code, subject in self.subjects.items():
            telemetry.state_keys(subject.name, sum(here.counts.get(ord(code), 0) for here in held))
            agendas = [(here.agendas[ord(code)], here.now) for here in held]
            longest = max((agenda.waits(now) for agenda, now in agendas), default=0)
            telemetry.waiting(subject.name, sum(len(agenda.waiting) for agenda, _ in agendas), longest / 1000)

    def process(self, partition: int, records: Sequence[Any], behind: bool) -> Effects:
        """Fold the facts in `records` and present what there is time for."""
        here = self.held[partition]
        for code, agenda in here.agendas.items():
            agenda.sweep(here.entries, here.counts.get(code, 0))
        flush = _Flush(here, self.subjects, records[0].offset, records[-1].offset)
        groups: dict[str, list[tuple[int, Brief]]] = {}
        erasures: list[Erasure] = []
        for record in records:
            message = self._decode(record.value)
            source, offset = message.source, record.offset
            if message.erasures:
                if message.begin >= here.forgot.get(source, 0):  # else it is said again, after a crash
                    erasures.extend(each for each in message.erasures if self._told_by_all(here, each, source))
                    here.forgot[source] = message.end
                continue
            seen = here.seen.get(source, 0)
            for origin, keys, fact in message.facts:
                if origin < seen:
                    continue
                item = (offset, fact)
                for name in keys:
                    group = groups.get(name)
                    if group is None:
                        groups[name] = [item]
                    else:
                        group.append(item)
            here.seen[source] = max(seen, message.end)
            time, floor = here.clocks.get(source, (UNHEARD, UNHEARD))
            here.clocks[source] = max(time, message.time), max(floor, message.floor)
        self._advance(here)
        for name, facts in groups.items():
            if name[0] in self.subjects:  # one that is not chosen any more may still be on its way
                flush.fold(name, facts)
        flush.present_light()
        if behind:
            here.put_off += len(flush.touched)
            self._present_some(flush, max(MAX_PRESENTED, len(flush.touched)), overstayed=True)
            if here.put_off >= PRESENT_TOGETHER * PRESENT_SHARE:
                self._present_some(flush, here.put_off // PRESENT_SHARE)
                here.put_off = 0
        else:
            flush.present([key for key, found in flush.touched.items() if found.due == WAITING])
            self._present_some(flush, MAX_PRESENTED)
        return self._effects(flush, partition, records[-1].offset + 1, erasures)

    def rests(self, partition: int) -> bool:
        """Tell whether no key waits or is due."""
        here = self.held.get(partition)
        return here is None or not here.ripe()

    def idle(self, partition: int, caught_up: float | None, offset: int, behind: bool) -> Effects | None:
        """Present keys that wait or are due, unless there is more urgent work."""
        if behind or self.rests(partition):
            return None
        here = self.held[partition]
        flush = _Flush(here, self.subjects, offset, offset - 1)
        self._present_some(flush, MAX_PRESENTED)  # if all that was ripe was stale, at least progress says so
        return self._effects(flush, partition, offset)

    def rules_changed(self) -> None:
        """Look at every key again whose rows depend on rules."""
        ruled = {ord(code) for code, subject in self.subjects.items() if subject.ruled}
        for here in self.held.values():
            for key in here.entries:
                if key[0] in ruled:
                    here.agendas[key[0]].wait(key, here.now)

    def _told_by_all(self, here: _Partition, erasure: Erasure, source: int) -> bool:
        """Note that a source has told of an erasure; return whether all have, so that no fact with the name follows."""
        key = erasure.mark or fingerprint(erasure.account), erasure.stand_in
        told = here.told.setdefault(key, set())
        told.add(source)
        if len(told) < self.partitions:
            return False
        del here.told[key]
        return True

    def _forget_notes(self) -> None:
        for subject in self.subjects.values():
            subject.forget()

    def _present_some(self, flush: _Flush, most: int, *, overstayed: bool = False) -> None:
        """Present keys that were waiting before this batch or have become due, about `most`, of each subject in turn."""
        here, touched = flush.here, flush.touched
        keys: dict[bytes, None] = {}
        several = (agenda.next(here.now, here.entries, overstayed=overstayed) for agenda in here.agendas.values())
        for some in zip_longest(*several):
            keys.update((key, None) for key in some if key and (key not in touched or touched[key].due == WAITING))
            if len(keys) >= most:
                break
        flush.present(keys)

    def _advance(self, here: _Partition) -> None:
        """Let time pass: stream time is the newest anybody has seen, the floor the lowest anybody promises."""
        time = max(time for time, _ in here.clocks.values())
        floor = min(floor for _, floor in here.clocks.values())
        newest = (time // MINUTE + 1) * MINUTE if time > UNHEARD else 0
        time = max(here.now.time, newest)
        here.now = Now(time, min(max(here.now.floor, floor), time))

    def _effects(self, flush: _Flush, partition: int, version: int, erasures: Iterable[Erasure] = ()) -> Effects:
        here = flush.here
        effects = Effects(writes=flush.writes())
        for erasure in erasures:
            erased = erase(here.entries, effects.writes, self.subjects, erasure, flush.fence)
            for key in erased.gone:
                here.drop(key)
            for key in erased.fresh:
                here.counts[key[0]] += 1
            for key in erased.fresh + erased.changed:
                here.agendas[key[0]].wait(key, here.now)
            self._forget_notes()
        version = max(version, flush.furthest + 1)  # rows say what their values have seen, and must outlive older ones
        for table, rows in flush.rows.by_table.items():
            effects.sends.extend(rows_sends(self.names.rows, partition, table, rows, version))
        for columns in flush.rows.columns:
            effects.sends.extend(columns_sends(self.names.rows, partition, columns, version))
        for table, rows in flush.rows.news.items():
            effects.sends.extend(_told(self.names.told(table), table, rows))
        clocks = [(source, time, floor) for source, (time, floor) in here.clocks.items()]
        told = [(mark, name, sorted(of)) for (mark, name), of in here.told.items()]
        longest = [(code, since) for code, agenda in here.agendas.items() if (since := agenda.longest()) is not None]
        kept = here.seen, clocks, here.ripe(), told, longest, tuple(here.forgot.items())
        effects.kept = msgspec.msgpack.encode(kept)
        self._count_keys()
        return effects


def _told(topic: str, table: str, rows: Iterable[tuple[Any, ...]]) -> Iterable[Send]:
    """Say rows to the outside as well, one JSON each, keyed by their stable id."""
    names = TABLES[table].names
    for row in rows:
        said = dict(zip(names, row, strict=True))
        yield Send(topic, 0, str(said["id"]).encode(), _json(said))
