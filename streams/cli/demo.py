"""`juice demo`: the whole product on real events, in a minute."""

from __future__ import annotations

import time
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from infra import stack
from infra.clock import monotonic
from infra.database import connect
from infra.settings import Settings, SettingsError, load
from streams.cli.app import app, console, err, settings
from streams.cli.check import run_audit, show_audit
from streams.cli.feed import _Bar as Bar
from streams.cli.stack import apply_migrations
from streams.demo import MARK, answers
from streams.demo.processes import check, remember, running, stop_remembered
from streams.drain import Drain
from streams.replay import replay_files

HIGGS = Path(str(files("infra"))) / "data" / "higgs-july-1-3.ndjson.gz"
PATIENCE = 300.0


@app.command()
def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running and say what to try next.")] = False,
) -> None:
    """Start everything, replay three days of real events, show what they say, audit it, and stop.

    53,746 shares, mentions and replies of July 1-3, 2012, the days before the Higgs boson was announced.

    Example: juice demo --keep
    """
    found = settings()
    if found.kafka or found.clickhouse:
        raise SettingsError("the demo runs on a local stack of its own: unset JUICE_KAFKA and JUICE_CLICKHOUSE")
    started = monotonic()
    _clear(found)
    with err.status("starting Kafka and ClickHouse …"):
        info = stack.up(found.home)
        (found.home / MARK).touch()
    try:
        _story(found, info, started, keep)
    finally:
        if not keep:
            with err.status("stopping …"):
                stack.down(found.home)


def _clear(found: Settings) -> None:
    """Remove what an earlier demo left; refuse to touch anything else."""
    stop_remembered(found.home / MARK)
    if stack.status(found.home).running:
        if not (found.home / MARK).exists():
            raise SettingsError(
                f"a stack with other data runs in {found.home}; set JUICE_HOME to another folder for the demo"
            )
        stack.down(found.home, wipe=True)
    elif (found.home / MARK).exists():
        stack.down(found.home, wipe=True)
    elif (found.home / "kafka").exists():
        raise SettingsError(f"{found.home} holds other data; set JUICE_HOME to another folder for the demo")


def _story(found: Settings, info: stack.StackInfo, started: float, keep: bool) -> None:
    environ = {"JUICE_HOME": str(found.home.absolute()), "JUICE_IDLE": "1s"}
    here = load(environ | {"JUICE_KAFKA": info.kafka, "JUICE_CLICKHOUSE": info.clickhouse})
    with err.status("creating topics and tables …"):
        apply_migrations(here)
    logs = found.home / "logs"
    with running(("worker", "sink"), environ, logs) as children:
        begun = monotonic()
        with Bar() as bar:
            summary = replay_files(here, [str(HIGGS)], progress=bar.show, warn=bar.warn)
        counted = _wait(here, lambda: check(children, logs))
        seconds = counted - begun
        console.print(
            f"\n[bold]{summary.sent:,} real events[/] from Kafka through Faust into ClickHouse in {seconds:.1f} s, "
            f"start of the worker included: {summary.sent / seconds:,.0f} events/s.\n"
        )
        client = connect(here)
        for question in (answers.RECEIVED, answers.AMPLIFIED, answers.BUSIEST, answers.INFLUENCE):
            _show(question, answers.ask(client, here.database, question))
        work, differences, conservation = run_audit(here)
        show_audit(work, differences, conservation)
        good = not differences and conservation.holds
        console.print(f"\n[dim]{monotonic() - started:.0f} s in all.[/]")
        if keep and good:
            remember(children, found.home / MARK)
            _next(found, info)
            children.clear()
    if not good:
        raise typer.Exit(1)


def _wait(here: Settings, alive: object) -> float:
    """Wait until everything is in ClickHouse; return when that was."""
    with Drain(here, here.kafka) as way, err.status("measuring …") as status:
        for left in way.follow(PATIENCE, time.sleep):
            alive()  # type: ignore[operator]
            if left is None:
                return monotonic()
            status.update(f"{left.stage}: {left.records + left.waiting:,} to go")
    raise SettingsError(f"not done after {PATIENCE:.0f} s; see the logs in {here.home / 'logs'}")


def _show(question: answers.Question, rows: object) -> None:
    table = Table(title=question.title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for position, heading in enumerate(question.headings):
        table.add_column(heading, justify="left" if position == 0 else "right")
    for row in rows:  # type: ignore[attr-defined]
        table.add_row(*(f"{value:,}" if isinstance(value, int) else str(value) for value in row))
    console.print(table)
    console.print()


def _next(found: Settings, info: stack.StackInfo) -> None:
    home = "" if found.home == Path(".juice") else f"JUICE_HOME={found.home} "
    console.print(
        "\nEverything is left running. Try next:\n"
        f"  {home}juice top                       a live view of accounts, posts and tags\n"
        f"  {home}juice explain 88                one account's score, line by line\n"
        f"  {home}juice audit                     recount everything once more\n"
        f"  curl '{info.clickhouse}/?query=SELECT+*+FROM+juice.account_scores+LIMIT+3+FORMAT+Vertical'\n"
        f"  {home}juice down                      stop everything"
    )
