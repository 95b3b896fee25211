"""`python -m infra.bench`: the command line of the bench, and its screen."""

from __future__ import annotations

import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from infra import clock
from infra.bench import machine
from infra.bench.installer import Installer, NotInstalled
from infra.bench.page import page
from infra.bench.peer import Peer
from infra.bench.peers import PEERS
from infra.bench.report import Report
from infra.bench.rounds import Bench, Result
from infra.bench.summary import tables
from infra.bench.workload import Workload
from infra.settings import load
from infra.stack import StackError

DOCS = Path("docs")
QUICK_RECORDS = 40_000

err = Console(stderr=True, highlight=False, soft_wrap=True)


class Screen:
    """Shows a bar for what goes on and a line for what came out, on standard error."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bar = progress.add_task("", total=1.0)

    def phase(self, what: str) -> None:
        """Begin a new bar."""
        self._progress.reset(self._bar, description=what)

    def advance(self, part: float) -> None:
        """Move the bar."""
        self._progress.update(self._bar, completed=part)

    def outcome(self, result: Result) -> None:
        """Say one run's figures, or why there are none."""
        size = f"{result.workload.record_bytes:>5,} B"
        if result.run is None:
            err.print(f"[red]✗[/] {result.peer.title:<36} {size}  {result.failure}")
            return
        run = result.run
        verdict = "" if run.verdict is None else str(run.verdict)
        sign = "[green]✓[/]" if run.verdict is None or run.verdict.exact else "[red]✗[/]"
        rates = f"{run.rate:>12,.0f}/s {run.rate_per_cpu:>12,.0f}/cpu·s"
        err.print(f"{sign} {result.peer.title:<36} {size} {rates}  {verdict}")


def bench(
    only: Annotated[list[str] | None, typer.Option(help="Measure this peer alone; may be repeated.")] = None,
    records: Annotated[int, typer.Option(min=1_000, help="Records per workload.")] = 400_000,
    sizes: Annotated[str, typer.Option(help="Bytes per record, with commas.")] = "250,1000",
    keyed_by: Annotated[str, typer.Option(help="Kafka key: `receiver` (no shuffle), `actor`, or `both`.")] = "receiver",
    accounts: Annotated[int, typer.Option(help="How many accounts there are.")] = 100_000,
    per_second: Annotated[int, typer.Option(help="Records per second of event time.")] = 1_000,
    partitions: Annotated[int, typer.Option(min=1, help="Partitions of the topic.")] = 4,
    rounds: Annotated[int, typer.Option(min=1, help="How often each peer is measured.")] = 3,
    seed: Annotated[int, typer.Option(help="The same seed is the same records.")] = 1,
    quick: Annotated[bool, typer.Option("--quick", help="A small look: 40,000 small records, one round.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")] = False,
    write_docs: Annotated[bool, typer.Option("--write-docs", help="Write docs/performance.md and .svg.")] = False,
) -> None:
    """Measure juice and its peers at the same work, side by side, on this machine.

    Peers are installed when they are first needed. Starts a Kafka of its own on free loopback ports and
    leaves nothing behind. Ctrl-C ends it.
    """
    known = {peer.name: peer for peer in PEERS}
    if unknown := set(only or ()) - known.keys():
        raise typer.BadParameter(f"no peer {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
    try:
        workloads = [
            Workload(
                records=QUICK_RECORDS if quick else records,
                record_bytes=int(size),
                partitions=partitions,
                accounts=accounts,
                per_second=per_second,
                keyed_by=key,  # type: ignore[arg-type]
                seed=seed,
            )
            for key in {"both": ("receiver", "actor")}.get(keyed_by, (keyed_by,))
            for size in sizes.split(",")[: 1 if quick else None]
        ]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    installer = Installer(say=err.print)
    peers, absent = _assemble([known[name]() for name in only or known], installer)
    busy = machine.load()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends it as Ctrl-C does, servers included
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=err, transient=True) as progress:
            contest = Bench(home=load().home / "bench", watcher=Screen(progress))
            results = contest.run(peers, workloads, 1 if quick else rounds)
    except (StackError, KafkaError) as error:
        err.print(f"[red]{error}[/]")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        err.print("stopped; nothing was left behind")
        raise typer.Exit(130) from None
    report = Report(
        date=datetime.fromtimestamp(clock.wall(), UTC).date().isoformat(),
        machine=machine.describe(),
        rounds=1 if quick else rounds,
        tables=tables(results),
        absent=absent,
        busy=busy,
    )
    if json:
        print(report.to_json())
    else:
        screen = Console() if sys.stdout.isatty() else Console(width=140)
        for table in report.screen():
            screen.print(table)
    if write_docs:
        report.draw(installer, DOCS / "performance.svg")
        (DOCS / "performance.md").write_text(page(report), encoding="utf-8")
        err.print(f"wrote {DOCS / 'performance.md'} and {DOCS / 'performance.svg'}")
    if any(not line.valid for table in report.tables for line in table.lines):
        raise typer.Exit(1)


def _assemble(peers: list[Peer], installer: Installer) -> tuple[list[Peer], dict[str, str]]:
    """Install all that can take part; return them, and of the others, by title, why not."""
    able, absent = [], {}
    for peer in peers:
        why = peer.missing()
        if not why:
            try:
                peer.install(installer)
            except (NotInstalled, StackError) as error:
                why = str(error)
        if why:
            err.print(f"[yellow]–[/] {peer.title}: {why}")
            absent[peer.title] = why.splitlines()[0]
        else:
            able.append(peer)
    return able, absent


def main() -> None:
    """Run the bench as a command of its own."""
    typer.run(bench)
