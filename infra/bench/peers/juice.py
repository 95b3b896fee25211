"""juice itself, twice: at the peers' work alone, and with all it does."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from infra.bench.installer import Installer
from infra.bench.peer import PythonPeer
from infra.bench.programs.task import Task


class JuiceSameWork(PythonPeer):
    """One worker that keeps nothing but the minutes of accounts."""

    name = "juice"
    title = "juice, the same work"
    form = "one worker: decoded, checked for duplicates, routed, counted; memory store"
    durable = "the changelog and the progress are written"
    ours = True
    program: ClassVar[str] = "juice"

    def missing(self) -> str:
        """Wait for the program."""
        return "" if _program().exists() else "not wired yet"

    def install(self, installer: Installer) -> None:
        """Nothing to do: it is this very environment."""

    def command(self, task: Task, library: Path) -> list[str]:
        """Ask for the one count."""
        return [*super().command(task, library), "everything=false"]


class JuiceEverything(JuiceSameWork):
    """One worker with every measure and campaigns, one sink, through to ClickHouse."""

    name = "juice-everything"
    title = "juice, every measure to ClickHouse"
    form = "one worker with every measure and campaigns, one sink"
    durable = "all rows can be queried in ClickHouse"
    clickhouse = True
    peer = False

    def command(self, task: Task, library: Path) -> list[str]:
        """Ask for all."""
        return [*PythonPeer.command(self, task, library), "everything=true"]


def _program() -> Path:
    return Path(__file__).parents[1] / "programs" / "juice.py"
