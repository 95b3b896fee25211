"""Which keys are to be presented: those that wait, and those whose moment stream time, or the floor, has come to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from heapq import heappop, heappush
from struct import Struct
from typing import Final

from streams.subject import NEVER, Due, Now

HEADER: Final = Struct(">qq")
"""How a value begins: its fence, and when its key is due."""
WAITING: Final = 0
"""Due now. A due of "time or floor, whichever first" is stored as this too, so such a key is presented once after a restart."""

ROOM: Final = 1_000
"""A calendar is swept when it has this many items beyond two for each key."""


def written(due: int | Due) -> int:
    """Return a due as a value's header has it: a time as it is, a floor below -1, both as WAITING.

    >>> written(7), written(Due(time=7)), written(Due(floor=7)), written(Due(time=7, floor=9)), written(Due()) == NEVER
    (7, 7, -9, 0, True)
    """
    if isinstance(due, int):
        return due
    time, floor = due
    if floor == NEVER:
        return time
    return WAITING if time != NEVER else -2 - floor


class _Calendar:
    """Keys by the moment they are due. Most share theirs with many others, so that only moments are in a heap."""

    __slots__ = ("_keys", "_moments", "_size")

    def __init__(self) -> None:
        self._keys: dict[int, list[bytes]] = {}
        self._moments: list[int] = []
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def put(self, moment: int, key: bytes) -> None:
        self._size += 1
        found = self._keys.get(moment)
        if found is None:
            self._keys[moment] = [key]
            heappush(self._moments, moment)
        else:
            found.append(key)

    def ripe(self, now: int) -> bool:
        return bool(self._moments) and self._moments[0] <= now

    def take(self, now: int) -> Iterator[tuple[int, bytes]]:
        """Yield what is due, the earliest moment first, and keep no more of it; it may be left off at any point."""
        while self.ripe(now):
            moment = self._moments[0]
            keys = self._keys[moment]
            key = keys.pop()
            if not keys:
                del self._keys[heappop(self._moments)]
            self._size -= 1
            yield moment, key

    def keep(self, valid: Callable[[int, bytes], bool]) -> None:
        """Throw away all items but the `valid` ones, and those that are there twice."""
        kept = {moment: [key for key in set(keys) if valid(moment, key)] for moment, keys in self._keys.items()}
        self._keys = {moment: keys for moment, keys in kept.items() if keys}
        self._moments = sorted(self._keys)
        self._size = sum(map(len, self._keys.values()))


class Agenda:
    """What is to be presented of one subject in one partition.

    An item is stale when its key's value says another due; it is passed over. A busy key leaves many stale items behind, which
    would stay until their moment comes, hours or days later; so they are swept out when there are more of them than keys.
    """

    def __init__(self, patience: int = 0) -> None:
        """Nothing is due. `patience` (event ms): how long presenting a key may be put off."""
        self._patience = patience
        self.waiting: dict[bytes, int] = {}
        """Waiting key → stream time since which it waits; the longest first."""
        self._times = _Calendar()
        self._floors = _Calendar()
        self._both: dict[bytes, Due] = {}
        """Keys that wait for time or floor, whichever comes first."""

    def restore(self, key: bytes, due: int, since: int) -> None:
        """Take up a due as `written`; `since` is when a waiting key began to wait."""
        if due == WAITING:
            self.waiting[key] = since
        elif due < WAITING:
            self._floors.put(-2 - due, key)
        elif due < NEVER:
            self._times.put(due, key)

    def wait(self, key: bytes, now: Now) -> None:
        """Note that `key` waits; if it does already, since when stays."""
        self.waiting.setdefault(key, now.time)

    def note(self, key: bytes, due: int | Due, noted: int, now: Now) -> None:
        """Take up the new due of `key`; `noted` is the due that its value said before."""
        if due == WAITING:
            self.wait(key, now)
            return
        self.waiting.pop(key, None)
        if not self.holds(due, noted, now):
            self.put(key, due)

    def longest(self) -> int | None:
        """Return the stream time since which the longest waiting key waits; None where none waits."""
        return next(iter(self.waiting.values()), None)

    def waits(self, now: Now) -> int:
        """Return for how long (event ms) the longest waiting key waits; 0 where none waits."""
        since = self.longest()
        return 0 if since is None else now.time - since

    def put(self, key: bytes, due: int | Due) -> None:
        """Note when to look at `key`, whatever was noted before."""
        if self._both:
            self._both.pop(key, None)
        if isinstance(due, int):
            if due < NEVER:
                self._times.put(due, key)
            return
        if due.floor < NEVER:
            self._floors.put(due.floor, key)
            if due.time < NEVER:
                self._both[key] = due
        if due.time < NEVER:
            self._times.put(due.time, key)

    @staticmethod
    def holds(due: int | Due, noted: int, now: Now) -> bool:
        """Tell whether a due is still on the agenda: it is the one that its key's value said (`noted`), and `take` cannot have
        come to it. Of a due with both a time and a floor that is not known, so it is put again.
        """
        if isinstance(due, int):
            return now.time < due == noted
        return now.floor < due.floor and due.time == NEVER and noted == -2 - due.floor

    def drop(self, key: bytes) -> None:
        """Forget a key."""
        self.waiting.pop(key, None)
        self._both.pop(key, None)

    def sweep(self, values: Mapping[bytes, bytes], live: int) -> None:
        """Throw away what is stale when that is most; `values` are those of the partition, `live` of them the subject's."""
        for calendar, sign in ((self._times, 1), (self._floors, -1)):
            if len(calendar) > 2 * live + ROOM:
                calendar.keep(partial(self._valid, sign=sign, values=values))

    def ripe(self, now: Now) -> int:
        """Return how many keys wait, and one more if any may be due."""
        return len(self.waiting) + (self._times.ripe(now.time) or self._floors.ripe(now.floor))

    def next(self, now: Now, values: Mapping[bytes, bytes], *, overstayed: bool = False) -> Iterator[bytes]:
        """Yield the keys to be presented as `take` does, those that wait first and the longest of them.

        If `overstayed`, only those that have waited, or have been due, for longer than `patience`.
        """
        if overstayed:
            now = Now(now.time - self._patience, now.floor - self._patience)
        for key, since in self.waiting.items():
            if since > now.time:
                break
            yield key
        yield from self.take(now, values)

    def take(self, now: Now, values: Mapping[bytes, bytes]) -> Iterator[bytes]:
        """Yield the keys that are due, and note no more of them; `values` are those of the partition."""
        for calendar, moment, sign in ((self._times, now.time, 1), (self._floors, now.floor, -1)):
            for due, key in calendar.take(moment):
                if self._valid(due, key, sign, values):
                    yield key

    def _valid(self, due: int, key: bytes, sign: int, values: Mapping[bytes, bytes]) -> bool:
        """Tell whether an item, of times (1) or of floors (-1), is what its key's value says."""
        raw = values.get(key)
        if raw is None:
            return False
        said = HEADER.unpack_from(raw)[1]
        both = self._both.get(key) if said == WAITING else None
        if both is not None:
            return due == (both.time if sign > 0 else both.floor)
        return bool(said == (due if sign > 0 else -2 - due))
