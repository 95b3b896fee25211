"""A worker keeps to one core, and gives way on a crowded one."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest

from infra import core as module
from infra.core import AWAY, CROWDED, WINDOW, Core

EVERY = {0, 1, 2}


class Machine:
    """Three cores in which time passes as it is told to; the kernel puts us on `here`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.own, self.here = 100.0, 0.0, 1
        self.busy = {0: 7.0, 1: 8.0, 2: 9.0}
        self.allowed = set(EVERY)
        monkeypatch.setattr(module, "monotonic", lambda: self.now)
        monkeypatch.setattr(module, "time", SimpleNamespace(process_time=lambda: self.own))
        monkeypatch.setattr(module, "_busy", self.busy.get)
        monkeypatch.setattr(module, "_confine", lambda cores: setattr(self, "allowed", set(cores)))
        monkeypatch.setattr(psutil.Process, "cpu_num", lambda _: self.here)
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(self.allowed), raising=False)
        self.core = Core()

    def passes(self, own: float, others: float = 0.0, seconds: float = WINDOW) -> set[int]:
        """Let us be busy for a part of some seconds, and others on the core we keep to; return where we may be then."""
        self.now += seconds
        self.own += own * seconds
        if (kept := self.core.kept) is not None:
            self.busy[kept] += (own + others) * seconds
        self.core.look()
        return self.allowed


def test_a_worker_keeps_to_one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one on which the kernel has put it, busy or at rest."""
    machine = Machine(monkeypatch)
    assert machine.passes(1.0, seconds=WINDOW / 2) == EVERY, "too early to tell"
    assert machine.passes(1.0, seconds=WINDOW / 2) == {1}
    assert machine.passes(0.9) == machine.passes(0.0) == machine.passes(0.0, CROWDED - 0.01) == {1}


def test_who_is_crowded_gives_way_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """What others take of the core decides, not what we do; then the kernel may have put us elsewhere."""
    machine = Machine(monkeypatch)
    assert machine.passes(0.9) == {1}
    assert machine.passes(0.5, CROWDED - 0.01) == {1}
    assert machine.passes(0.4, CROWDED + 0.01) == EVERY
    machine.here = 2
    assert machine.passes(0.9, seconds=AWAY - 1) == EVERY
    assert machine.passes(0.9) == {2}


@pytest.mark.parametrize("error", [PermissionError("no"), psutil.AccessDenied(1)])
def test_who_must_not_choose_does_not_try_again(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """A sandbox may forbid it; that is no fault, and where it was half done it is undone."""
    machine = Machine(monkeypatch)
    tries = []

    def refuse(cores: set[int]) -> None:
        tries.append(cores)
        raise error

    monkeypatch.setattr(module, "_confine", refuse)
    for _ in range(3):
        machine.passes(1.0)
    assert (tries, machine.core.kept) == ([{1}, EVERY], None)


def test_where_it_is_not_said_who_is_busy_nothing_is_kept_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody could give way there; and it may cease to be said."""
    machine = Machine(monkeypatch)
    busy = machine.busy.pop(1)
    assert machine.passes(1.0) == EVERY
    machine.busy[1] = busy
    assert machine.passes(1.0) == {1}
    monkeypatch.setattr(module, "_busy", lambda _: None)
    assert machine.passes(1.0) == EVERY


def test_whoever_moves_us_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an operator has chosen meanwhile stays, whatever was before."""
    machine = Machine(monkeypatch)
    assert machine.passes(1.0) == {1}
    machine.allowed = {0, 2}
    assert machine.passes(1.0) == {0, 2}
    machine.here = 2
    assert machine.passes(1.0) == {2}
    assert machine.passes(0.4, CROWDED + 0.01) == {0, 2}


@pytest.mark.parametrize(
    ("stat", "cores", "busy"),
    [
        ("cpu 9 9 9 9 9 9 9 9\ncpu0 1 2 3 4 5 6 7 8 9 9\ncpu1 100 20 30 40 50 60 70 80 9 9\nintr 5", 2, 280),
        ("cpu 9 9 9 9 9 9 9 9\ncpu0 1 2 3 4 5 6 7 8 9 9\ncpu2 1 2 3 4 5 6 7 8 9 9\nintr 5", 2, None),
        ("cpu 9 9 9 9 9 9 9 9\ncpu0 1 2 3 4 5 6 7 8 9 9\ncpu1 1 2 3 4 5 6 7 8 9 9\nintr 5", 3, None),
    ],
)
def test_cores_have_numbers(monkeypatch: pytest.MonkeyPatch, stat: str, cores: int, busy: int | None) -> None:
    """One may be switched off, and a container may see but some of them, under other numbers."""
    monkeypatch.setattr(module.Path, "read_text", lambda _: stat)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    ticks = os.sysconf("SC_CLK_TCK")
    assert module._busy(1) == (None if busy is None else busy / ticks)


LOOK = """
import os, threading
from infra import core
core.WINDOW = 0.0
def ask(go, said):
    go.wait()
    said.append(os.sched_getaffinity(0))
def threads():
    go, said = threading.Event(), []
    return go, said, [threading.Thread(target=ask, args=(go, said)) for _ in range(3)]
every = os.sched_getaffinity(0)
here = core.Core()
go, said, before = threads()
for each in before: each.start()
here.look()
_, _, after = late = threads()
late[0].set()
for each in after: each.start()
go.set()
for each in (*before, *after): each.join()
right = (here.kept is None) == (len(every) == 1)
kept = [every if here.kept is None else {here.kept}] * 6
core._busy = lambda _: None
here.look()
print(said + late[1] == kept, os.sched_getaffinity(0) == every, right)
"""


def test_every_thread_keeps_to_it() -> None:
    """Those that run and those that begin later, in a real process; and all may go anywhere afterwards."""
    if not hasattr(os, "sched_getaffinity"):
        assert Core().kept is None
        return
    done = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"] * 3
