"""Crash points kill where they are told to, the supervisor starts again what may be, and says how often."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from streams.engine.faults import Exit, arm

CHILD = """
import os, sys
from streams.engine.faults import Exit, arm, crash_point, die
with open(sys.argv[1], "a") as log:
    print(os.environ["JUICE_RESTARTS"], os.environ.get("JUICE_CRASH_AT", ""), file=log)
if sys.argv[2] == "crash" and "JUICE_CRASH_AT" in os.environ:
    arm(os.environ["JUICE_CRASH_AT"])
    for _ in range(3):
        crash_point("ingest.after-sends")
        crash_point("ingest.before-sends")
elif sys.argv[2] == "seat":
    from streams.engine import seat
    with open(sys.argv[1], "a") as log:
        print(seat.noted() or "nobody", file=log)
    seat.note("first" if os.environ["JUICE_RESTARTS"] == "0" else "second")
    if os.environ["JUICE_RESTARTS"] != "2":
        os.kill(os.getpid(), 9)
elif sys.argv[2] == "usage":
    die(Exit.USAGE, "no")
elif sys.argv[2] == "wait":
    import signal, time
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print("here", flush=True)
    while True:
        time.sleep(0.02)
"""
SUPERVISOR = """
import sys
from streams.engine import supervise
supervise.FIRST = 0.01
sys.exit(supervise.supervise([sys.executable, *sys.argv[1:]]))
"""


def supervised(tmp_path: Path, how: str, **more: str) -> tuple[int, list[str], str]:
    """Run a child under a supervisor; return the exit code, what the child noted, and what was said."""
    (tmp_path / "child.py").write_text(CHILD)
    command = [sys.executable, "-c", SUPERVISOR, str(tmp_path / "child.py"), str(tmp_path / "log"), how]
    done = subprocess.run(command, env=os.environ | more, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, (tmp_path / "log").read_text().splitlines(), done.stdout + done.stderr


def test_what_was_killed_is_started_again_unarmed(tmp_path: Path) -> None:
    """It dies at its point, once, and is told how often it was started."""
    code, noted, said = supervised(tmp_path, "crash", JUICE_CRASH_AT="ingest.before-sends:2")
    assert (code, noted) == (0, ["0 ingest.before-sends:2", "1 "])
    assert said.count("crash point ingest.before-sends fired") == 1
    assert "code=-9" in said


def test_the_next_knows_the_seat_of_the_one_before(tmp_path: Path) -> None:
    """Each child finds the seat that the one before it noted last, and the first finds none."""
    code, noted, _ = supervised(tmp_path, "seat")
    assert (code, noted) == (0, ["0 ", "nobody", "1 ", "first", "2 ", "second"])


def test_what_a_person_must_mend_is_not_started_again(tmp_path: Path) -> None:
    """A wrong setting stays wrong."""
    code, noted, said = supervised(tmp_path, "usage")
    assert (code, noted) == (Exit.USAGE, ["0 "])
    assert "juice: usage: no" in said


LAST = """
import sys
from infra import logs
from infra.settings import load
from streams.engine.faults import Exit, die
logs.configure(load({"JUICE_LOG": sys.argv[1], "JUICE_LOG_LEVEL": "error"}))
die(Exit.LEASE, "no heartbeat")
"""


@pytest.mark.parametrize("log", ["json", "text"])
def test_the_last_words_are_a_line_of_the_log_like_any_other(log: str) -> None:
    """Whoever reads the log as JSON can read these, too, and they are written before the process ends."""
    done = subprocess.run([sys.executable, "-c", LAST, log], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == Exit.LEASE
    (line,) = done.stderr.splitlines()
    if log == "text":
        assert re.fullmatch(r"timestamp='[^']+' level='critical' event='juice: lease: no heartbeat' .*", line)
    else:
        said = json.loads(line)
        assert (said["event"], said["level"], said["code"]) == ("juice: lease: no heartbeat", "critical", 75)


def test_a_supervisor_that_is_stopped_stops_its_child(tmp_path: Path) -> None:
    """SIGTERM goes on to the child, which is not started again."""
    (tmp_path / "child.py").write_text(CHILD)
    command = [sys.executable, "-c", SUPERVISOR, str(tmp_path / "child.py"), str(tmp_path / "log"), "wait"]
    supervisor = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert supervisor.stdout is not None
        assert supervisor.stdout.readline() == b"here\n"
        supervisor.send_signal(signal.SIGTERM)
        assert supervisor.wait(60) == 0
    finally:
        supervisor.kill()
    assert (tmp_path / "log").read_text() == "0 \n"


def test_a_frozen_process_goes_on_when_woken() -> None:
    """A point may stop the process instead of killing it."""
    code = "from streams.engine.faults import *; arm('accept.after-sends:1:freeze'); crash_point('accept.after-sends')"
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        process.send_signal(signal.SIGCONT)
        assert process.wait(60) == 0
    finally:
        process.kill()


@pytest.mark.parametrize("wrong", ["", "accept", "accept.after-sends:x", "accept.after-sends:1:sleep"])
def test_a_point_that_is_none_is_refused(wrong: str) -> None:
    """An experiment that would never fire does not begin."""
    with pytest.raises(ValueError, match=r"crash point|invalid literal"):
        arm(wrong)
