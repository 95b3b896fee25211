"""How a peer's process is timed, watched and ended, shown on small programs that only speak the protocol."""

from __future__ import annotations

import sys
import textwrap
import time
from pathlib import Path
from typing import ClassVar

import psutil
import pytest

from infra.bench import measure as module
from infra.bench.installer import Installer
from infra.bench.measure import PeerFailed, Run, measure
from infra.bench.peer import Peer
from infra.bench.programs.task import Task

TRUTH = {("ada", 60_000): 60, ("bob", 60_000): 40}

PRELUDE = """\
import sys, time
task = dict(argument.split("=", 1) for argument in sys.argv[1:])
def say(what, counted, at): print("BENCH", what, counted, at, flush=True)
def write(ada, bob): open(task["result"], "w").write(f"ada\\t60000\\t{ada}\\nbob\\t60000\\t{bob}\\n")
"""


class Script(Peer):
    """A peer that runs a few lines of Python."""

    name: ClassVar[str] = "script"
    title: ClassVar[str] = "Script"
    form: ClassVar[str] = ""
    durable: ClassVar[str] = ""

    def __init__(self, lines: str) -> None:
        self.lines = PRELUDE + textwrap.dedent(lines)

    def install(self, installer: Installer) -> None:
        """Python is there."""

    def command(self, task: Task, library: Path) -> list[str]:
        """Run the lines."""
        return [sys.executable, "-c", self.lines, *task.arguments()]

    def versions(self) -> dict[str, str]:
        """Say nothing."""
        return {}


def run(lines: str, patience: float = 120.0) -> Run:
    """Measure a script that counts 100 of 200 records."""
    return measure(
        Script(lines),
        broker="",
        topic="",
        partitions=1,
        records=200,
        truth=TRUTH,
        shuffle=False,
        name="test",
        patience=patience,
    )


def test_the_clock_runs_from_warm_to_done() -> None:
    """Timed is what comes after the first line beyond a quarter, in records, by the program's own clock."""
    found = run("say('at', 10, 1.0); say('at', 30, 2.0); say('at', 60, 3.0); say('done', 100, 4.0); write(60, 40)")
    assert found.seconds == 2.0
    assert found.records == 140
    assert found.rate == 70
    assert found.verdict is not None
    assert found.verdict.exact


def test_one_large_step_is_timed_from_the_start() -> None:
    """A peer that goes from nothing to everything is timed from its first line."""
    found = run("say('at', 0, 1.0); say('at', 100, 2.0); say('done', 100, 2.0); write(60, 40)")
    assert (found.records, found.seconds) == (200, 1.0)


def test_fast_but_wrong_is_found() -> None:
    """A program that says it is done with wrong counts gets figures and a verdict that is not exact."""
    found = run("say('at', 30, 2.0); say('done', 100, 4.0); write(60, 41)")
    assert found.verdict is not None
    assert found.verdict.different == 1


def test_cpu_time_is_that_of_all_its_processes() -> None:
    """What a child burns while the clock runs counts as the peer's."""
    found = run(
        """
        import subprocess
        say("at", 30, time.monotonic())
        time.sleep(0.3)
        spin = "import time; end = time.process_time() + 0.5\\nwhile time.process_time() < end: pass"
        subprocess.run([sys.executable, "-c", spin])
        say("done", 100, time.monotonic())
        write(60, 40)
        """
    )
    assert 0.4 < found.cpu_seconds < found.seconds + 0.2


def test_memory_is_seen() -> None:
    """The resident memory of the program is looked at while it runs."""
    found = run(
        """
        kept = bytearray(b"x") * 60_000_000
        say("at", 30, 2.0)
        time.sleep(1.0)
        say("done", 100, 4.0)
        write(60, 40)
        """
    )
    assert found.memory > 60_000_000


def test_a_program_that_ends_early_has_failed() -> None:
    """No `done` means no figures, and what it printed last on standard error is told."""
    with pytest.raises(PeerFailed, match=r"(?s)status 3 while it worked.*out of luck"):
        run("say('at', 50, 1.0); print('out of luck', file=sys.stderr); sys.exit(3)")


def test_a_program_that_takes_too_long_is_ended() -> None:
    """Patience is bounded, and the process and its children are gone afterwards."""
    before = set(psutil.pids())
    begin = time.monotonic()
    with pytest.raises(PeerFailed, match="took longer than 1 s"):
        run(
            """
            import subprocess
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "of-the-bench-test"])
            while True: say("at", 1, 1.0); time.sleep(0.1)
            """,
            patience=1.0,
        )
    assert time.monotonic() - begin < 50
    assert not [p for p in set(psutil.pids()) - before if "of-the-bench-test" in _arguments(p)]


def test_a_silent_program_has_stalled(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that lost records never gets to the end; its silence ends it long before patience does."""
    monkeypatch.setattr(module, "SILENCE_S", 5.0)
    with pytest.raises(PeerFailed, match="stalled while it worked"):
        run("say('at', 50, 1.0); time.sleep(60)")


def test_orphans_of_a_program_that_ended_well_are_ended_too() -> None:
    """A child that outlives a program that did its work is not left on the machine."""
    run(
        """
        import subprocess
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "orphan-of-the-bench-test"])
        say("at", 30, 1.0)
        say("done", 100, 2.0)
        write(60, 40)
        """
    )
    time.sleep(0.2)
    assert not [p for p in psutil.pids() if "orphan-of-the-bench-test" in _arguments(p)]


def _arguments(pid: int) -> list[str]:
    try:
        return list(psutil.Process(pid).cmdline())
    except psutil.NoSuchProcess:
        return []
