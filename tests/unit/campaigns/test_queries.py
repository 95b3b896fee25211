"""The questions about campaigns, asked of a real ClickHouse with real events in it."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any

import clickhouse_connect
import msgspec
import pytest
from clickhouse_connect.driver.client import Client

from infra.database import migrations, table_statements
from infra.stack import StackInfo
from schemas.decode import Rejected, decode
from schemas.fact import Fact, fact_of
from schemas.rows import encode_rows, events_row
from schemas.rows.campaigns import CAMPAIGN_TABLES
from schemas.rows.events import EVENTS
from schemas.rows.retractions import RETRACTIONS
from streams.campaigns import queries
from streams.campaigns.queries import Query
from streams.campaigns.rule import Contest, Mayor, Referral, TagChain, Threshold
from streams.campaigns.rulebook import Rulebook
from streams.subjects.campaigns import Campaigns
from streams.subjects.entrants import Entrants
from streams.subjects.mayors import Mayors
from tests.data import real
from tests.unit.campaigns.drive import Drive, standings, titles

DB = "campaign_queries"
START, END = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp() * 1000) for year in (2009, 2031))
MAY = int(datetime(2021, 5, 1, tzinfo=UTC).timestamp() * 1000)
RULES = (
    Contest(id="dubois", start=START, end=MAY, hashtags=("duboischallenge",), winners=3, prize="fame"),
    Mayor(id="mayors", start=START, end=END, venues=("*",)),
    Referral(id="friends", start=START, end=END),
    TagChain(id="chain", start=START, end=END, hashtags=("five",)),
    Threshold(id="large", start=START, end=END, hashtags=("duboischallenge",), followers=5_000),
)
OWN: tuple[dict[str, Any], ...] = (
    {"type": "referral", "actor": "bob", "targets": ["ann"], "campaign": "friends"},
    {"type": "referral", "actor": "cid", "targets": ["bob"], "campaign": "friends"},
    {"type": "referral", "actor": "cid", "targets": ["dan"], "campaign": "friends"},
    {"type": "tag", "actor": "a", "targets": ["b", "c"], "hashtags": ["five"], "actor_followers": 10},
    {"type": "tag", "actor": "b", "targets": ["d"], "hashtags": ["five"]},
    {"type": "share", "actor": "x", "object": "dubois-5", "object_author": "y"},
    {"type": "share", "actor": "x", "object": "s", "root": "dubois-5", "incentive": "paid"},
    {
        "type": "quote",
        "actor": "y",
        "object": "q",
        "hashtags": ["DuBoisChallenge"],
        "disclosed": True,
        "incentive": "paid",
    },
    {"type": "share", "actor": "z", "object": "dubois-5", "id": "oops"},
    {"type": "undo", "actor": "z", "undo_of": "oops"},
    {"type": "share", "actor": "z", "object": "elsewhere"},
    {"type": "share", "actor": "x", "object": "dubois-5", "id": "kept"},
    {"type": "click", "actor": "x", "undo_of": "kept"},
    {"type": "undo", "actor": "x", "undo_of": "kept"},
)
HORIZON = 3_600_000
"""The last undo is two hours behind what it names."""


def records() -> Iterator[bytes]:
    """Yield real check-ins, real posts of a contest, and events made up about them, in order of time."""
    found = []
    for name in ("gowalla-10k", "dubois-contest"):
        with gzip.open(real(f"{name}.ndjson.gz")) as lines:
            found += [line.strip() for line in lines]
    for n, event in enumerate(OWN):
        made = {"id": f"own-{n}", "time": MAY - 3_600_000 * (20 - n)} | event
        found.append(msgspec.json.encode(made))
    times = {record: decoded[1] for record in found if not isinstance(decoded := decode(record), Rejected)}
    yield from sorted(found, key=times.__getitem__)


@pytest.fixture(scope="module")
def loaded(stack: StackInfo) -> Iterator[tuple[Client, Drive, list[Fact]]]:
    client = clickhouse_connect.get_client(
        dsn=stack.clickhouse, autogenerate_session_id=False, settings={"session_timezone": "UTC"}
    )
    client.command(f"CREATE DATABASE {DB}")
    for table in (*CAMPAIGN_TABLES, EVENTS, RETRACTIONS):
        for statement in table_statements(table, DB):
            if "TTL" not in statement:
                client.command(statement)
    (views,) = (migration for migration in migrations() if migration.name == "campaigns")
    for statement in views.statements:
        client.command(statement.replace("{database}", DB))
    book = Rulebook(RULES)
    drive = Drive(Mayors(book), Entrants(book), Campaigns(book))
    facts: list[Fact] = []
    rows: list[tuple[Any, ...]] = []
    retractions: list[tuple[Any, ...]] = []
    offset = count()
    for raw in records():
        decoded = decode(raw)
        assert not isinstance(decoded, Rejected)
        event, time = decoded
        fact = fact_of(event, time)
        rows.append((*events_row(event, fact, raw, time, "social.events", 0, next(offset)), 1))
        if event.type == "undo":
            (before,) = (known for known in facts if known.id == event.undo_of)
            if time - before.time > HORIZON:
                continue
            retractions.append((before.id, before.time, event.id, time, 1))
            fact = msgspec.structs.replace(before, sign=-1)
        facts.append(fact)
    drive.feed(facts, 200)
    blocks = {"events": rows, "retractions": retractions} | {
        table: [(*row, 1) for row in said.values()] for table, said in drive.rows.items()
    }
    for name, block in blocks.items():
        client.raw_insert(f"{DB}.{name}_store", insert_block=encode_rows(block), fmt="JSONCompactEachRow")
    yield client, drive, facts
    client.command(f"DROP DATABASE {DB}")
    client.close()


def ask(client: Client, query: Query) -> list[dict[str, Any]]:
    """Return the answer as dicts."""
    answer = client.query(query.sql, parameters=query.parameters)
    return [dict(zip(answer.column_names, row, strict=True)) for row in answer.result_rows]


def ms(at: datetime | None) -> int | None:
    """Return epoch ms of an instant as the client gives it, without a zone."""
    return None if at is None else round(at.replace(tzinfo=UTC).timestamp() * 1000)


Loaded = tuple[Client, Drive, list[Fact]]


def test_standings(loaded: Loaded) -> None:
    """Ranks in ClickHouse are those of the definition, for the whole board and for anyone alone."""
    client, drive, _ = loaded
    for campaign in ("dubois", "mayors", "friends", "chain", "large"):
        found = ask(client, queries.standings(DB, campaign, limit=10_000))
        ranks = [(row["account"], row["points"], row["rank"]) for row in found]
        assert ranks == standings(drive, campaign)
        if ranks:
            account, points, rank = ranks[-1]
            (row,) = ask(client, queries.standings(DB, campaign, account=account))
            assert (row["points"], row["rank"]) == (points, rank)
    assert len(ask(client, queries.standings(DB, "dubois", limit=10))) == 10


def test_mayors(loaded: Loaded) -> None:
    """Titles in ClickHouse are those that were said, and who held one at a moment is found among them."""
    client, drive, _ = loaded
    found = ask(client, queries.mayors(DB))
    expected = titles(drive)
    assert (
        sorted((row["venue"], row["account"], row["days"], ms(row["since"]), ms(row["until"])) for row in found)
        == expected
    )
    then = datetime(2010, 9, 1, tzinfo=UTC)
    at = ms(then) or 0
    held = ask(client, queries.mayors(DB, at=then))
    holds = [one for one in expected if one[3] <= at and (one[4] is None or one[4] > at)]
    assert len(held) == len(holds) > 50
    venue, account = expected[0][:2]
    both = ask(client, queries.mayors(DB, venue=venue, account=account))
    assert len(both) == sum(one[:2] == (venue, account) for one in expected)


def test_receipts(loaded: Loaded) -> None:
    """The receipt of a reward has the events that earned it, whatever the kind."""
    client, _, facts = loaded
    kinds = set()
    for campaign in ("dubois", "mayors", "friends", "large"):
        for reward in ask(client, queries.rewards(DB, campaign))[:5]:
            receipt = ask(client, queries.receipt(DB, reward["id"]))
            events = {row["event"] for row in receipt}
            at, account = ms(reward["at"]) or 0, reward["account"]
            if campaign == "dubois":
                expected = {f.id for f in facts if f.actor == account and f.tags and f.time < MAY and not f.root}
                expected -= {f.id for f in facts if f.kind != 0}
            elif campaign == "mayors":
                expected = {
                    f.id
                    for f in facts
                    if f.actor == account
                    and f.venue == reward["which"]
                    and f.time <= at
                    and at // 86_400_000 - f.time // 86_400_000 < 60
                }
            elif campaign == "friends":
                expected = {f.id for f in facts if f.actor == reward["which"] and account in f.receivers}
            else:
                expected = {f.id for f in facts if f.actor == account and f.time == at}
            assert events == expected
            assert events
            kinds.add(reward["kind"])
    assert kinds == {"contest", "mayor", "referral", "threshold"}


def test_bought_and_given(loaded: Loaded) -> None:
    """What carried a campaign further is counted apart by earned and bought, without what was undone; an undo beyond the
    horizon undoes nothing, nor does another event that names one.
    """
    client, _, _ = loaded
    quotes, shares = ask(client, queries.amplification(DB, "dubois"))
    counted = ("type", "events", "people", "earned", "incentivised", "undisclosed", "of_entries")
    assert tuple(quotes[name] for name in counted) == ("quote", 1, 1, 0, 1, 0, 0)
    assert tuple(shares[name] for name in counted) == ("share", 3, 1, 2, 1, 1, 3)


def test_disclosed_and_undisclosed(loaded: Loaded) -> None:
    """Every entry is on one of the two lists, with its text."""
    client, drive, _ = loaded
    lists = [ask(client, queries.entries(DB, "dubois", disclosed)) for disclosed in (True, False)]
    known = [row for row in drive.live("campaign_entries") if row["campaign"] == "dubois"]
    assert [len(found) for found in lists] == [
        sum(row["disclosed"] is disclosed for row in known) for disclosed in (True, False)
    ]
    assert all("dubois" in row["text"].lower() for row in lists[1])
    (row,) = (row for row in ask(client, queries.campaigns(DB)) if row["campaign"] == "dubois")
    assert (row["entries"], row["undisclosed"], row["rewards"]) == (len(known), len(lists[1]), 3)


def test_signals(loaded: Loaded) -> None:
    """Signals come with points and rank; accounts that were never seen before their first entry are told."""
    client, drive, _ = loaded
    found = ask(client, queries.signals(DB, "dubois"))
    said = {(row["account"], row["signal"]) for row in drive.live("campaign_signals") if row["campaign"] == "dubois"}
    assert {(row["account"], row["signal"]) for row in found if row["signal"] != "new_account"} == said
    new = [row["account"] for row in found if row["signal"] == "new_account"]
    assert len(new) == len(set(new)) > 100
    first = min((row for row in drive.live("campaign_entries") if row["campaign"] == "dubois"), key=lambda r: r["at"])
    assert first["account"] not in new


def test_chain(loaded: Loaded) -> None:
    """The tree of links can be walked from its roots or from anyone."""
    client, _, _ = loaded
    walk = [(row["depth"], row["sponsor"], row["member"]) for row in ask(client, queries.chain(DB, "chain"))]
    assert walk == [(1, "a", "b"), (1, "a", "c"), (2, "b", "d")]
    walk = [(row["depth"], row["sponsor"], row["member"]) for row in ask(client, queries.chain(DB, "chain", "b"))]
    assert walk == [(1, "b", "d")]


def test_hostile_names(loaded: Loaded) -> None:
    """Values are bound, so a name that is SQL is only a name that nobody has."""
    client, _, _ = loaded
    evil = "' OR 1 = 1 --"
    for query in (
        queries.standings(DB, evil),
        queries.standings(DB, "dubois", account=evil),
        queries.rewards(DB, evil),
        queries.receipt(DB, evil),
        queries.entries(DB, evil, False),
        queries.amplification(DB, evil),
        queries.signals(DB, evil),
        queries.mayors(DB, venue=evil),
        queries.chain(DB, evil),
    ):
        assert ask(client, query) == []
