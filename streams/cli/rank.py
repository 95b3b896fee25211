"""`juice pagerank`: a batch over all ties."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table

from infra.database import ClickHouseError, check_schema, connect, one_line
from infra.settings import SettingsError
from streams.cli.app import app, console, err, settings
from streams.operations.ranking import Ranking, rank, save

Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day (UTC) of the ties, included.")]


@app.command()
def pagerank(
    since: Day = None,
    until: Day = None,
    days: Annotated[int | None, typer.Option(min=1, help="Only the last so many of these days.")] = None,
    earned: Annotated[bool, typer.Option("--earned", help="Only what was done for nothing in return.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Show so many accounts.")] = 20,
    keep: Annotated[
        bool, typer.Option("--save", help="Put the ranks of all accounts into the table page_ranks.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Rank accounts by PageRank over ties: who is turned to by those whom others turn to?

    Over all ties, or those of some days; each weighs what it does at the end of the last day. Ranks add up to 1.

    Example: juice pagerank --until 2012-07-03 --days 7 --save
    """
    found = settings()
    client = connect(found)
    check_schema(client, found.database)
    with err.status("reading ties …") as status:
        ranking = rank(
            client,
            found.database,
            since=since.date() if since else None,
            until=until.date() if until else None,
            days=days,
            earned=earned,
            told=lambda number, moved: status.update(f"round {number}: ranks still move by {moved:.1e}"),
        )
        if keep:
            status.update(f"saving {len(ranking.ranks):,} ranks …")
            try:
                save(client, found.database, ranking)
            except ClickHouseError as error:
                raise SettingsError(f"could not save: {one_line(error)}") from None
    if as_json:
        print(json.dumps(_plain(ranking, limit)))
        return
    what = "earned ties" if earned else "ties"
    console.print(
        f"{len(ranking.ranks):,} accounts, {ranking.ties:,} {what} of {ranking.first_day} to {ranking.last_day}"
    )
    table = Table(box=None, pad_edge=False)
    for heading in ("rank", "account", "PageRank"):
        table.add_column(heading, justify="left" if heading == "account" else "right")
    for place, (account, value) in enumerate(ranking.ranks[:limit], 1):
        table.add_row(str(place), account, f"{value:.6f}")
    console.print(table)


def _plain(ranking: Ranking, limit: int) -> dict[str, object]:
    return {
        "first_day": ranking.first_day.isoformat(),
        "last_day": ranking.last_day.isoformat(),
        "earned": ranking.earned,
        "accounts": len(ranking.ranks),
        "ties": ranking.ties,
        "ranks": [
            {"rank": place, "account": account, "page_rank": value}
            for place, (account, value) in enumerate(ranking.ranks[:limit], 1)
        ],
    }
