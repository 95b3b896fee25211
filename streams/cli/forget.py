"""`juice forget`: removes an account from ClickHouse and from the state, and keeps it out."""

from __future__ import annotations

import sys
import time
from typing import Annotated

import typer
from rich.table import Table

from infra.database import check_schema, connect
from infra.kafka import broker_of, reader
from infra.settings import Settings
from schemas.wire import Erasure
from streams.cli.app import app, console, err, settings, sure
from streams.names import Names
from streams.operations.drain import Drain
from streams.operations.forgetting import ask, clean, out_of_reach, stand_in
from streams.replay.log import partitions_of


@app.command()
def forget(
    account: Annotated[str, typer.Argument(help="The account, as events name it.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    lift: Annotated[bool, typer.Option("--lift", help="Let it in again: what it does from now on counts.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the stream.")] = 600.0,
) -> None:
    """Forget ACCOUNT: delete what is its own, take its name out of what is others', and keep it out from now on.

    Nobody else's numbers change. Needs a running worker and sink, and waits until the stream has forgotten before it
    changes ClickHouse; exit 1 when that takes too long (the request stays in the stream: run it again later). Says what
    it cannot reach.

    Example: juice forget ada@example.social
    """
    found = settings()
    kafka, names = broker_of(found), Names.of(found)
    client = connect(found, timeout=3_600)
    check_schema(client, found.database)
    sure("forget", f"Forget {account}? This cannot be undone.", yes=yes or lift)
    instead = stand_in()
    with reader(found, kafka) as consumer:
        partitions = partitions_of(consumer, names.decoded)
    if lift:  # a request that is still on its way must not come behind it
        _wait(found, kafka, timeout, "Nothing was lifted")
    ask(found, Erasure(account, instead, lift), partitions)
    _wait(found, kafka, timeout, "The request stays")
    if lift:
        console.print(f"{account} counts again, from now on")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("table", "rows", ""):
        table.add_column(heading)
    for name, what, rows in clean(client, found.database, account, instead):
        if rows:
            table.add_row(name, f"{rows:,}", what)
    console.print(table if table.row_count else "ClickHouse held nothing of it")
    console.print("State: forgotten, and kept out from now on. Out of reach:")
    for line in out_of_reach(names):
        console.print(f"  {line}")


def _wait(found: Settings, kafka: str, timeout: float, so: str) -> None:
    """Wait until the stream has taken all there is; where it takes too long say so, and end with 1."""
    left = None
    with Drain(found, kafka) as way, err.status("waiting until the stream has taken everything …"):
        for left in way.follow(timeout, time.sleep):  # noqa: B007  the last one counts
            pass
    if left is not None:
        print(
            f"juice: after {timeout:g} s {left}; is it running? {so}; run the command again when it does.",
            file=sys.stderr,
        )
        raise typer.Exit(1)
