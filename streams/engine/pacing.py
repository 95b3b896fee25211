"""Which partitions are polled now: none is read much faster than what depends on it can follow.

- Faust reads each partition as fast as it can. On a backlog ingest was three times as fast as accept, and some of its
  partitions were twice as fast as others. Accept cannot forget an id before it has read what ingest has said, nor before
  the slowest partition has come that far: after ten hours of event time it held five hours of ids, 272 MiB, and more with
  each. And what accumulate has yet to read is kept in Kafka for days only. So ingest waits for the stages after it (`AHEAD`,
  `FURTHER`), and its partitions for each other (`APART`), as long as these move (`STUCK`), and never for long (`TURN`), because
  time passes for all partitions only with what ingest sends. Partitions of different workers wait for each other, too: two
  workers that did not came 59,000 of 268,000 records apart, and an event cost them 49 µs instead of 38 (docs/scaling.md).
- Faust delivers what it polled one message after the other, and waits where a stage's queue is full. So the slowest stage
  set the pace of all: at half of full load a record waited for 0.35 s at each of them, behind batches of the third. A
  partition is left out of polls while a batch of it is waiting already (`UNDER_WAY`), and no queue is ever full.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol

from infra.clock import monotonic

UNDER_WAY = 2
"""Batches of a partition that may be delivered and not done: the one being worked on and the next."""

AHEAD = 8
"""Messages of one partition that may wait before accept while ingest reads on; on a backlog each has some 1,000 events."""
FURTHER = 16
"""The same before accumulate, for each partition of accept: messages are more there, and smaller where little waits."""

APART = 300_000
"""Milliseconds of event time that one partition of the input may be ahead of another while both have a backlog."""

BACKLOG = 1_000
"""Records. A partition where fewer wait is live: it waits for nobody, and nobody for it."""

STUCK = 5.0
"""Seconds without progress after which a partition is not waited for: its leader may be down, or its records gone."""

TURN = 10.0
"""Seconds after which a partition that waits for others is polled once all the same: they may never catch up."""


class Reader(Protocol):
    """What is asked of the consumer."""

    @property
    def stages(self) -> Mapping[str, Any]:
        """Stages by the topic they read, in their order."""

    @property
    def begins(self) -> Mapping[Any, int]:
        """The partitions held."""

    def waiting(self, tp: Any) -> int:
        """Return how many records wait to be processed."""


class Pacing:
    """Knows what is under way and what moves."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._under_way = Counter[Any]()
        """Batches of each partition that were delivered and are not done."""
        self._seen: dict[Any, tuple[int | None, float, float]] = {}
        """By partition: its next offset, since when it is that, and when we last looked."""
        self._turns: dict[Any, float] = {}

    def clear(self) -> None:
        """Forget everything: the partitions have moved."""
        self.begin()
        self._seen.clear()
        self._turns.clear()

    def begin(self) -> None:
        """Nothing is under way."""
        self._under_way.clear()

    def delivered(self, tp: Any) -> None:
        """Note that a batch of a partition was delivered."""
        self._under_way[tp] += 1

    def taken(self, tp: Any) -> None:
        """Note that a batch of a partition is done."""
        if self._under_way[tp]:
            self._under_way[tp] -= 1

    @property
    def is_busy(self) -> bool:
        """Tell whether any partition has as much under way as it may."""
        return any(map(self.is_burdened, self._under_way))

    def is_burdened(self, tp: Any) -> bool:
        """Tell whether a partition has as much under way as it may, and moves."""
        return self._under_way[tp] >= UNDER_WAY and self._moves(tp)

    def late(self) -> list[Any]:
        """Return the partitions that the first stage reads and that have a backlog."""
        first = next(iter(self._reader.stages))
        return [tp for tp in self._reader.begins if tp.topic == first and self._reader.waiting(tp) >= BACKLOG]

    def in_turn(self, active: set[Any]) -> set[Any]:
        """Return `active` without the input partitions that should wait now; all of it if nothing would be left.

        All input partitions wait while much waits before the second stage, here; those with a backlog while much waits before a
        later stage; else those with a backlog that are well ahead of another with a backlog.
        """
        stages = self._reader.stages
        first, *later = stages
        late = self.late()
        if any(self._piles_up(topic, AHEAD) for topic in later[:1]):
            ahead = [tp for tp in self._reader.begins if tp.topic == first]
        elif any(self._piles_up(topic, FURTHER * stages[topic].partitions) for topic in later[1:]):
            ahead = late
        else:
            ahead = self._ahead(late)
        held = {tp for tp in ahead if tp in active and not self._has_its_turn(tp)}
        return active - held or active

    def _ahead(self, late: list[Any]) -> list[Any]:
        """Return which of the `late` partitions are well ahead in event time of another with a backlog, here or elsewhere.

        How far other workers' partitions are is known from the second stage, which lags; beside those, ours count as far as it
        knows them to be.
        """
        if not late:
            return []  # it is asked with every poll
        stages = self._reader.stages
        first, *later = stages.values()
        reached = {tp: time for tp in late if (time := first.reached(tp.partition)) is not None}
        slowest = next((tp for tp in sorted(reached, key=reached.__getitem__) if self._moves(tp)), None)
        ahead = [] if slowest is None else _beyond(reached, reached[slowest])
        heard = later[0].heard() if later else {}
        ours = {tp.partition for tp in self._reader.begins if stages[tp.topic] is first}
        others = {p: time for p, (offset, time) in heard.items() if p not in ours and self._changes(p, offset)}
        if others:
            known = {tp: heard[tp.partition][1] for tp in late if tp.partition in heard}
            ahead += _beyond(known, min(others.values()))
        return ahead

    def _piles_up(self, topic: str, most: int) -> bool:
        """Tell whether more than `most` messages wait in a partition of the topic that moves."""
        held, waiting = self._reader.begins, self._reader.waiting
        return any(tp.topic == topic and waiting(tp) > most and self._moves(tp) for tp in held)

    def _has_its_turn(self, tp: Any) -> bool:
        now = monotonic()
        if now - self._turns.setdefault(tp, now) < TURN:
            return False
        self._turns[tp] = now
        return True

    def _moves(self, tp: Any) -> bool:
        """Tell whether a partition's next offset has changed lately."""
        return self._changes(tp, self._reader.stages[tp.topic].next_offset(tp.partition))

    def _changes(self, what: Any, offset: int | None) -> bool:
        """Tell whether an offset, of whatever it is, has changed in the last STUCK seconds, as far as it was looked at."""
        now = monotonic()
        before, since, looked = self._seen.get(what, (None, now, now))
        if before != offset or now - looked > STUCK:
            since = now
        self._seen[what] = offset, since, now
        return now - since < STUCK


def _beyond(times: Mapping[Any, int], slowest: int) -> list[Any]:
    """Return what is too far ahead of the slowest."""
    return [what for what, time in times.items() if time > slowest + APART]
