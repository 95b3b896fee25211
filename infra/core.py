"""One core for all threads of a process that computes under one lock, as long as there is room on it.

Python runs one thread of a process at a time. Where the kernel puts threads that take turns on several cores, what one of
them has touched moves from cache to cache with each turn: docs/decisions/0012-core.md has what that costs.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil
import structlog

from infra.clock import monotonic

log = structlog.get_logger("juice")

WINDOW: Final = 2.0
"""Seconds over which is looked at who was busy."""
CROWDED: Final = 0.4
"""Of the core, that others may take until we give way. Less than a half: where two of us share one, each has that."""
AWAY: Final = 30.0
"""Seconds after giving way until we keep to a core again."""


class Core:
    """Keeps this process on the core where the kernel has put it, busy or at rest, and gives way where others want that.

    So workers that share a machine, seen or unseen by each other, come apart. Where the system knows no affinity or does not say
    how busy a core is, where it forbids to choose, and where there is one core to be on, it does nothing. Whoever moves us
    meanwhile has the last word.
    """

    def __init__(self) -> None:
        self.kept: int | None = None
        """The core that is kept to."""
        self._before = set[int]()
        """Where we might be before."""
        self._again = 0.0
        self._possible = hasattr(os, "sched_getaffinity")
        self._since, self._own, self._busy = monotonic(), time.process_time(), 0.0

    def look(self) -> None:
        """Keep to a core, or give it up, by who was busy since the last look; to be called about once a second."""
        now = monotonic()
        span = now - self._since
        if not self._possible or span < WINDOW:
            return
        own = time.process_time() - self._own
        try:
            if self.kept is not None:
                self._look_back(self.kept, span, own, now)
            elif now >= self._again:
                self._keep_to(psutil.Process().cpu_num())
        except (OSError, psutil.Error) as error:  # some sandboxes forbid it
            log.info("no core is kept to", error=str(error))
            self._possible = False
            if self.kept is not None:
                with suppress(OSError, psutil.Error):
                    self._give_up()
        self._since, self._own = now, time.process_time()

    def _look_back(self, kept: int, span: float, own: float, now: float) -> None:
        """Give the core up if there is no room on it, or nobody says so any more."""
        busy = _busy(kept)
        if os.sched_getaffinity(0) != {kept}:  # somebody else has decided
            self.kept = None
        elif busy is None:
            self._give_up()
        elif (others := busy - self._busy - own) > CROWDED * span:
            log.debug("gave up a crowded core", core=kept, others=round(others / span, 2))
            self._give_up()
            self._again = now + AWAY
        else:
            self._busy = busy

    def _keep_to(self, core: int) -> None:
        allowed, busy = os.sched_getaffinity(0), _busy(core)
        if core in allowed and len(allowed) > 1 and busy is not None:
            self.kept, self._before, self._busy = core, allowed, busy
            _confine({core})

    def _give_up(self) -> None:
        self.kept = None
        _confine(self._before)


def _confine(cores: set[int]) -> None:
    """Let all threads of this process run on these cores only; those to come inherit it."""
    done = set[int]()
    while fresh := {thread.id for thread in psutil.Process().threads()} - done:  # some may have begun meanwhile
        for thread in fresh:
            with suppress(ProcessLookupError):  # it has ended
                os.sched_setaffinity(thread, cores)
        done |= fresh


def _busy(core: int) -> float | None:
    """Return the seconds for which a core was busy since the machine was started; None where the system does not say, or,
    as some containers', numbers the cores anew.
    """
    lines = [line.split() for line in Path("/proc/stat").read_text().splitlines() if re.match(r"cpu\d", line)]
    found = {name: times for name, *times in lines}.get(f"cpu{core}")
    if found is None or len(lines) != os.cpu_count():
        return None
    user, nice, system, _, _, interrupts, soft, *_ = map(int, found)
    return (user + nice + system + interrupts + soft) / os.sysconf("SC_CLK_TCK")
