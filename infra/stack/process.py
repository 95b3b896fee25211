"""Servers as detached processes: start, recognise again, stop, and never touch a stranger.

A pid alone may have been given to another process since. A `Process` therefore also remembers when it was
created, and counts as alive only while both agree.
"""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
import psutil

from infra import clock

# Creation times come from the boot time, which moves a little when the system clock is set.
_SAME_INSTANT_S = 2.0

_STANDSTILL_S = 10.0

_FRAME = re.compile(r"\s+at |\d+\. |\s+\.\.\. \d+ more")  # of Java, of ClickHouse

# Servers started by this very process are its children: they must be reaped, or they stay as zombies.
_children: dict[int, subprocess.Popen[bytes]] = {}


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """A process started by us: its pid and its creation time (epoch seconds)."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> Process:
        """The process that has this pid now; raises psutil.NoSuchProcess."""
        return cls(pid=pid, created=psutil.Process(pid).create_time())

    def alive(self) -> bool:
        """True while this very process runs (a zombie does not run)."""
        return self._find() is not None

    def send(self, sig: signal.Signals) -> bool:
        """Send `sig`; False when there is nobody to send it to.

        SIGSTOP is a promise that nothing is answered from now on, so it returns when the process stands still: the
        system asks one thread to stop the others, and on a busy machine these answer until that one has its turn.
        """
        found = self._find()
        if found is None:
            return False
        try:
            found.send_signal(sig)
            deadline = clock.monotonic() + _STANDSTILL_S
            while sig == signal.SIGSTOP and found.status() != psutil.STATUS_STOPPED and clock.monotonic() < deadline:
                time.sleep(0.002)
        except psutil.NoSuchProcess:
            return False
        return True

    def stop(self, sig: signal.Signals = signal.SIGTERM, *, grace: float = 20.0) -> None:
        """Send `sig`, wait `grace` seconds, then SIGKILL. Returns when it is gone; harmless when it is."""
        if self.send(sig):
            self.send(signal.SIGCONT)  # one that was frozen hears nothing but SIGKILL
            if not self._gone_within(grace):
                self.send(signal.SIGKILL)
                self._gone_within(10.0)

    def _gone_within(self, seconds: float) -> bool:
        deadline = clock.monotonic() + seconds
        while self.alive():
            if clock.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def _find(self) -> psutil.Process | None:
        found = self._running()
        if found is None:  # only now, since it may end at any moment before
            _bury(self.pid)
        return found

    def _running(self) -> psutil.Process | None:
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < _SAME_INSTANT_S
            return process if same and not _ended(process) else None
        except psutil.NoSuchProcess:
            return None


def _bury(pid: int) -> None:
    """Take an ended child of ours out of the system's table."""
    child = _children.get(pid)
    if child is not None and child.poll() is not None:
        del _children[pid]


def _ended(process: psutil.Process) -> bool:
    """True for a zombie. One whose other threads have yet to end still holds its files and ports."""
    return process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1


def spawn(command: Sequence[str], *, log: Path) -> Process:
    """Start `command` in a session of its own, its output appended to `log`, so that it outlives us."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _children[child.pid] = child
    return Process.of(child.pid)


def stop_all(processes: Iterable[Process], sig: signal.Signals = signal.SIGTERM, *, grace: float = 20.0) -> None:
    """Ask all to end, then wait for each: three brokers that end together take as long as one."""
    running = list(processes)
    for process in running:
        process.send(sig)
    for process in running:
        process.stop(sig, grace=grace)


def ending_with(*arguments: str) -> list[Process]:
    """Every running process whose command line ends with exactly these arguments."""
    return [
        Process(pid=process.pid, created=process.info["create_time"])
        for process in psutil.process_iter(["cmdline", "create_time"])
        if tuple(process.info["cmdline"] or ())[-len(arguments) :] == arguments  # a zombie has none
    ]


def tail(log: Path, *, lines: int = 15, since: int = 0) -> str:
    """The last lines of a log after byte `since`, empty when there are none.

    The frames of stack traces are left out: a few of them would push the reason out of sight.
    """
    try:
        with log.open("rb") as file:
            file.seek(max(since, log.stat().st_size - 64_000))
            written = file.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return ""
    return "\n".join([line for line in written if line.strip() and not _FRAME.match(line)][-lines:])
