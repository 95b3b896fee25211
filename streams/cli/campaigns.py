"""`juice campaigns`: rules checked before they run, standings, and what earned a reward."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from infra.database import check_schema, connect
from infra.settings import SettingsError
from streams.campaigns import queries
from streams.campaigns.queries import Query
from streams.campaigns.rules import load_rules
from streams.cli.app import app, console, settings

campaigns = typer.Typer(no_args_is_help=True, help="Campaign rules, standings and rewards.")
app.add_typer(campaigns, name="campaigns")
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


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
def list_(as_json: Json = False) -> None:
    """List the campaigns anybody has entered: entrants, entries, rewards."""
    _print("campaigns", lambda database: queries.campaigns(database), as_json)


@campaigns.command()
def standings(
    campaign: Annotated[str, typer.Argument(help="Id of the campaign.")],
    account: Annotated[str, typer.Option(help="Only this account.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="So many.")] = 20,
    as_json: Json = False,
) -> None:
    """Show who leads a campaign, live or final.

    Example: juice campaigns standings dubois-2021 --limit 5
    """
    _print(
        f"standings of {campaign}",
        lambda database: queries.standings(database, campaign, limit, account),
        as_json,
    )


@campaigns.command()
def rewards(
    campaign: Annotated[str, typer.Argument(help="Id of the campaign.")],
    account: Annotated[str, typer.Option(help="Only this account.")] = "",
    as_json: Json = False,
) -> None:
    """Show the rewards of a campaign, those that were lost too."""
    _print(f"rewards of {campaign}", lambda database: queries.rewards(database, campaign, account), as_json)


@campaigns.command()
def receipt(reward: Annotated[str, typer.Argument(help="Id of the reward.")], as_json: Json = False) -> None:
    """Show which events earned a reward."""
    _print(f"receipt of {reward}", lambda database: queries.receipt(database, reward), as_json)


@campaigns.command()
def honesty(campaign: Annotated[str, typer.Argument(help="Id of the campaign.")], as_json: Json = False) -> None:
    """Show what a campaign bought and what people gave: amplification earned and incentivised, and gaming signals."""
    _print(f"amplification of {campaign}", lambda database: queries.amplification(database, campaign), as_json)
    _print(f"signals in {campaign}", lambda database: queries.signals(database, campaign), as_json)


def _ask(ask: Any) -> Any:
    """Return the answer to the query that `ask` makes for the database."""
    found = settings()
    client = connect(found)
    check_schema(client, found.database)
    query: Query = ask(found.database)
    return client.query(query.sql, parameters=query.parameters)


def _print(title: str, ask: Any, as_json: bool) -> None:
    """Run a query and print its rows."""
    result = _ask(ask)
    if as_json:
        rows = [dict(zip(result.column_names, row, strict=True)) for row in result.result_rows]
        print(json.dumps(rows, default=str))
        return
    if not result.result_rows:
        raise SettingsError(f"nothing is known: {title}")
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in result.column_names:
        table.add_column(name.replace("_", " "))
    for row in result.result_rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    console.print(table)
