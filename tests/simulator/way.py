"""What is under way: made, but not in the log yet."""

from __future__ import annotations

from heapq import heappush
from random import Random
from typing import Final

from tests.simulator.nasty import nasty
from tests.simulator.plan import Plan
from tests.simulator.society import Society

AT_ONCE: Final = -1
"""Due before anything else."""
NO_TIME: Final = -1
"""Event time of what is no event."""


class Way:
    """Records by when they arrive, the ids given out, and how far each partition is."""

    def __init__(self, plan: Plan, rng: Random, society: Society) -> None:
        self.plan, self.rng, self.society = plan, rng, society
        self.newest = [0] * plan.partitions
        """Largest event time that each partition has held."""
        self.heap: list[tuple[int, int, int, int, bytes]] = []
        """When it is due, a number that orders what is due at once, partition, event time, record."""
        self.in_time = min(plan.lateness, plan.horizon) * 0.8
        """Delay up to which a record still counts, with a margin for partitions that are not equally far."""
        self.nasty = nasty(rng)
        self._names = self._puts = 0

    def name(self) -> str:
        """Return a new id as it stands within quotes in JSON; one in 997 is odd."""
        self._names += 1
        odd = ' \\u00e9\\"\U0001f34a' if self._names % 997 == 0 else ""
        return f"{self.plan.seed}-{self._names}{odd}"

    def partition(self) -> int:
        """Return any partition."""
        return int(self.rng.random() * self.plan.partitions)

    def some(self, most: float) -> int:
        """Return any duration up to `most`."""
        return int(self.rng.random() * most)

    def chance(self, share: float) -> bool:
        """Return whether something happens that has this chance."""
        return self.rng.random() < share

    def too_late(self) -> int:
        """Return a delay after which a record cannot count."""
        return int(self.plan.lateness * (1.3 + 2 * self.rng.random())) + 60_000

    def put(self, due: int, time: int, raw: bytes, partition: int | None = None) -> int:
        """Let a record be under way until `due`; return its partition, any where none is named."""
        self._puts += 1
        where = self.partition() if partition is None else partition
        heappush(self.heap, (due, self._puts, where, time, raw))
        return where

    def act(self, time: int, due: int | None = None) -> str:
        """Let somebody act at `time`, to arrive then or when due; return the event's id."""
        name = self.name()
        self.put(time if due is None else due, time, self.society.act(time, name))
        return name

    def undo(self, of: str, time: int, due: int | None = None) -> str:
        """Let somebody take the event `of` back at `time`; return the undo's id."""
        name = self.name()
        self.put(time if due is None else due, time, self.society.undo(time, name, of))
        return name
