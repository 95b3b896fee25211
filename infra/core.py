"""One core for all threads of a process that computes under one lock, as long as there is room on it.

Python runs one thread of a process at a time. Where the kernel puts threads that take turns on several cores, what one of
them has touched moves from cache to cache with each turn: docs/decisions/0012-core.md has what that costs.
"""

from __future__ import annotations

import os
import time
from typing import Final

import psutil
import structlog

from infra.clock import monotonic

log = structlog.get_logger("juice")

WINDOW: Final = 2.0
"""Seconds over which is looked at who was busy."""
BUSY: Final = 0.3
"""Of a core, from which it is worth keeping to one,"""
IDLE: Final = 0.1
"""and below which it is not any more."""
CROWDED: Final = 0.5
"""Of the core, that others may take until we give way."""
AWAY: Final = 30.0
"""Seconds after giving way until we keep to a core again."""


class Core:
    """Keeps this process, while it is busy, on the core where the kernel has put it, and gives way where others want that.

    So workers that share a machine, seen or unseen by each other, come apart. Where the system knows no affinity, or there is
    one core to be on, it does nothing.
    """

    def __init__(self) -> None:
        self.kept: int | None = None
        """The core that is kept to."""
        self._allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set[int]()
        self._again = 0.0
        self._note(monotonic())

    def look(self) -> None:
        """Keep to a core, or give it up, by who was busy since the last look; to be called about once a second."""
        now = monotonic()
        span = now - self._since
        if len(self._allowed) < 2 or span < WINDOW:
            return
        own = time.process_time() - self._own
        try:
            if self.kept is None:
                if own > BUSY * span and now >= self._again:
                    self._keep_to(psutil.Process().cpu_num())
            elif own < IDLE * span:
                self._give_up()
            elif (others := _busy(self.kept) - self._others - own) > CROWDED * span:
                log.info("gave up a crowded core", core=self.kept, others=round(others / span, 2))
                self._give_up()
                self._again = now + AWAY
            self._note(now)
        except OSError as error:  # some sandboxes forbid it
            log.info("no core is kept to", error=str(error))
            self._allowed = set()

    def _note(self, now: float) -> None:
        self._since, self._own = now, time.process_time()
        self._others = 0.0 if self.kept is None else _busy(self.kept)

    def _keep_to(self, core: int) -> None:
        if core in self._allowed:
            _confine({core})
            self.kept = core

    def _give_up(self) -> None:
        _confine(self._allowed)
        self.kept = None


def _confine(cores: set[int]) -> None:
    """Let all threads of this process run on these cores only; those to come inherit it."""
    for thread in psutil.Process().threads():
        try:
            os.sched_setaffinity(thread.id, cores)
        except ProcessLookupError:  # it has ended
            continue


def _busy(core: int) -> float:
    """Return the seconds for which a core was busy since the machine was started."""
    times = psutil.cpu_times(percpu=True)[core]
    return float(times.user + times.nice + times.system + times.irq + times.softirq)
