"""The supervisor: starts the worker process, and starts it again when it ends by itself, with back-off."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Final

import structlog

from infra.clock import monotonic
from streams.engine import seat
from streams.engine.faults import Exit

log = structlog.get_logger("juice")

FIRST: Final = 0.5
LONGEST: Final = 30.0
SETTLED: Final = 60.0
"""A worker that has run for so many seconds has settled: its next restart is quick again."""


def supervise(command: Sequence[str]) -> int:
    """Run `command` until it ends well, in a user's mistake, or by our own SIGTERM or SIGINT; return its exit code.

    What else ends it (a fault, a deadline, a kill) starts it again after 0.5 s, then twice as long each time up to
    30 s. The child is told how often in JUICE_RESTARTS. A crash point is armed for the first child only.
    """
    stop = threading.Event()
    child: subprocess.Popen[bytes] | None = None

    def forward(number: int, _: object) -> None:
        stop.set()
        if child is not None and child.poll() is None:
            child.send_signal(signal.SIGTERM)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, forward)
    pause, restarts, lent = FIRST, 0, seat.lend()
    while True:
        started = monotonic()
        environ = {**os.environ, "JUICE_RESTARTS": str(restarts), seat.LENT: str(lent)}
        if restarts:
            environ.pop("JUICE_CRASH_AT", None)
        # A session of its own: Ctrl-C reaches the child through us, once.
        child = subprocess.Popen(
            command, env=environ, start_new_session=True, stdin=subprocess.DEVNULL, pass_fds=(lent,)
        )
        if stop.is_set():
            child.send_signal(signal.SIGTERM)
        code = _wait(child)
        if stop.is_set() or code in (Exit.OK, Exit.USAGE):
            return max(code, 0)
        pause = FIRST if monotonic() - started > SETTLED else pause
        restarts += 1
        log.warning("worker ended, starting it again", code=code, restarts=restarts, in_seconds=pause)
        stop.wait(pause)
        if stop.is_set():
            return 0
        pause = min(pause * 2, LONGEST)


def _wait(child: subprocess.Popen[bytes]) -> int:
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:  # pragma: no cover  delivered as a signal above
            sys.stderr.flush()
