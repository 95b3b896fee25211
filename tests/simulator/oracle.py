"""The oracle: what must become of every record and what must be counted, from log and settings alone.

Partition by partition, in the order of the log:

1. A record is no event (its reason says why), or `future`, or `late`: it happened before the largest event
   time among the earlier records of its own partition that were none of these, less the allowed lateness.
2. Of the others, the first with an id is accepted, and what follows with it is a duplicate; so is a late
   record whose id is still known.
3. An accepted undo takes back the accepted event it names, whichever came first, if that is no undo and the
   times are at most the horizon apart. It counts nothing by itself.

Which of two copies on different partitions is first, no log can say. They are both `EITHER`: exactly one is
accepted, and as they must say the same, the answers do not depend on it. A log on which they would is
refused. In the same way a late record is a `LATE_COPY`, duplicate or dead letter, where its id is known from
another partition only, or came so long ago that it may have been forgotten; nothing depends on that either.
"""

from __future__ import annotations

from array import array
from enum import IntEnum
from typing import Final
from zlib import crc32

from tests.simulator.plan import HOUR, MINUTE
from tests.simulator.reading import FAR, Read, read, same
from tests.simulator.tally import Tally


class Outcome(IntEnum):
    """What becomes of a record."""

    ACCEPTED = 0
    DUPLICATE = 1
    EITHER = 2
    """Accepted or duplicate."""
    LATE_COPY = 3
    """Duplicate or late."""
    MALFORMED = 4
    INVALID = 5
    UNKNOWN_TYPE = 6
    TOO_LARGE = 7
    FUTURE = 8
    LATE = 9

    @property
    def dead(self) -> bool:
        """Return whether it is surely a dead letter."""
        return self >= Outcome.MALFORMED

    @property
    def reason(self) -> str:
        """Return the reason of the dead letter, if it is one."""
        return "late" if self is Outcome.LATE_COPY else self.name.lower()


_DEAD: Final = {outcome.name.lower(): outcome for outcome in Outcome if outcome.dead}


class Undetermined(Exception):
    """The answers depend on more than the log."""


class _Known:
    """An accepted id: its first record, and on which partitions it came."""

    __slots__ = ("changed", "copies", "raw", "time", "undone")

    def __init__(self, raw: bytes, time: int, partition: int, offset: int) -> None:
        self.raw, self.time, self.copies = raw, time, {partition: offset}
        self.changed = self.undone = False


class Oracle:
    """Takes a log record by record; `tally` and `outcomes` are right after each.

    An id is remembered for longer than anything that may still be accepted can concern it, and than the late
    copies of `mishaps` are late; `forget=False` remembers all.
    """

    def __init__(
        self, *, partitions: int, lateness: int = 15 * MINUTE, horizon: int = HOUR, forget: bool = True
    ) -> None:
        """Begin with an empty log. Durations in ms."""
        self.lateness, self.horizon = lateness, horizon
        self.tally = Tally()
        self.outcomes = [bytearray() for _ in range(partitions)]
        """Outcome of each record, by partition and offset."""
        self.sums = [array("I") for _ in range(partitions)]
        """CRC-32 of each record."""
        self.accepted = 0
        """Distinct ids that were accepted."""
        self._newest = [-1] * partitions
        self._known: dict[str, _Known] = {}
        self._undos: dict[str, list[int]] = {}
        self._late: dict[str, list[tuple[int, int, int]]] = {}
        """Late records by id: time, partition, offset."""
        self._memory = 4 * lateness + 2 * horizon + MINUTE if forget else 2 * FAR
        self._until_forgetting = 1

    @property
    def remembered(self) -> int:
        """Return how many ids are remembered."""
        return len(self._known)

    def take(self, partition: int, raw: bytes) -> Outcome:
        """Take the next record of a partition, and return what becomes of it, as far as is known by then.

        Raise Undetermined where the answers depend on more than the log.
        """
        outcome = self._judge(partition, raw)
        self.outcomes[partition].append(outcome)
        self.sums[partition].append(crc32(raw))
        return outcome

    def _judge(self, partition: int, raw: bytes) -> Outcome:
        event = read(raw)
        if isinstance(event, str):
            return _DEAD[event]
        known = self._known.get(event.id)
        watermark = self._newest[partition] - self.lateness
        if event.time < watermark:
            self._late.setdefault(event.id, []).append((event.time, partition, len(self.outcomes[partition])))
            if known is None:
                return Outcome.LATE
            surely = partition in known.copies and known.time >= watermark - self.horizon
            return Outcome.DUPLICATE if surely else Outcome.LATE_COPY
        if event.time > self._newest[partition]:
            self._newest[partition] = event.time
        for _, where, offset in self._late.get(event.id, ()):
            if where != partition and self.outcomes[where][offset] == Outcome.LATE:
                self.outcomes[where][offset] = Outcome.LATE_COPY
        if known is not None:
            return self._again(known, event, partition, raw)
        self._accept(event, partition, raw)
        self._until_forgetting -= 1
        if not self._until_forgetting:
            self._forget()
        return Outcome.ACCEPTED

    def _accept(self, event: Read, partition: int, raw: bytes) -> None:
        self.accepted += 1
        known = self._known[event.id] = _Known(raw, event.time, partition, len(self.outcomes[partition]))
        if event.kind == "undo":
            target = event.said["undo_of"]
            self._undos.setdefault(target, []).append(event.time)
            of = self._known.get(target)
            if of is not None and not of.undone:
                taken = read(of.raw)
                assert isinstance(taken, Read)
                if self._takes_back(event.time, taken):
                    of.undone = True
                    self.tally.add(taken, -1)
        elif any(self._takes_back(time, event) for time in self._undos.get(event.id, ())):
            known.undone = True
        else:
            self.tally.add(event)

    def _takes_back(self, time: int, event: Read) -> bool:
        return event.kind != "undo" and abs(time - event.time) <= self.horizon

    def _again(self, known: _Known, event: Read, partition: int, raw: bytes) -> Outcome:
        if raw != known.raw:
            first = read(known.raw)
            assert isinstance(first, Read)
            known.changed |= not same(first, event)
        elsewhere = partition not in known.copies
        if known.changed and (elsewhere or len(known.copies) > 1):
            raise Undetermined(f"{event.id}: two partitions say different things")
        if abs(event.time - known.time) > self.horizon:
            raise Undetermined(f"{event.id}: copies are further apart than the horizon")
        if not elsewhere:
            return Outcome.DUPLICATE
        for where, offset in known.copies.items():
            self.outcomes[where][offset] = Outcome.EITHER
        known.copies[partition] = len(self.outcomes[partition])
        return Outcome.EITHER

    def _forget(self) -> None:
        """Forget ids and undos that nothing that may still be accepted can concern."""
        before = min(self._newest) - self._memory
        while self._known and next(iter(self._known.values())).time < before:
            del self._known[next(iter(self._known))]
        while self._undos and max(next(iter(self._undos.values()))) < before:
            del self._undos[next(iter(self._undos))]
        while self._late and max(next(iter(self._late.values())))[0] < before:
            del self._late[next(iter(self._late))]
        self._until_forgetting = 1 + len(self._known) // 16
