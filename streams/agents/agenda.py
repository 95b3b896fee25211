"""When keys must be looked at again: when stream time has come to some moment, or the floor has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from heapq import heappop, heappush
from struct import Struct
from typing import Final

from streams.subject import NEVER, Due, Now

HEADER: Final = Struct(">qq")
"""How a value begins: its fence, and when its key is due."""
WAITING: Final = 0
"""Due now. So is, after a restart, a key that waits for time or floor, whichever comes first: that is not kept."""


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

    __slots__ = ("_keys", "_moments")

    def __init__(self) -> None:
        self._keys: dict[int, list[bytes]] = {}
        self._moments: list[int] = []

    def put(self, moment: int, key: bytes) -> None:
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
            while keys:
                yield moment, keys.pop()
            del self._keys[heappop(self._moments)]


class Agenda:
    """The dues of one partition. An item that is not what its key's value says any more is stale, and passed over."""

    def __init__(self) -> None:
        """Nothing is due."""
        self._times = _Calendar()
        self._floors = _Calendar()
        self._both: dict[bytes, Due] = {}
        """Keys that wait for time or floor."""

    def restore(self, key: bytes, due: int) -> None:
        """Take up a due as `written`."""
        if due < WAITING:
            self._floors.put(-2 - due, key)
        elif WAITING < due < NEVER:
            self._times.put(due, key)

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

    def drop(self, key: bytes) -> None:
        """Forget a key."""
        self._both.pop(key, None)

    def ripe(self, now: Now) -> bool:
        """Tell whether anything may be due."""
        return self._times.ripe(now.time) or self._floors.ripe(now.floor)

    def take(self, now: Now, values: Mapping[bytes, bytes]) -> Iterator[bytes]:
        """Yield the keys that are due, and note no more of them; `values` are those of the partition."""
        for calendar, moment, sign in ((self._times, now.time, 1), (self._floors, now.floor, -1)):
            for due, key in calendar.take(moment):
                raw = values.get(key)
                if raw is None:
                    continue
                said = HEADER.unpack_from(raw)[1]
                both = self._both.get(key) if said == WAITING else None
                if both is not None:
                    valid = due == (both.time if sign > 0 else both.floor)
                else:
                    valid = said == (due if sign > 0 else -2 - due)
                if valid:
                    yield key
