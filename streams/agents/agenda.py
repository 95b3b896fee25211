"""When keys must be looked at again: when stream time has come to some moment, or the floor has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from heapq import heapify, heappop, heappush
from struct import Struct
from typing import Final

from streams.subject import NEVER, Due, Now

HEADER: Final = Struct(">qq")
"""How a value begins: its fence, and when its key is due."""
WAITING: Final = 0
"""Due now. So is, after a restart, a key that waits for time or floor, whichever comes first: that is not kept."""

Item = tuple[int, bytes]


def written(due: int | Due) -> int:
    """Return a due as a value's header has it: a time as it is, a floor below -1, both as WAITING.

    >>> written(7), written(Due(time=7)), written(Due(floor=7)), written(Due(time=7, floor=9)), written(Due()) == NEVER
    (7, 7, -9, 0, True)
    """
    time, floor = Due.of(due)
    if floor == NEVER:
        return time
    return WAITING if time != NEVER else -2 - floor


class Agenda:
    """The dues of one partition. An item that is not what its key's value says any more is stale, and passed over."""

    def __init__(self) -> None:
        """Nothing is due."""
        self._times: list[Item] = []
        self._floors: list[Item] = []
        self._both: dict[bytes, Due] = {}
        """Keys that wait for time or floor."""

    def restore(self, key: bytes, due: int) -> None:
        """Take up a due as `written`; call `restored` after the last."""
        if due < WAITING:
            self._floors.append((-2 - due, key))
        elif WAITING < due < NEVER:
            self._times.append((due, key))

    def restored(self) -> None:
        """Make heaps of what was restored."""
        heapify(self._times)
        heapify(self._floors)

    def put(self, key: bytes, due: int | Due) -> None:
        """Note when to look at `key`, whatever was noted before."""
        if self._both:
            self._both.pop(key, None)
        both = time, floor = Due.of(due)
        if floor < NEVER:
            heappush(self._floors, (floor, key))
            if time < NEVER:
                self._both[key] = both
        if time < NEVER:
            heappush(self._times, (time, key))

    def drop(self, key: bytes) -> None:
        """Forget a key."""
        self._both.pop(key, None)

    def ripe(self, now: Now) -> bool:
        """Tell whether anything may be due."""
        times, floors = self._times, self._floors
        return bool((times and times[0][0] <= now.time) or (floors and floors[0][0] <= now.floor))

    def take(self, now: Now, values: Mapping[bytes, bytes]) -> Iterator[bytes]:
        """Yield the keys that are due, and note no more of them; `values` are those of the partition."""
        for heap, moment, sign in ((self._times, now.time, 1), (self._floors, now.floor, -1)):
            while heap and heap[0][0] <= moment:
                due, key = heappop(heap)
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
