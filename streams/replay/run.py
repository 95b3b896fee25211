"""A replay: lines in, records out, at a chosen speed, on a chosen time line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal, Protocol

import msgspec

from streams.replay.events import UNKNOWN, Broken, Timed, in_order, instant, read, shifted
from streams.replay.lines import Lines
from streams.replay.order import Order
from streams.replay.pace import Pace

REPORTED: Final = 20
"""Broken lines that are reported one by one; the others are counted."""
EVERY: Final = 1_024
"""Events between reports of progress."""
LOOK: Final = 0.1
"""Seconds between reports of progress while an event is not due."""
EARLY: Final = 0.002
"""Seconds that an event may go before it is due; shorter sleeps are not worth their while."""

Phase = Literal["reading", "sending"]


class Progress(msgspec.Struct, frozen=True):
    """How far a replay is.

    `fraction` is of the phase, 0 to 1, or None when that cannot be known; `at` is the latest event time, in
    ms, or UNKNOWN.
    """

    phase: Phase
    fraction: float | None
    sent: int
    broken: int
    late: int
    at: int


class Sender(Protocol):
    """Where records go; `acknowledged` of them have arrived."""

    acknowledged: int

    def send(self, partition: int, value: bytes) -> None:
        """Put `value` on its way to `partition`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What `replay_files` was asked for."""

    speed: float | None
    rebase_to: int | None
    sort: bool
    limit: int | None

    @property
    def timed(self) -> bool:
        """Whether every line must say its time."""
        return self.sort or self.speed is not None or self.rebase_to is not None

    @property
    def first_lands(self) -> bool:
        """Whether it is the first event that lands where times are moved to, and not the latest.

        As fast as events happen, their time shall go with the clock; faster, it would soon lie in the future.
        """
        return self.speed is not None and self.speed <= 1


class Run:
    """One replay under way; counts as it goes, so that an interruption finds the counts right."""

    def __init__(
        self,
        lines: Lines,
        sender: Sender,
        order: Order,
        *,
        plan: Plan,
        progress: Callable[[Progress], None],
        warn: Callable[[str], None],
        clock: Callable[[], float],
        pause: Callable[[float], None],
    ) -> None:
        self.lines, self.sender, self.order, self.plan = lines, sender, order, plan
        self.progress, self.warn, self.clock, self.pause = progress, warn, clock, pause
        self.broken = self.late = self.shift = self.given = 0
        self.earliest = self.latest = UNKNOWN
        self._total: int | None = None

    @property
    def reached(self) -> str | None:
        """Return the line it has come to, or how many of the events in memory; None before the first."""
        if self._total is not None:
            return f"event {self.given:,} of {self._total:,}"
        return self._line() if self.lines.number else None

    def _line(self) -> str:
        return f"{self.lines.path}:{self.lines.number}"

    def tell(self, phase: Phase, fraction: float | None) -> None:
        """Report progress."""
        sent = self.sender.acknowledged
        self.progress(Progress(phase, fraction, sent, self.broken, self.late, self.latest))

    def send(self) -> None:
        """Give every event to the publisher when it is due."""
        partitions = len(self.order.held)
        paced = Pace(self.plan.speed) if self.plan.speed is not None else None
        for event in self._moved(self._planned()):
            if self.given % EVERY == 0:
                self._tell_sending()
            while paced and (left := paced.left(event.time, self.clock())) > EARLY:
                self.pause(min(left, LOOK))
                self._tell_sending()
            partition = self.given % partitions
            self._note(partition, event.time)
            self.sender.send(partition, event.line)
            self.given += 1

    def _planned(self) -> Iterable[Timed]:
        """Return the events to send; find out how far to move them, if it is the latest that lands."""
        plan, lines = self.plan, self.lines
        events: Iterable[Timed] = read(lines, timed=plan.timed, broken=self._leave_out)
        latest_lands = plan.rebase_to is not None and not plan.first_lands
        if plan.sort:
            events = in_order(self._watched(events))[: plan.limit]
        elif latest_lands and not lines.rereadable:
            events = list(self._watched(islice(events, plan.limit)))
        else:
            events = islice(events, plan.limit)
        if isinstance(events, list):
            self._total = len(events)
        if latest_lands and plan.rebase_to is not None:
            looked_at: Iterable[Timed] = events
            if not isinstance(events, list):
                once = read(lines, timed=True, broken=lambda _: None)  # they are reported the second time
                looked_at = self._watched(islice(once, plan.limit))
            self.shift = plan.rebase_to - max((event.time for event in looked_at), default=plan.rebase_to)
        return events

    def _moved(self, events: Iterable[Timed]) -> Iterator[Timed]:
        target = self.plan.rebase_to
        if target is None:
            yield from events
            return
        for event in events:
            if self.plan.first_lands and not self.given:
                self.shift = target - event.time
            try:
                yield shifted(event, self.shift)
            except Broken as why:
                self._leave_out(str(why), of=f"the event of {instant(event.time)}")

    def _watched(self, events: Iterable[Timed]) -> Iterator[Timed]:
        for count, event in enumerate(events):
            if count % EVERY == 0:
                self.tell("reading", self.lines.fraction())
            yield event

    def _tell_sending(self) -> None:
        fraction = self.given / self._total if self._total else self.lines.fraction()
        if self.plan.limit:
            fraction = max(self.given / self.plan.limit, fraction or 0.0)
        self.tell("sending", fraction)

    def _leave_out(self, why: str, *, of: str = "") -> None:
        self.broken += 1
        if self.broken <= REPORTED:
            self.warn(f"{of or self._line()}: left out: {why}")
        if self.broken == REPORTED:
            self.warn("more broken lines, if there are, are counted only")

    def _note(self, partition: int, time: int) -> None:
        if self.order.late(partition, time):
            self.late += 1
            if self.late == 1:
                self.warn(self._why_late(partition, time))
        if time > self.latest:
            self.latest = time
        if time != UNKNOWN and (time < self.earliest or self.earliest == UNKNOWN):
            self.earliest = time

    def _why_late(self, partition: int, time: int) -> str:
        allowed = f"what is more than JUICE_LATENESS ({self.order.lateness / 60_000:g} min)"
        if self.order.out_of_order(partition, time):
            return f"{self._line()}: not in time order; {allowed} behind is a dead letter; try --sort"
        held = instant(self.order.held[partition])
        return f"the topic already holds events of {held}; {allowed} older is a dead letter"
