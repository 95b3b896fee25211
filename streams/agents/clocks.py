"""How far the sources of an accept partition have come, and what follows: who is slow, who is silent, where the floor is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.wire import UNHEARD, Decoded
from streams.subject import MINUTE

FAR: Final = 1 << 62
PAST: Final = 500
"""Least distance (ms) between two remembered (append time, watermark) points of a source."""
MAX_PAST: Final = 64
"""Most such points; beyond it every other one is dropped, which only delays the floor."""
WAITED: Final = 2_000
"""Milliseconds. A source whose records wait for so long before ingest has a backlog."""


@dataclass(slots=True)
class Clock:
    """How far a source has come: a partition of the input, or another accept partition."""

    seen: int = 0
    time: int = UNHEARD
    watermark: int = UNHEARD
    appended: int = 0
    """When Kafka appended the newest of its records that reached us; ms of Kafka's clock."""
    silent: int = 0
    """Kafka's time up to which it is known to have had nothing further; 0 if it spoke since."""
    past: list[tuple[int, int]] = field(default_factory=list)
    """Earlier (`appended`, `watermark`), at least PAST ms apart, as far back as silent sources ask."""
    waited: int = 0
    """How long the newest of its records waited before ingest, ms."""

    def hear(self, message: Decoded, timestamp: int, idle_after: int) -> None:
        """Note what a message, which Kafka had at `timestamp`, says of its source."""
        self.seen = max(self.seen, message.end)
        self.time = max(self.time, message.time)
        if not message.silent:
            self._say(message.appended, message.watermark)
            self.waited = timestamp - message.appended
        elif message.begin >= self.seen:  # else it has spoken since: said late, by its former worker
            self._rest(message.appended, message.watermark, timestamp - idle_after)

    def _say(self, appended: int, watermark: int) -> None:
        """Note how far the source had come when Kafka had its newest record."""
        self.silent = 0
        self._reach(appended, watermark)

    def _rest(self, until: int, watermark: int, limit: int) -> None:
        """Note that the source had nothing further up to `until`; of that, moments after `limit` do not count."""
        self.silent = min(max(self.silent, until), limit)
        if watermark > self.watermark:  # by a record that sent us nothing, so we do not know when it was appended
            self._reach(self.silent, watermark)

    def _reach(self, appended: int, watermark: int) -> None:
        self.appended = max(self.appended, appended)
        if watermark != UNHEARD:
            self.watermark = watermark = max(self.watermark, watermark)
            if not self.past or self.appended >= self.past[-1][0] + PAST:
                self.past.append((self.appended, watermark))

    def watermark_at(self, moment: int) -> int:
        """Return a watermark that the source had reached by a moment of Kafka's time, and forget earlier points."""
        while len(self.past) > 1 and self.past[1][0] <= moment:
            del self.past[0]
        if len(self.past) > MAX_PAST:
            del self.past[1::2]
        if self.appended <= moment:
            return self.watermark
        return self.past[0][1] if self.past and self.past[0][0] <= moment else UNHEARD


class Clocks:
    """The clocks of all sources, which are the partitions of the input and, by -1 less their number, those of accept."""

    def __init__(self, sources: int, partitions: int) -> None:
        self.of = {source: Clock() for source in (*range(sources), *(-1 - other for other in range(partitions)))}
        self.floor = UNHEARD
        """No event with an earlier time is accepted any more."""
        self.settled = UNHEARD
        """No order for an earlier time will come either."""
        self.time = UNHEARD
        self._told_across = UNHEARD
        self._told_onward = UNHEARD, UNHEARD
        """What was last told: the floor to the other accept partitions; time and settled to accumulate."""

    @property
    def kept(self) -> tuple[Any, ...]:
        """Return what `restore` takes."""
        clocks = [(s, c.seen, c.time, c.watermark, c.appended, c.silent, c.past) for s, c in self.of.items()]
        return clocks, self.floor, self.settled, self.time

    def restore(self, clocks: Iterable[tuple[Any, ...]], floor: int, settled: int, time: int) -> None:
        """Go on from what was `kept`."""
        self.of |= {source: Clock(*clock) for source, *clock in clocks}
        self.floor, self.settled, self.time = floor, settled, time

    def heard(self) -> dict[int, tuple[int, int]]:
        """Return, for each input partition with a backlog, the offset and event time (ms) it had reached when last heard of."""
        late = {source: clock for source, clock in self.of.items() if source >= 0 and clock.waited >= WAITED}
        return {source: (clock.seen, clock.time) for source, clock in late.items() if not clock.silent}

    def advance(self) -> None:
        """Let time pass: the slowest source decides.

        A caught-up silent source reports every few seconds the Kafka time up to which it had nothing. The floor then uses the
        watermarks that the other sources had at that time, so it holds them back by no more than that; and when all wake at
        once, the first to be read does not make the others late. Where all are silent, the one furthest ahead decides.
        """
        sources = self._inputs()
        known = min((clock.silent for clock in sources if clock.silent), default=FAR)
        speaking = [clock.watermark_at(known) for clock in sources if not clock.silent]
        floor = min(speaking) if speaking else max(clock.watermark_at(known) for clock in sources)
        self.floor = max(self.floor, floor)
        self.time = max(self.time, *(clock.time for clock in self.of.values()))
        settled = min(clock.watermark for source, clock in self.of.items() if source < 0)
        self.settled = max(self.settled, min(settled, self.floor))

    def passed(self) -> tuple[bool, bool]:
        """Tell whether so much time has passed since it was last told that the other accept partitions, and accumulate, should
        hear of it: a minute of event time. Once all sources have been silent for a minute, any: otherwise how far everybody
        comes in the end would depend on how batches were cut. What should be told counts as told.
        """
        sources = self._inputs()
        rested = min(clock.silent for clock in sources) >= max(clock.appended for clock in sources) + MINUTE
        step = 1 if rested else MINUTE
        across = self.floor // step != self._told_across // step
        told = self.time, self.settled
        onward = any(now // step != then // step for now, then in zip(told, self._told_onward, strict=True))
        if across:
            self._told_across = self.floor
        if onward:
            self._told_onward = told
        return across, onward

    def _inputs(self) -> list[Clock]:
        return [clock for source, clock in self.of.items() if source >= 0]
