"""`juice rebuild`: everything counted anew from the topic of events."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from streams.cli.app import app, console, err, settings, sure
from streams.cli.stack import apply_migrations
from streams.engine.faults import arm
from streams.operations.rebuild import plan, throw_away


@app.command()
def rebuild(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    incomplete: Annotated[bool, typer.Option(help="Go on although Kafka has some events no longer.")] = False,
) -> None:
    """Throw away state and tables, and count everything anew from social.events. Stop all workers and sinks first.

    For state of another format, a damaged changelog, or a formula that changed. Rewards keep their ids. Who was forgotten
    stays out. Refuses, unless told to, while Kafka has lost events that were counted. One that fails may be run again.

    Example: juice rebuild && juice worker & juice sink
    """
    found = settings()
    if found.crash_at:
        arm(found.crash_at)
    what = plan(found)
    if what.gone and not incomplete:
        print(
            f"juice: Kafka has {what.gone:,} events no longer, which would be missing afterwards; bring them back with "
            "`juice replay` afterwards, or accept it with --incomplete",
            file=sys.stderr,
        )
        raise typer.Exit(1)
    sure("rebuild", f"Throw away all that is counted, and count {what.events:,} events again?", yes=yes)
    with err.status("throwing away …"):
        done = [*throw_away(found, what), *apply_migrations(found)]
    console.print("\n".join(done))
    console.print(f"{what.events:,} events wait to be counted again; start workers and sinks")
