"""`juice drain`, `audit`: is everything there, and is it right?"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer
from rich.progress import track
from rich.table import Table

from infra.database import check_schema, connect
from infra.kafka import broker_of
from infra.settings import Settings
from streams.cli.app import app, console, err, settings
from streams.operations.audit import Audit, Conservation, Difference, Undone
from streams.operations.drain import Drain

SHOWN = 50
"""Differences listed at the most."""


@app.command()
def drain(
    timeout: Annotated[float, typer.Option(help="Seconds to wait at the most.")] = 120.0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing while waiting.")] = False,
) -> None:
    """Wait until everything published so far can be queried in ClickHouse. Exit 1 when the time is over.

    Example: juice replay events.ndjson && juice drain --timeout 300
    """
    found = settings()
    left = None
    with Drain(found, broker_of(found)) as way, err.status("waiting …") as status:
        for left in way.follow(timeout, time.sleep):
            if left is not None and not quiet:
                status.update(str(left))
    if left is not None:
        print(f"juice: after {timeout:g} s {left}; is it running?", file=sys.stderr)
        raise typer.Exit(1)


@app.command()
def audit(
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First UTC day.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First UTC day left out.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Recount the raw events in ClickHouse and compare with what the stream says, every account pane, both ways,
    and every event that was taken back.

    Also checks conservation: records read = accepted + duplicates + dead letters. Exit 1 when anything differs. Let
    `juice drain` finish first; what differs is looked at three times, and what changes meanwhile is only on its way.

    Example: juice audit --since 2012-07-01 --until 2012-07-04
    """
    found = settings()
    work, differences, conservation = run_audit(
        found,
        since and since.date(),
        until and until.date(),
        progress=not as_json and sys.stderr.isatty(),
        pause=time.sleep,
    )
    good = not differences and conservation.holds
    if as_json:
        shown = [asdict(d) | {"pane": d.pane.isoformat()} for d in differences if isinstance(d, Difference)]
        undone = [asdict(d) | {"time": d.time.isoformat()} for d in differences if isinstance(d, Undone)]
        print(
            json.dumps(
                {
                    "exact": good,
                    **asdict(work.tally),
                    "conservation": asdict(conservation),
                    "differences": shown,
                    "retractions": undone,
                }
            )
        )
        raise typer.Exit(0 if good else 1)
    show_audit(work, differences, conservation)
    raise typer.Exit(0 if good else 1)


def run_audit(
    found: Settings,
    since: object = None,
    until: object = None,
    *,
    progress: bool = False,
    pause: Callable[[float], object] | None = None,
) -> tuple[Audit, list[Difference | Undone], Conservation]:
    """Audit day by day; return the audit with its tally, up to SHOWN differences, and the conservation.

    With `pause`, which sleeps, events may still come: what differs only for a moment is left out.
    """
    client = connect(found, timeout=600)
    check_schema(client, found.database)
    work = Audit(client, found.database, found.horizon)
    spans = work.spans(since, until)  # type: ignore[arg-type]
    differences: list[Difference | Undone] = []
    for first, last in track(spans, "auditing", console=err, disable=not progress, transient=True):
        differences.extend(work.settled(first, last, SHOWN, pause) if pause else work.span(first, last, SHOWN))
        if len(differences) >= SHOWN:
            break
    return work, differences[:SHOWN], work.conservation(pause)


def show_audit(work: Audit, differences: list[Difference | Undone], conservation: Conservation) -> None:
    """Print what an audit found."""
    panes = [d for d in differences if isinstance(d, Difference)]
    undone = [d for d in differences if isinstance(d, Undone)]
    more = "+" if len(differences) == SHOWN else ""
    if panes:
        table = Table(title=f"{len(panes)}{more} panes differ", title_style="red")
        for heading in ("minute (UTC)", "account", "direction", "kind", "stream says", "events say"):
            table.add_column(heading)
        for d in panes:
            table.add_row(f"{d.pane:%Y-%m-%d %H:%M}", d.account, d.direction, d.kind, str(d.stream), str(d.events))
        console.print(table)
        console.print("each side: (events, incentivised, undisclosed). Was everything drained? `juice drain` tells.")
    if undone:
        table = Table(title=f"{len(undone)}{more} events are undone on one side only", title_style="red")
        for heading in ("time (UTC)", "event", "retractions", "events"):
            table.add_column(heading)
        for u in undone:
            sides = ("undone" if side else "counts" for side in (u.said, u.counted))
            table.add_row(f"{u.time:%Y-%m-%d %H:%M:%S}", u.id, *sides)
        console.print(table)
    c = conservation
    sign = "=" if c.read == c.accepted + c.duplicates + c.dead_letters else "[red]≠[/]"
    console.print(
        f"{c.read:,} records read {sign} {c.accepted:,} accepted + {c.duplicates:,} duplicates + {c.dead_letters:,} dead letters"
    )
    if c.event_rows != c.accepted:
        console.print(f"[red]{c.event_rows:,} rows in events, {c.accepted:,} accepted[/]")
    if c.letter_rows != c.dead_letters:
        console.print(f"[red]{c.letter_rows:,} rows in dead_letters, {c.dead_letters:,} counted[/]")
    if not differences and c.holds:
        tally = work.tally
        console.print(
            f"[green]exact[/]: {tally.panes:,} panes of {tally.days} days hold the {tally.actions:,} actions of the raw events"
        )
