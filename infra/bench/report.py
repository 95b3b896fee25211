"""What the bench says: on the screen, as JSON, as a plot. `page` makes a document of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from rich.table import Table as RichTable

from infra.bench.installer import Installer
from infra.bench.programs import plot
from infra.bench.summary import Line, Table
from infra.bench.workload import MINUTE_MS, Workload

PLOT_REQUIREMENTS: Final = ("matplotlib==3.11.2",)

HEADINGS: Final = (
    "",
    "records/s",
    "slowest – fastest",
    "per CPU second",
    "× best peer",
    "of ceiling",
    "memory",
    "counts",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Everything a run of the bench found."""

    date: str
    machine: dict[str, str]
    rounds: int
    tables: Sequence[Table]
    absent: dict[str, str]
    """Title → why it did not take part."""
    busy: float
    """Load of the machine by others, per core, before the first run."""

    def screen(self) -> list[RichTable]:
        """Return one table per workload for a terminal."""
        found = []
        for table in self.tables:
            rich = RichTable(title=describe(table.workload), title_justify="left", title_style="bold")
            for number, heading in enumerate(HEADINGS):
                rich.add_column(heading, justify="left" if number in (0, 7) else "right", no_wrap=number != 7)
            for line in table.lines:
                style = "bold green" if line.peer.ours else "" if line.valid else "red"
                rich.add_row(*cells(table, line), style=style)
            found.append(rich)
        return found

    def to_json(self) -> str:
        """Return one JSON object with every figure."""
        return json.dumps(
            {
                "date": self.date,
                "machine": self.machine,
                "busy": round(self.busy, 2),
                "rounds": self.rounds,
                "absent": self.absent,
                "workloads": [
                    {
                        **asdict(table.workload),
                        "peers": [_figures(table, line) for line in table.lines],
                    }
                    for table in self.tables
                ],
            },
            indent=2,
        )

    def draw(self, installer: Installer, file: Path) -> None:
        """Draw the plot, an SVG. Raises NotInstalled or subprocess.CalledProcessError."""
        python = installer.python("plot", PLOT_REQUIREMENTS)
        panels = [
            {
                "title": describe(table.workload),
                "bars": [
                    {
                        "title": line.peer.title,
                        "ours": line.peer.ours,
                        "ceiling": not line.peer.counts,
                        "rate": line.rate,
                        "slowest": line.slowest,
                        "fastest": line.fastest,
                        "per_cpu": line.per_cpu,
                    }
                    for line in table.lines
                    if line.valid
                ],
            }
            for table in self.tables
        ]
        subprocess.run(
            [str(python), "-I", plot.__file__, str(file)],
            input=json.dumps(panels),
            text=True,
            check=True,
            timeout=120,
        )


def describe(workload: Workload) -> str:
    """Return a workload in a line."""
    key = "the receiving account" if workload.keyed_by == "receiver" else "the actor, so each peer must re-key"
    span = workload.records / workload.per_second * 1_000 / MINUTE_MS
    return (
        f"{workload.records:,} records of {workload.record_bytes:,} bytes, {workload.partitions} partitions, "
        f"{workload.accounts:,} accounts, {span:.0f} minutes of event time, keyed by {key}"
    )


def cells(table: Table, line: Line) -> list[str]:
    """Return a line as text, under HEADINGS; what cannot be compared is empty."""
    if not line.rounds:
        return [line.peer.title, *[""] * 6, line.counts]
    of_best, of_ceiling = table.of_best(line), table.of_ceiling(line)
    return [
        line.peer.title,
        f"{line.rate:,.0f}",
        f"{line.slowest:,.0f} – {line.fastest:,.0f}",
        f"{line.per_cpu:,.0f}",
        "" if of_best is None else f"{of_best:.2f}",
        "" if of_ceiling is None else f"{of_ceiling:.0%}",
        f"{line.memory / 2**20:,.0f} MiB",
        line.counts,
    ]


def _figures(table: Table, line: Line) -> dict[str, Any]:
    return {
        "peer": line.peer.name,
        "title": line.peer.title,
        "versions": line.peer.versions(),
        "rounds": line.rounds,
        "records_per_second": round(line.rate, 1),
        "slowest": round(line.slowest, 1),
        "fastest": round(line.fastest, 1),
        "records_per_cpu_second": round(line.per_cpu, 1),
        "of_best_peer": table.of_best(line),
        "of_ceiling": table.of_ceiling(line),
        "memory_bytes": line.memory,
        "counts": line.counts,
    }
