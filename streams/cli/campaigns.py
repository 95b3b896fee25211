"""`juice campaigns`: rules checked before they run, standings, and what earned a reward."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table
from rich.text import Text

from infra.database import Client, check_schema, connect
from infra.settings import Settings, SettingsError
from streams.campaigns import queries
from streams.campaigns.queries import Query
from streams.campaigns.rules import load_rules
from streams.cli.app import app, console, settings

campaigns = typer.Typer(no_args_is_help=True, help="Campaign rules, standings and rewards.")
app.add_typer(campaigns, name="campaigns")
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Wide = Annotated[bool, typer.Option("--wide", help="Every column, for a wide terminal.")]

LISTED: Final = ("campaign", "kind", "start", "end", "entrants", "rewards")
RECEIPT: Final = ("event", "at", "unit", "actor", "disclosed")
SHORT: Final = {
    "standings": ("rank", "account", "points", "reached", "undisclosed", "disqualified", "final"),
    "rewards": ("id", "account", "which", "at", "reason"),
}
"""Columns that fit a terminal, where not every one is asked for."""


@campaigns.command()
def check(path: Annotated[Path, typer.Argument(help="A rules file, or a folder of them.")]) -> None:
    """Check a rules file before a worker loads it. Exit 1 with file, line and what was meant.

    Example: juice campaigns check infra/campaigns
    """
    rules = load_rules(path)
    if isinstance(rules, list):
        for problem in rules:
            print(problem)
        raise typer.Exit(1)
    for rule in rules:
        console.print(f"[green]good[/]  {rule.id}  ({type(rule).__name__}, {rule.name})")


@campaigns.command(name="list")
def list_(wide: Wide = False, as_json: Json = False) -> None:
    """List the campaigns anybody has entered: entrants, entries, rewards."""
    found = settings()
    result = _run(_client(found), queries.campaigns(found.database))
    _print("campaigns", result, as_json, () if wide else LISTED, "nobody has entered any")


@campaigns.command()
def standings(
    campaign: Annotated[str, typer.Argument(help="Id of the campaign.")],
    account: Annotated[str, typer.Option(help="Only this account.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="So many.")] = 20,
    wide: Wide = False,
    as_json: Json = False,
) -> None:
    """Show who leads a campaign, live or final.

    Example: juice campaigns standings dubois-2021 --limit 5
    """
    _about(
        campaign, {"standings": lambda database: queries.standings(database, campaign, limit, account)}, as_json, wide
    )


@campaigns.command()
def rewards(
    campaign: Annotated[str, typer.Argument(help="Id of the campaign.")],
    account: Annotated[str, typer.Option(help="Only this account.")] = "",
    wide: Wide = False,
    as_json: Json = False,
) -> None:
    """Show the rewards of a campaign, those that were lost too."""
    _about(campaign, {"rewards": lambda database: queries.rewards(database, campaign, account)}, as_json, wide)


@campaigns.command()
def receipt(
    reward: Annotated[str, typer.Argument(help="Id of the reward, or as much of its beginning as no other has.")],
    as_json: Json = False,
) -> None:
    """Show which events earned a reward."""
    found = settings()
    client = _client(found)
    ids = [str(row[0]) for row in _run(client, queries.beginning(found.database, reward)).result_rows]
    if reward in ids:
        ids = [reward]
    if len(ids) != 1:
        raise SettingsError(f"{'several rewards begin' if ids else 'no reward begins'} with {reward}")
    result = _run(client, queries.receipt(found.database, ids[0]))
    _print(f"receipt of {ids[0]}", result, as_json, RECEIPT, "its entries are not there any more")


@campaigns.command()
def honesty(campaign: Annotated[str, typer.Argument(help="Id of the campaign.")], as_json: Json = False) -> None:
    """Show what a campaign bought and what people gave: amplification earned and incentivised, and gaming signals."""
    parts: dict[str, Callable[[str], Query]] = {
        "amplification": lambda database: queries.amplification(database, campaign),
        "signals": lambda database: queries.signals(database, campaign),
    }
    _about(campaign, parts, as_json, wide=True)


def _about(campaign: str, parts: Mapping[str, Callable[[str], Query]], as_json: bool, wide: bool) -> None:
    """Print each part of what is known of a campaign; raise SettingsError where there is no such campaign."""
    found = settings()
    client = _client(found)
    results = {name: _run(client, ask(found.database)) for name, ask in parts.items()}
    there = any(result.result_rows for result in results.values())
    if not there and not _run(client, queries.known(found.database, campaign)).result_rows:
        raise SettingsError(f"nothing is known of campaign {campaign}; `juice campaigns list` has those that are")
    for name, result in results.items():
        _print(f"{name} of {campaign}", result, as_json, () if wide else SHORT.get(name, ()), "none")


def _client(found: Settings) -> Client:
    client = connect(found)
    check_schema(client, found.database)
    return client


def _run(client: Client, query: Query) -> Any:
    return client.query(query.sql, parameters=query.parameters)


def _print(title: str, result: Any, as_json: bool, short: Sequence[str], empty: str) -> None:
    """Print the rows of an answer: all columns, or the `short` ones; where there are no rows, say so in words."""
    rows = [dict(zip(result.column_names, row, strict=True)) for row in result.result_rows]
    if as_json:
        print(json.dumps(rows, default=str))
        return
    if not rows:
        console.print(f"{title}: {empty}", markup=False, soft_wrap=True)
        return
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    columns = short or result.column_names
    for name in columns:
        table.add_column(name.replace("_", " "), no_wrap=name == "id", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row[name]) for name in columns))
    console.print(table)


def _cell(value: object) -> Text:
    """Return a value for people; an instant without its seconds, and a midnight as its day."""
    if isinstance(value, datetime):
        return Text(f"{value:%Y-%m-%d %H:%M}".removesuffix(" 00:00"))
    return Text("" if value is None else str(value))
