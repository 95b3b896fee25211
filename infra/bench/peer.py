"""A peer: something that does the same work, in a process of its own, in the form its own documentation
gives.

To add one: a program that speaks `programs/task.py`, a subclass here with its words, a line in
`peers/__init__.py`.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

import infra
from infra.bench.installer import Installer
from infra.bench.programs.task import Task

PACKAGE_ROOT = Path(infra.__file__).parent
_START = (
    "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); "
    "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)


class Peer(ABC):
    """One contestant. The class variables are what the report says of it."""

    name: ClassVar[str]
    """For `--only`, file and group names: lower case, dashes."""
    title: ClassVar[str]
    form: ClassVar[str]
    """How it does the work, in one line."""
    durable: ClassVar[str]
    """When its counts are complete, which ends its time: what then survives the loss of the process."""
    ours: ClassVar[bool] = False
    peer: ClassVar[bool] = True
    """False for what is measured beside the peers and cannot be the best of them."""
    counts: ClassVar[bool] = True
    """It leaves counts to be held against the truth."""
    shuffles: ClassVar[bool] = True
    """It can count what is not keyed by who receives; otherwise it takes no part there."""
    clickhouse: ClassVar[bool] = False
    """It needs a ClickHouse server while it runs."""
    charged: ClassVar[bool] = False
    """The CPU time and memory of that server are part of its own."""
    share: ClassVar[float] = 1.0
    """How much of the workload it is given; less for one that would keep all others waiting."""

    def missing(self) -> str:
        """Return why it cannot take part at all on this machine or in this version; empty when it can."""
        return ""

    @abstractmethod
    def install(self, installer: Installer) -> None:
        """Make `command` work; quick when that has been done before. Raises NotInstalled."""

    @abstractmethod
    def command(self, task: Task, library: Path) -> list[str]:
        """Return the command line of the process that does `task`.

        `library` is a folder that holds the package `infra` and nothing else, for the program's `sys.path`.
        """

    @abstractmethod
    def versions(self) -> dict[str, str]:
        """Return name → version of what does the work. Call after `install`."""


class PythonPeer(Peer):
    """A peer that is a Python program of `infra.bench.programs` in a venv of its own."""

    program: ClassVar[str]
    requirements: ClassVar[tuple[str, ...]] = ()
    """Empty: the project's own environment."""

    def __init__(self) -> None:
        self._python = Path(sys.executable)

    def install(self, installer: Installer) -> None:
        """Make the venv, unless the project's own environment will do."""
        if self.requirements:
            self._python = installer.python(self.name, self.requirements)

    def command(self, task: Task, library: Path) -> list[str]:
        """Start the program isolated: it sees its venv, the folder `library`, and no setting of ours."""
        start = [str(self._python), "-I", "-c", _START, str(library), f"infra.bench.programs.{self.program}"]
        return start + task.arguments()

    def versions(self) -> dict[str, str]:
        """Return the pinned versions."""
        return dict(requirement.split("==") for requirement in self.requirements)
