"""Ways out of the process, and named crash points that tests arm.

The house is crash-only: a fault of the program's own ends the process at once with a code that says why, and the
supervisor starts it again from what is durable. Bad input is never such a fault.
"""

from __future__ import annotations

import os
import signal
import sys
from enum import IntEnum
from typing import Final, NoReturn

import structlog

log = structlog.get_logger("juice")


class Exit(IntEnum):
    """Exit codes of a worker or sink, for supervisors."""

    OK = 0
    USAGE = 2
    """A setting, schema or server that a person has to mend; starting again does not help."""
    UNAVAILABLE = 69
    """No server answers a worker that has run before, or a sink that starts; or a worker lacks a topic or its end, or the input
    has more partitions than it had. Who is started again looks anew."""
    FAULT = 70
    """A fault of the program's own in mid-batch; nothing was acknowledged."""
    CORRUPTION = 71
    """State that cannot be read; see docs/runbook.md before starting again."""
    LEASE = 75
    """The group may have given our partitions away; somebody else writes them now."""
    RECOVERY = 76
    """Recovery took longer than its deadline."""
    STALLED = 77
    """Input waits and nothing moves."""


class CorruptState(Exception):
    """State that cannot be read: damaged, or of a version that this one does not know. Ends the process with CORRUPTION."""


POINTS: Final = (
    "ingest.before-sends",
    "ingest.after-sends",
    "ingest.after-progress",
    "accept.before-sends",
    "accept.after-sends",
    "accept.after-progress",
    "accumulate.before-sends",
    "accumulate.after-sends",
    "accumulate.after-progress",
    "worker.recovering",
    "worker.rebalancing",
    "worker.sending",
    "worker.before-commit",
    "worker.after-commit",
    "sink.before-insert",
    "sink.after-insert",
    "sink.after-commit",
    "migrate.between",
    "rebuild.between",
)
"""Every edge at which durability changes hands. `JUICE_CRASH_AT=NAME[:N]` kills the process at the Nth passing, and
`NAME:N:freeze` stops it there until somebody wakes it."""

_armed: str = ""
_countdown: int = 0
_signal: signal.Signals = signal.SIGKILL


def arm(point: str) -> None:
    """Arm the crash point `NAME[:N[:freeze]]`; raise ValueError for what is not that, or not one of POINTS."""
    global _armed, _countdown, _signal
    name, _, rest = point.partition(":")
    count, _, how = rest.partition(":")
    if name not in POINTS or how not in ("", "freeze"):
        raise ValueError(f"no crash point {point!r}; write NAME[:N[:freeze]] with one of {', '.join(POINTS)}")
    _armed, _countdown = name, int(count or 1)
    _signal = signal.SIGSTOP if how else signal.SIGKILL


def crash_point(name: str) -> None:
    """Die here with SIGKILL if this point is armed and its time has come; otherwise cost one comparison."""
    global _countdown
    if name == _armed:
        _countdown -= 1
        if _countdown == 0:
            print(f"crash point {name} fired", file=sys.stderr, flush=True)
            os.kill(os.getpid(), _signal)


def die(code: Exit, why: str) -> NoReturn:
    """End the process now, saying why in one line. No handlers, no clean-up: only what is durable counts."""
    try:
        _say(code, f"juice: {code.name.lower()}: {why}")
    finally:
        os._exit(code)


def _say(code: Exit, line: str) -> None:
    """Say it as everything else is said: in the log, where there is one, which writes it before it returns."""
    if not structlog.is_configured():
        print(line, file=sys.stderr, flush=True)
    elif code == Exit.OK:
        log.warning(line)
    else:
        log.critical(line, code=int(code))
