"""`juice demo`: the whole product on real events, in a minute."""

from __future__ import annotations

import gzip
import tempfile
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from kafka.errors import KafkaError
from rich.table import Table

from infra import stack
from infra.clock import monotonic
from infra.database import connect
from infra.settings import Settings, SettingsError, load
from infra.stack.process import Process
from streams.cli.app import app, console, err, settings
from streams.cli.check import run_audit, show_audit
from streams.cli.feed import Bar
from streams.cli.stack import apply_migrations
from streams.demo import answers, left
from streams.demo.processes import check, running
from streams.operations.drain import Drain
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
    """Start everything, replay three days of real events, show what they say, audit it, stop, and remove it.

    10,000 check-ins, a tweet that was shared 15,562 times, a hashtag contest, and 53,746 shares, mentions and replies of
    July 1-3, 2012, the days before the Higgs boson was announced. What an earlier demo kept is removed first; where anything
    was added to it since, or there are other data, the demo refuses to begin.

    Example: juice demo --keep
    """
    found = settings()
    if found.kafka or found.clickhouse:
        raise SettingsError("the demo runs on a local stack of its own: unset JUICE_KAFKA and JUICE_CLICKHOUSE")
    started = monotonic()
    with err.status("looking for what an earlier demo left …"):
        left.clear(found.home)
    good = False
    try:
        with err.status("starting Kafka and ClickHouse …"):
            info = stack.up(found.home)
        good = _story(found, info, started, keep)
    finally:
        if not (keep and good):
            with err.status("stopping …"):
                _end(found.home, good)
    if not good:
        raise typer.Exit(1)


def _end(home: Path, good: bool) -> None:
    """Leave nothing of a demo that went well, and of another what it was for, to be looked at until the next one."""
    if good:
        left.remove(home)
        return
    with suppress(SettingsError, KafkaError):  # of a Kafka that does not answer: then the next demo asks to remove it
        left.note(home)
    stack.down(home)


def _story(found: Settings, info: stack.StackInfo, started: float, keep: bool) -> bool:
    """Tell it all; return whether the audit found nothing."""
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
            left.note(found.home, [Process.of(child.pid) for child in children.values()])
            _next(found, info)
            children.clear()
        elif good:
            console.print("[dim]It is removed now; with --keep it is left running, to look at.[/]")
    return good


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
            for to_come in way.follow(PATIENCE, time.sleep):
                self.alive()
                if to_come is None:
                    return monotonic()
                status.update(str(to_come))
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
