"""juice itself: its engine at the peers' work, a worker that counts, and a worker with all it does."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import ClassVar

from infra.bench.peer import PythonPeer
from infra.bench.programs.task import Task
from infra.version import version


class JuiceEngine(PythonPeer):
    """A program of one stage, as the peers' programs are."""

    name = "juice-engine"
    title = "juice's engine, the same work"
    form = "one stage written for streams/engine: typed msgspec, polls of 10,000, a fence in each count; memory store, one core"
    durable = "the changelog and the progress are written"
    ours = True
    shuffles = False
    program: ClassVar[str] = "engine"

    def versions(self) -> dict[str, str]:
        """Return juice's and Python's."""
        return {"juice": version(), "python": ".".join(map(str, sys.version_info[:3]))}


class Juice(JuiceEngine):
    """One worker, its rows left in Kafka."""

    name = "juice"
    shuffles = True
    title = "juice, counts alone"
    form = "one worker: decoded, checked for duplicates, routed, counted, rows published; memory store"
    durable = "changelogs, progress and rows are written"
    clickhouse = True  # only to look at the counts, after the clock has stopped
    program: ClassVar[str] = "juice"
    arguments: ClassVar[tuple[str, ...]] = ("everything=false",)

    def command(self, task: Task, library: Path) -> list[str]:
        """Say how much of juice is to run."""
        return [*super().command(task, library), *self.arguments]


class JuiceEverything(Juice):
    """One worker with every measure and campaigns, one sink, through to ClickHouse."""

    name = "juice-everything"
    title = "juice, every measure to ClickHouse"
    form = "one worker with every measure and campaigns, one sink; what ClickHouse itself spends is counted too"
    durable = "all rows can be queried in ClickHouse"
    charged = True
    share = 0.3
    arguments: ClassVar[tuple[str, ...]] = ("everything=true",)
