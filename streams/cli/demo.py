"""`juice demo`: the whole product on real events, in a minute."""

from __future__ import annotations

import gzip
import tempfile
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from infra import stack
from infra.clock import monotonic
from infra.database import connect
from infra.settings import Settings, SettingsError, load
from streams.cli.app import app, console, err, settings
from streams.cli.check import run_audit, show_audit
from streams.cli.feed import Bar
from streams.cli.stack import apply_migrations
from streams.demo import MARK, answers
from streams.demo.processes import check, remember, running, stop_remembered
from streams.drain import Drain
from streams.replay import replay_files

DATA = Path(str(files("infra"))) / "data"
HIGGS = DATA / "higgs-july-1-3.ndjson.gz"
SEISMIC = DATA / "seismic-cascade.ndjson.gz"
GOWALLA = DATA / "gowalla-10k.ndjson.gz"
DUBOIS = DATA / "dubois-contest.ndjson.gz"
EVE = 1_341_097_200_000
"""2012-06-30T23:00Z: where the contest's last post is moved."""
PATIENCE = 300.0


@app.command()
def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running and say what to try next.")] = False,
) -> None:
    """Start everything, replay three days of real events, show what they say, audit it, and stop.

    10,000 check-ins, a tweet that was shared 15,562 times, a hashtag contest, and 53,746 shares, mentions and replies of
    July 1-3, 2012, the days before the Higgs boson was announced.

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
    environ = {
        "JUICE_HOME": str(found.home.absolute()),
        "JUICE_IDLE": "1s",
        "JUICE_CAMPAIGNS": str(files("streams.demo") / "rules.toml"),
    }
    here = load(environ | {"JUICE_KAFKA": info.kafka, "JUICE_CLICKHOUSE": info.clickhouse})
    with err.status("creating topics and tables …"):
        apply_migrations(here)
    logs = found.home / "logs"
    with running(("worker", "sink", "serve") if keep else ("worker", "sink"), environ, logs) as children:
        tell = Telling(here, lambda: check(children, logs))
        tell.before_higgs()
        tell.higgs()
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


class Telling:
    """The acts of the demo: events in, answers out."""

    def __init__(self, here: Settings, alive: Callable[[], None]) -> None:
        self.here, self.alive, self.client = here, alive, connect(here)

    def before_higgs(self) -> None:
        """Mayors, a cascade and its forecast, a contest."""
        self._replay(GOWALLA, sort=True)
        lines = gzip.decompress(SEISMIC.read_bytes()).splitlines(keepends=True)
        times = [msgspec.json.decode(line, type=Timed).time.timestamp() for line in lines]
        hour = bisect_right(times, times[0] + 3_600)
        self._replay(SEISMIC, limit=hour)
        self._wait()
        after_hour = self.client.query(answers.CASCADE.replace("{db}", self.here.database)).first_row
        with tempfile.NamedTemporaryFile(suffix=".ndjson") as rest:
            rest.write(b"".join(lines[hour:]))
            rest.flush()
            self._replay(Path(rest.name))
        self._replay(DUBOIS, sort=True, rebase_to=EVE)
        self._wait()
        self._show(answers.MAYORS)
        self._cascade(after_hour)

    def higgs(self) -> None:
        """Three days in which the network talked about one thing."""
        begun = monotonic()
        sent = self._replay(HIGGS)
        seconds = self._wait() - begun
        self._show(answers.CONTEST)
        console.print(
            f"[bold]{sent:,} real events[/] of July 1-3, 2012 from Kafka through Faust into ClickHouse in {seconds:.1f} s: "
            f"{sent / seconds:,.0f} events/s.\n"
        )
        for question in (answers.RECEIVED, answers.AMPLIFIED, answers.BUSIEST, answers.INFLUENCE, answers.BOUGHT):
            self._show(question)

    def _cascade(self, after_hour: Sequence[object] | None) -> None:
        end = self.client.query(answers.CASCADE.replace("{db}", self.here.database)).first_row
        if after_hour is None or end is None:
            raise SettingsError("the cascade was not measured; see the worker's log")
        console.print(
            f"[bold]One tweet[/] had {after_hour[0]:,} shares after an hour; the forecast then was "
            f"{after_hour[4]:,.0f}. It got [bold]{end[0]:,}[/], seen by up to {end[3]:,} followers.\n"
        )

    def _replay(self, path: Path, **how: object) -> int:
        with Bar() as bar:
            summary = replay_files(self.here, [str(path)], progress=bar.show, warn=bar.warn, **how)  # type: ignore[arg-type]
        if summary.interrupted:
            raise KeyboardInterrupt
        return summary.sent

    def _wait(self) -> float:
        """Wait until everything is in ClickHouse; return when that was."""
        with Drain(self.here, self.here.kafka) as way, err.status("measuring …") as status:
            for left in way.follow(PATIENCE, time.sleep):
                self.alive()
                if left is None:
                    return monotonic()
                status.update(str(left))
        raise SettingsError(f"not done after {PATIENCE:.0f} s; see the logs in {self.here.home / 'logs'}")

    def _show(self, question: answers.Question) -> None:
        table = Table(title=question.title, title_justify="left", title_style="bold", box=None, pad_edge=False)
        for position, heading in enumerate(question.headings):
            table.add_column(heading, justify="left" if position == 0 else "right")
        for row in answers.ask(self.client, self.here.database, question):
            table.add_row(*(f"{value:,}" if isinstance(value, int) else str(value) for value in row))
        console.print(table)
        console.print()


class Timed(msgspec.Struct):
    """The time of an event."""

    time: datetime


def _next(found: Settings, info: stack.StackInfo) -> None:
    home = "" if found.home == Path(".juice") else f"JUICE_HOME={found.home} "
    console.print(
        f"\nEverything is left running. Look at [bold]http://{found.metrics_host}:{found.serve_port}[/], or try:\n"
        f"  {home}juice top                       a live view of accounts, posts and tags\n"
        f"  {home}juice explain 88                one account's score, line by line\n"
        f"  {home}juice audit                     recount everything once more\n"
        f"  curl '{info.clickhouse}/?query=SELECT+*+FROM+juice.account_scores+LIMIT+3+FORMAT+Vertical'\n"
        f"  {home}juice down                      stop everything"
    )
