"""What a demo left running is stopped, and nothing of somebody else's is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from infra.settings import SettingsError
from infra.stack.process import Process
from streams.demo import left


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
    left._write(tmp_path, left.Left(processes=(Process.of(sleeper.pid),)))
    said = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: said(process) + step)
    left.stop_left(tmp_path)
    assert (sleeper.poll() is not None) == stops


def test_a_note_that_cannot_be_read_allows_nothing(tmp_path: Path) -> None:
    """One of an earlier version, or half of one, is nobody's: data beside it stay."""
    (tmp_path / "demo").write_text("1234 1341100800.0\n")
    (tmp_path / "kafka").mkdir()
    left.stop_left(tmp_path)
    with pytest.raises(SettingsError, match="not a demo's alone"):
        left.clear(tmp_path)
    assert (tmp_path / "kafka").exists()
