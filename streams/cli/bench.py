"""`juice bench`: how many events per second, and how fresh."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from importlib.resources import files
from itertools import islice
from pathlib import Path
from subprocess import Popen
from threading import Thread
from time import sleep
from typing import Annotated

import msgspec
import psutil
import typer
from rich.progress import Progress
from rich.table import Table

from infra import stack
from infra.clock import monotonic
from infra.settings import Settings, SettingsError, load
from infra.stack.ports import choose
from streams.cli.app import app, console, err, settings
from streams.cli.stack import apply_migrations
from streams.demo.processes import check, running
from streams.operations import bench as work
from streams.operations import scaling

HIGGS = Path(str(files("infra"))) / "data" / "higgs-july-1-3.ndjson.gz"
COPY = 53_746
"""Events of it."""
WARM = 10
"""Seconds of events before freshness is watched: imports, first batches, first inserts."""


@app.command()
def bench(
    copies: Annotated[int, typer.Option(min=1, help="How often the three days of real events are replayed.")] = 4,
    rate: Annotated[float, typer.Option(min=0, help="Events per second for freshness; 0 leaves it out.")] = 500.0,
    seconds: Annotated[int, typer.Option(min=5, help="How long freshness is watched.")] = 30,
    workers: Annotated[int, typer.Option(min=1, help="Workers that share the backlog.")] = 1,
    hot: Annotated[float, typer.Option(min=0, max=1, help="Part of the events that is done to one account.")] = 0.0,
    crowd: Annotated[int, typer.Option(min=1, help="Namesakes of every account: so many times as many keys.")] = 1,
    together: Annotated[bool, typer.Option("--together", help="All copies are of the same three days.")] = False,
    live: Annotated[bool, typer.Option("--live", help="For freshness, events are of when they come.")] = False,
    sink: Annotated[bool, typer.Option(help="Without a sink, rows stay in Kafka.")] = True,
    idle: Annotated[float, typer.Option(min=0, help="Seconds for which it is measured what idleness costs.")] = 0.0,
    plan: Annotated[float, typer.Option(min=0, help="Work out what so many events per second need.")] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Measure throughput and freshness of the whole product, every measure and campaign on, on this machine.

    53,746 real events of July 2012, several times over, wait in Kafka; a worker and a sink bring them to ClickHouse.
    Then such events come at a steady rate, and it is watched how old the newest is that can be queried, and how long scores
    take: as in a replay, where event time runs with the events, or as in a live stream, where it runs with the clock. Runs
    on a stack of its own on free loopback ports and leaves nothing behind. For other engines at the same work see `make bench`.

    Example: juice bench --copies 10 --rate 1000

    Example: juice bench --hot 0.5 --rate 0 --plan 1000000

    Example: juice bench --copies 10 --crowd 30 --together --rate 0 --idle 20
    """
    found = settings()
    home = found.home / "bench"
    shutil.rmtree(home, ignore_errors=True)
    try:
        with err.status("starting Kafka and ClickHouse …"):
            info = stack.up(home, kafka_port=0, clickhouse_port=0)
        draw = partial(work.copies, HIGGS, hot=hot, crowd=crowd, together=together)
        through, rest = _throughput(home, info, draw(copies), workers, sink, idle)
        number = round(rate * (seconds + WARM))
        steady = draw(max(copies if together or live else 1, -(-number // COPY)), live=live)
        fresh = _freshness(home, info, islice(work.probed(steady, rate), number), rate, seconds) if rate else None
    except work.BenchError as error:
        raise SettingsError(str(error)) from None
    finally:
        with err.status("stopping …"):
            stack.down(home, wipe=True)
        shutil.rmtree(home, ignore_errors=True)
    needs = scaling.plan(plan, through.cpu_per_event, through.bytes_per_event) if plan else None
    if as_json:
        shown = {
            "throughput": msgspec.to_builtins(through) | {"rate": through.rate, "counted_rate": through.counted_rate},
            "idle": rest,
            "freshness": msgspec.to_builtins(fresh),
            "plan": msgspec.to_builtins(needs),
        }
        print(msgspec.json.encode(shown).decode())
        return
    _show(through, rest, fresh, sink)
    if needs is not None:
        _show_plan(needs)


def _throughput(
    home: Path, info: stack.StackInfo, events: Iterator[bytes], workers: int, sink: bool, idle: float
) -> tuple[work.Throughput, dict[str, float]]:
    """Return how a backlog was worked off, and what the processes took afterwards, while nothing came."""
    ports = _free_ports(workers)
    here, environ = _prepared(home, info, "throughput", ports[0])
    with err.status("putting events into Kafka …"):
        number, size = work.publish(here, events)
    with ExitStack() as started, Progress(console=err, transient=True) as progress:
        children = started.enter_context(running(("sink", "worker") if sink else ("worker",), environ, home / "logs"))
        for position, port in enumerate(ports[1:], 2):
            more = environ | {"JUICE_WORKER_PORT": str(port)}
            child = started.enter_context(running(("worker",), more, home / "logs" / str(position)))
            children |= {f"worker {position}": child["worker"]}
        bar = progress.add_task("working it off", total=number)
        through = work.throughput(
            here,
            number,
            size,
            ports,
            lambda: _processes(info, children),
            lambda: check(children, home / "logs"),
            lambda done: progress.update(bar, completed=done),
            sink=sink,
        )
        progress.update(bar, description="doing nothing", completed=number)
        return through, work.idle(_processes(info, children), idle) if idle else {}


def _freshness(home: Path, info: stack.StackInfo, events: Iterator[bytes], rate: float, seconds: int) -> work.Freshness:
    here, environ = _prepared(home, info, "freshness", _free_ports(1)[0])
    feeder = Thread(target=work.publish, args=(here, events, rate), daemon=True)
    with running(("sink", "worker"), environ, home / "logs") as children, Progress(console=err, transient=True) as bar:
        task = bar.add_task(f"{rate:,.0f} events per second", total=seconds + WARM)
        begun = monotonic()

        def over() -> bool:
            check(children, home / "logs")
            bar.update(task, completed=monotonic() - begun)
            return not feeder.is_alive()

        work.ready(here.worker_port)
        begun = monotonic()
        feeder.start()
        while monotonic() - begun < WARM and not over():
            sleep(0.1)
        return work.freshness(here, over)


def _free_ports(count: int) -> list[int]:
    ports: list[int] = []
    while len(ports) < count:
        ports.append(choose(what="telemetry", fixed=None, taken=frozenset(ports)))
    return ports


def _prepared(home: Path, info: stack.StackInfo, name: str, port: int) -> tuple[Settings, dict[str, str]]:
    """Create the topics and tables of an installation of its own; return its settings, and as environment."""
    environ = {
        "JUICE_HOME": str(home.absolute()),
        "JUICE_KAFKA": info.kafka,
        "JUICE_CLICKHOUSE": info.clickhouse,
        "JUICE_NAMESPACE": f"{name}.",
        "JUICE_DATABASE": f"juice_{name}",
        "JUICE_CAMPAIGNS": str(files("streams.demo") / "rules.toml"),
        "JUICE_PARTITIONS": str(settings().partitions),
        "JUICE_WORKER_PORT": str(port),
        "JUICE_SINK_PORT": "0",
    }
    here = load(environ)
    apply_migrations(here)
    return here, environ


def _processes(info: stack.StackInfo, children: Mapping[str, Popen[bytes]]) -> dict[str, psutil.Process]:
    """Return the processes that do the work, by name; a worker is the child of the command that looks after it."""
    found = {name: psutil.Process(child.pid) for name, child in children.items()}
    for name, process in found.items():
        if name.startswith("worker") and (below := process.children()):
            found[name] = below[0]
    servers = {service.name: psutil.Process(service.pid) for service in info.services if service.pid}
    return found | servers


def _show(through: work.Throughput, rest: Mapping[str, float], fresh: work.Freshness | None, sink: bool = True) -> None:
    console.print(
        f"[bold]{through.rate:,.0f} events/s[/] through to {'ClickHouse' if sink else 'Kafka'}, scores included "
        f"({through.events:,} events in {through.seconds:.1f} s); "
        f"{through.counted_rate:,.0f} events/s into the state of every measure.\n"
    )
    table = Table(box=None, pad_edge=False)
    for heading, justify in (("process", "left"), ("CPU", "right"), ("µs/event", "right"), ("memory", "right")):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    if rest:
        table.add_column("idle", justify="right")
    for name, cost in through.costs.items():
        each = cost.cpu_seconds / through.events * 1e6
        cells = (f"{rest[name]:.1%} of a core",) if rest else ()
        table.add_row(name, f"{cost.cpu_seconds:.1f} s", f"{each:.1f}", f"{cost.rss >> 20:,} MiB", *cells)
    console.print(table)
    console.print(
        f"\n{through.bytes_per_event:,.0f} bytes to Kafka per event, state and rows included; {through.keys:,} keys of state."
    )
    if fresh is not None:
        console.print(
            f"\nAt {fresh.rate:,.0f} events/s what can be queried is [bold]{fresh.p50:.2f} s[/] old at the median, "
            f"[bold]{fresh.p99:.2f} s[/] at the 99th percentile, {fresh.worst:.2f} s at the worst of {fresh.looks} looks."
        )
        scores = fresh.scores
        left = f", {scores.open} of which had none when the stream ended" if scores.open else ""
        console.print(
            f"Scores take [bold]{scores.p50:.2f} s[/] at the median, [bold]{scores.p99:.2f} s[/] at the 99th percentile, "
            f"{scores.worst:.2f} s at the worst of {scores.probes} probes{left}."
        )


def _show_plan(needs: scaling.Plan) -> None:
    table = Table(title=f"{needs.rate:,.0f} events/s need", title_justify="left", box=None, pad_edge=False)
    table.add_column("what")
    table.add_column("how many", justify="right")
    for what, number in (
        ("workers of one core, and partitions", needs.workers),
        ("sinks", needs.sinks),
        (f"brokers of {scaling.BROKER_CORES} cores, {scaling.REPLICAS} replicas", needs.brokers),
        (f"ClickHouse shards of {scaling.SHARD_CORES} cores", needs.shards),
        ("megabytes per second into Kafka", round(needs.bytes_per_second / 1e6)),
        ("core-hours per billion events", round(needs.core_hours_per_billion)),
    ):
        table.add_row(what, f"{number:,}")
    console.print()
    console.print(table)
