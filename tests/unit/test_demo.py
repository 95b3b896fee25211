"""What a demo leaves behind, and who may remove it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from streams.demo.processes import remember, stop_remembered


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that does nothing, as a worker that was left running; ended after the test."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield child
    child.kill()
    child.wait()


@pytest.mark.parametrize(("step", "stops"), [(1.0, True), (3600.0, False)])
def test_what_was_left_running_is_stopped_though_the_clock_was_set(
    sleeper: subprocess.Popen[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: float, stops: bool
) -> None:
    """Creation times move a little when the system's clock is set. One of another hour is somebody else's."""
    mark = tmp_path / "demo"
    remember({"worker": sleeper}, mark)
    said = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: said(process) + step)
    stop_remembered(mark)
    assert (sleeper.poll() is not None) == stops
