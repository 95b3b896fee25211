"""`juice explain`, `juice top`, `juice validate`: reading what is measured."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import typer
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from infra.database import Client, check_schema, connect, one_line
from infra.settings import Settings, SettingsError
from streams.cli.app import app, console, settings
from streams.measures.explanation import DOCS, ledger, parts, remarks

Window = Literal["5m", "1h", "24h", "7d", "30d"]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def _client(found: Settings) -> Client:
    client = connect(found)
    check_schema(client, found.database)
    return client


@app.command()
def explain(
    account: Annotated[str, typer.Argument(help="The account, as events name it.")],
    window: Annotated[Window, typer.Option(help="Over which window.")] = "7d",
    as_json: Json = False,
) -> None:
    """Print an account's statement: what it gave and received, from how many people, and what makes its scores.

    Example: juice explain 88 --window 24h
    """
    found = settings()
    row = _score(_client(found), found.database, account, window)
    if as_json:
        print(json.dumps(row, default=str))
        return
    console.print(
        f"[bold]{account}[/], {window} up to {row['as_of']:%Y-%m-%d %H:%M} UTC; seen first {row['first_seen']}"
    )
    for score in ("influence", "outreach"):
        console.print(_score_table(row, score))
    console.print(_ledger(row))
    error = f" (standard error {row['people_error']:.0f})" if row["people_error"] else ""
    console.print(
        f"\n{row['people']:,} people acted on it{error}, it acted on {row['given_people']:,}; "
        f"{row['mutual_people']:,} both ways. Balance, given less received: {row['balance']:+,}."
    )
    for remark in remarks(row):
        console.print(f"[yellow]·[/] {remark}")


def _score(client: Client, database: str, account: str, window: str) -> dict[str, Any]:
    """Return the account's row; raise SettingsError when nothing is known."""
    result = client.query(
        "SELECT * FROM {db:Identifier}.account_scores WHERE account = {account:String} AND window = {window:String}",
        parameters={"db": database, "account": account, "window": window},
    )
    if not result.result_rows:
        raise SettingsError(f"nothing is known of {account!r} in the last {window}; try --window 30d, or `juice top`")
    return dict(zip(result.column_names, result.result_rows[0], strict=True))


def _score_table(row: dict[str, Any], score: str) -> Table:
    """Return the parts of a score, which add up to it; the words are those of the columns."""
    table = Table(
        title=f"{score}: {DOCS[score].split(':')[0]}",
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
    )
    table.add_column("part")
    table.add_column("points", justify="right")
    table.add_column("for", style="dim")
    for part, points, doc in parts(row, score):
        table.add_row(part, f"{points:+.1f}", doc)
    table.add_row("[bold]sum[/]", f"[bold]{row[score]:.1f}[/]", "")
    return table


def _ledger(row: dict[str, Any]) -> Table:
    table = Table(title="ledger", title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("kind")
    for heading in ("received", "earned", "incentivised", "given"):
        table.add_column(heading, justify="right")
    for kind, *numbers in ledger(row):
        table.add_row(kind, *("" if n is None else f"{n:,}" for n in numbers))
    return table


_ACCOUNTS: Final = """
SELECT account, round(influence, 1) AS influence, round(outreach, 1) AS outreach, engagement AS received,
    amplification, people, given
FROM {db:Identifier}.account_scores WHERE window = {window:String} ORDER BY influence DESC, account LIMIT {limit:UInt32}
"""
_POSTS: Final = """
SELECT root AS post, author, size, depth, round(structural_virality, 2) AS virality, round(shares_per_minute, 2) AS "per minute",
    round(forecast_size) AS forecast, last_at AS "last share"
FROM {db:Identifier}.cascades ORDER BY shares_per_minute DESC, size DESC, root LIMIT {limit:UInt32}
"""
_TAGS: Final = """
WITH (SELECT max(time) FROM {db:Identifier}.events) AS newest
SELECT arrayJoin(tags) AS tag, count() AS events, uniqExact(actor) AS people
FROM {db:Identifier}.events
WHERE time > newest - toIntervalSecond({seconds:UInt32}) AND given > 0
    AND (time, id) NOT IN (SELECT time, id FROM {db:Identifier}.retractions_store)
GROUP BY tag ORDER BY people DESC, events DESC, tag LIMIT {limit:UInt32}
"""
_SECONDS: Final = {"5m": 300, "1h": 3_600, "24h": 86_400, "7d": 604_800, "30d": 2_592_000}


@app.command()
def top(
    window: Annotated[Window, typer.Option(help="Over which window.")] = "24h",
    limit: Annotated[int, typer.Option(min=1, max=50, help="Rows of each.")] = 10,
    once: Annotated[bool, typer.Option(help="Print once instead of staying live.")] = False,
) -> None:
    """Show accounts, posts and tags as they rise, live. Ctrl-C ends it.

    Example: juice top --window 1h
    """
    found = settings()
    client = _client(found)
    if once or not console.is_terminal:
        console.print(_screen(client, found.database, window, limit))
        return
    with Live(_screen(client, found.database, window, limit), console=console, screen=True, auto_refresh=False) as live:
        while True:
            time.sleep(1)
            try:
                live.update(_screen(client, found.database, window, limit), refresh=True)
            except Exception as error:
                live.update(Text(f"ClickHouse: {one_line(error)}; trying again", style="yellow"), refresh=True)


def _screen(client: Client, database: str, window: str, limit: int) -> Group:
    given = {"db": database, "window": window, "seconds": _SECONDS[window], "limit": limit}
    tables = []
    for title, sql in ((f"accounts, {window}", _ACCOUNTS), ("posts", _POSTS), (f"tags, {window}", _TAGS)):
        result = client.query(sql, parameters=given)
        table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
        for position, name in enumerate(result.column_names):
            table.add_column(name, justify="left" if position == 0 else "right")
        for row in result.result_rows:
            table.add_row(
                *("" if value is None else f"{value:,}" if isinstance(value, int) else str(value) for value in row)
            )
        tables.append(table)
    return Group(*tables)


@app.command()
def validate(
    split: Annotated[
        datetime,
        typer.Argument(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="Rank accounts as of this moment (UTC)."),
    ],
    until: Annotated[
        datetime, typer.Argument(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="Count shares up to this one.")
    ],
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="Leave out what is older.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Does influence predict? Ranks accounts at SPLIT and correlates with the shares they receive until UNTIL.

    Spearman's rank correlation over accounts engaged with before, next to what plain counts reach. Reads ClickHouse.

    Example: juice validate 2012-07-03 2012-07-04
    """
    from streams.operations.reading import Facts
    from streams.operations.validate import validate as run

    found = settings()
    first = since.replace(tzinfo=UTC) if since else datetime(1970, 1, 1, tzinfo=UTC)
    middle, last = split.replace(tzinfo=UTC), until.replace(tzinfo=UTC)
    if not first < middle < last:
        raise SettingsError("validate: SPLIT must be before UNTIL, and after --since")
    facts = Facts(_client(found), found.database, first, last)
    result = run(facts, split=int(middle.timestamp() * 1000), until=int(last.timestamp() * 1000))
    if as_json:
        said = {"accounts": result.accounts, "shared": result.shared, "spearman": dict(result.correlations)}
        print(json.dumps(said | {"left_out": facts.left_out}))
        return
    table = Table(
        title=f"{result.accounts:,} accounts engaged with before, {result.shared:,} shared after",
        title_justify="left",
        box=None,
    )
    table.add_column("ranked by")
    table.add_column("Spearman's ρ", justify="right")
    for name, value in sorted(result.correlations.items(), key=lambda item: -(item[1] or 0)):
        table.add_row(name.replace("_", " "), "undefined" if value is None else f"{value:.3f}")
    console.print(table)
    if facts.left_out:
        console.print(
            f"left out: {facts.left_out:,} events that cannot be read again, since somebody in them was forgotten"
        )
