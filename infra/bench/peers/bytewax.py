"""Bytewax, with and without its recovery store."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from infra.bench.peer import PythonPeer
from infra.bench.programs.task import Task


class Bytewax(PythonPeer):
    """Python over a Rust engine, state in memory, snapshots of it in SQLite."""

    name = "bytewax"
    title = "Bytewax"
    form = "whole batches parsed and counted by its stateful_batch; a snapshot a second"
    durable = "the last snapshot is in the recovery store on this machine"
    program: ClassVar[str] = "bytewax"
    requirements: ClassVar[tuple[str, ...]] = (
        "bytewax==0.21.1",
        "confluent-kafka==2.16.1",
        "msgspec==0.22.0",
    )

    def command(self, task: Task, library: Path) -> list[str]:
        """Ask for recovery."""
        return [*super().command(task, library), "recovery=true"]


class BytewaxInMemory(Bytewax):
    """The same, and nothing survives."""

    name = "bytewax-memory"
    title = "Bytewax, nothing kept"
    form = "the same without snapshots"
    durable = "nothing"

    def command(self, task: Task, library: Path) -> list[str]:
        """Ask for none."""
        return PythonPeer.command(self, task, library)
