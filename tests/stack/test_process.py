"""Processes are recognised again, stopped, and never taken for another."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from infra.stack.process import Process, ending_with, spawn, tail

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True)"
STUBBORN = [sys.executable, "-c", f"{DEAF}; time.sleep(60)"]


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Process]:
    """A process that does nothing, ended after the test."""
    process = spawn(SLEEP, log=tmp_path / "log")
    yield process
    process.stop(signal.SIGKILL)


def test_a_process_is_alive_until_it_is_stopped(sleeper: Process) -> None:
    """After `stop` returns the process is gone, and stopping it again does no harm."""
    assert sleeper.alive()
    sleeper.stop()
    assert not sleeper.alive()
    sleeper.stop()


def test_one_that_ends_while_it_is_looked_at_leaves_no_zombie(
    sleeper: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child is taken out of the system's table by the very look that finds it ended."""

    def ends(pid: int) -> psutil.Process:
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        return looked_at(pid)

    looked_at = psutil.Process
    monkeypatch.setattr(psutil, "Process", ends)
    assert not sleeper.alive()
    assert not psutil.pid_exists(sleeper.pid)


def test_a_pid_given_to_another_process_is_left_alone(sleeper: Process) -> None:
    """A remembered process of the same pid and another creation time is not this one and gets no signal."""
    remembered = msgspec.structs.replace(sleeper, created=sleeper.created - 3600)
    assert not remembered.alive()
    remembered.stop(signal.SIGKILL)
    assert not remembered.send(signal.SIGKILL)
    assert sleeper.alive()


def test_one_that_ignores_sigterm_is_killed_after_its_grace(tmp_path: Path) -> None:
    """SIGKILL follows when SIGTERM has not ended it in time, and not before."""
    log = tmp_path / "log"
    process = spawn(STUBBORN, log=log)
    while not tail(log):
        time.sleep(0.01)
    began = time.monotonic()
    process.stop(grace=0.5)
    assert not process.alive()
    assert time.monotonic() - began >= 0.5


def test_a_frozen_process_can_be_stopped(sleeper: Process) -> None:
    """SIGTERM reaches a process that SIGSTOP froze, without waiting for SIGKILL."""
    sleeper.send(signal.SIGSTOP)
    began = time.monotonic()
    sleeper.stop(grace=30)
    assert not sleeper.alive()
    assert time.monotonic() - began < 30


def test_a_process_outlives_the_one_that_started_it(tmp_path: Path) -> None:
    """A spawned server is in a session of its own and goes on when its starter has ended."""
    script = (
        "from pathlib import Path; import msgspec; from infra.stack.process import spawn; "
        f"print(msgspec.json.encode(spawn({SLEEP!r}, log=Path({str(tmp_path / 'log')!r}))).decode())"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    process = msgspec.json.decode(said.stdout, type=Process)
    try:
        assert process.alive()
    finally:
        process.stop(signal.SIGKILL)


def test_processes_are_found_by_the_end_of_their_command_line(tmp_path: Path) -> None:
    """Only the process whose last arguments are these is found, not one that has them elsewhere."""
    mine = spawn([*SLEEP, "serve", str(tmp_path)], log=tmp_path / "log")
    other = spawn([*SLEEP, "serve", str(tmp_path), "-R"], log=tmp_path / "log")
    try:
        while not all(psutil.Process(process.pid).cmdline() for process in (mine, other)):
            time.sleep(0.001)  # the system has begun to execute it, and not put its words in place yet
        assert [process.pid for process in ending_with("serve", str(tmp_path))] == [mine.pid]
    finally:
        mine.stop(signal.SIGKILL)
        other.stop(signal.SIGKILL)


def test_the_tail_of_a_log_is_its_last_lines_after_an_offset(tmp_path: Path) -> None:
    """`tail` leaves out what an earlier start wrote, keeps the last lines, and reads no file as nothing."""
    log = tmp_path / "log"
    assert tail(log) == ""
    log.write_text("old\n")
    since = log.stat().st_size
    log.write_text("old\n" + "".join(f"line {n}\n" for n in range(30)))
    assert tail(log, lines=2, since=since) == "line 28\nline 29"
    assert "old" not in tail(log, lines=100, since=since)


def test_the_tail_of_a_log_has_reasons_and_no_stack_frames(tmp_path: Path) -> None:
    """A trace of Java or ClickHouse, however long, does not push out the line before it."""
    log = tmp_path / "log"
    frames = "".join(f"\tat java.lang.Thread.run({n})\n{n}. DB::Exception::Exception()\n" for n in range(40))
    log.write_text(f"the reason\n{frames}\t... 3 more\n\n")
    assert tail(log) == "the reason"
