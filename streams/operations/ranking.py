"""PageRank over the ties in ClickHouse: read, ranked, and kept there if asked to. A batch: it needs the whole network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from infra.settings import SettingsError
from schemas.rows.table import encode_rows
from schemas.rows.ties import PAGE_RANKS
from streams.measures.population.pagerank import pagerank

_DAYS: Final = """
SELECT min(day), max(day) FROM {db:Identifier}.ties
WHERE day >= {since:Date} AND day <= {until:Date} HAVING count() > 0
"""
_TIES: Final = """
SELECT source, target,
    sum(if({earned:Bool}, earned_weight, weight) * exp2(-dateDiff('day', day, {last:Date}) / half_life_days)) AS weighs
FROM {db:Identifier}.ties
WHERE day >= {first:Date} AND day <= {last:Date}
GROUP BY source, target HAVING weighs > 0
"""
_KEPT: Final = """
SELECT account, max(version) FROM {db:Identifier}.page_ranks_store
WHERE first_day = {first:Date} AND last_day = {last:Date} AND earned = {earned:Bool}
GROUP BY account
"""
_EVER: Final = (date(1970, 1, 1), date(2149, 6, 6))
"""The first and the last day that ClickHouse's type Date knows."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Accounts by PageRank, the first first, over ties of these days; ranks add up to 1."""

    first_day: date
    last_day: date
    earned: bool
    ties: int
    ranks: tuple[tuple[str, float], ...]


def rank(
    client: Client,
    database: str,
    *,
    since: date | None = None,
    until: date | None = None,
    days: int | None = None,
    earned: bool = False,
    told: Callable[[int, float], None] = lambda _round, _moved: None,
) -> Ranking:
    """Return the ranking over ties of the days `since` … `until`, each weighing what it does at the end of the last.

    Days without ties at either end are left out; then the last `days` are taken. `earned` leaves out what was done for
    something in return. Raises SettingsError when there are no ties.
    """
    given = {"db": database, "since": since or _EVER[0], "until": until or _EVER[1]}
    found = client.query(_DAYS, parameters=given).result_rows
    if not found:
        raise SettingsError("no ties on these days; `SELECT min(day), max(day) FROM ties` says when there are any")
    first, last = found[0]
    if days is not None:
        first = max(first, last - timedelta(days=days - 1))
    ties = list(_ties(client, {"db": database, "first": first, "last": last, "earned": earned}))
    ranks = sorted(pagerank(ties, told=told).items(), key=lambda pair: (-pair[1], pair[0]))
    return Ranking(first, last, earned, len(ties), tuple(ranks))


def _ties(client: Client, given: dict[str, object]) -> Iterator[tuple[str, str, float]]:
    with client.query_row_block_stream(_TIES, parameters=given) as blocks:
        for block in blocks:
            yield from block


def save(client: Client, database: str, ranking: Ranking) -> None:
    """Put a ranking into `page_ranks`, in place of an earlier one of the same days; raise ClickHouseError."""
    key = (ranking.first_day.isoformat(), ranking.last_day.isoformat(), ranking.earned)
    given = {"db": database, "first": ranking.first_day, "last": ranking.last_day, "earned": ranking.earned}
    rows_kept: Any = client.query(_KEPT, parameters=given).result_rows
    kept: dict[str, int] = dict(rows_kept)
    version = max(kept.values(), default=0) + 1
    rows = [(*key, account, value, place, version) for place, (account, value) in enumerate(ranking.ranks, 1)]
    gone = kept.keys() - {account for account, _ in ranking.ranks}
    rows += [(*key, account, 0.0, 0, version) for account in gone]
    columns = [*PAGE_RANKS.names, "version"]
    client.raw_insert(f"{database}.{PAGE_RANKS.store}", columns, encode_rows(rows), fmt="JSONCompactEachRow")
