"""The network's views in a real ClickHouse say what the pure functions say of the same rows."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any
from uuid import uuid4

import msgspec
import networkx as nx
import pytest
from clickhouse_connect.driver.client import Client
from networkx.algorithms.link_analysis.pagerank_alg import _pagerank_python

from infra.database import connect, migrate, migrations
from infra.settings import SettingsError, load
from infra.stack import StackInfo
from schemas.decode import decode
from schemas.event import Event
from schemas.fact import SHARE, Fact, fact_of
from schemas.rows import encode_rows, events_row
from schemas.rows.events import EVENTS
from schemas.rows.panes import ACCOUNT_PANES
from schemas.rows.retractions import RETRACTIONS, TOLD
from schemas.rows.table import Table
from schemas.rows.ties import HALF_LIFE_DAYS, TIES
from streams.cli.read import _TAGS
from streams.measures.account.catalogue import ACCOUNT_SCORES
from streams.measures.cascade.catalogue import CASCADE_EPISODES
from streams.measures.population.concentration import gini, herfindahl, top_share
from streams.measures.population.loyalty import loyalty
from streams.measures.population.reciprocity import excess_reciprocity, reciprocity, weighted_reciprocity
from streams.operations.ranking import rank, save
from streams.operations.reading import Facts
from streams.page import queries as page
from streams.subject import Now
from streams.subjects.cascades import Cascades
from streams.subjects.ties import Ties
from streams.tables import ALL_TABLES
from tests.unit.cascades.helpers import FOREVER, given_events, plain_facts, run

HORIZON = 3_600_000
APPLAUSE = {"like", "share", "quote", "recommend"}


class Database:
    """A database of its own, with the tables and views of the network."""

    def __init__(self, client: Client, name: str) -> None:
        self.client, self.name = client, name
        migrate(client, name, ALL_TABLES.values(), horizon=HORIZON)

    def put(self, table: Table, rows: Sequence[tuple[Any, ...]], version: int = 1) -> None:
        """Insert rows as the sink does."""
        block = encode_rows([(*row, version) for row in (rows if table.packed is None else packed(table, rows))])
        store = f"{self.name}.{table.store}"
        self.client.raw_insert(
            store, [*(column.name for column in table.stored), "version"], block, fmt="JSONCompactEachRow"
        )

    def ask(self, sql: str) -> list[dict[str, Any]]:
        """Return the rows of a query; `{db}` is the database."""
        return list(self.client.query(sql.replace("{db}", self.name)).named_results())


@pytest.fixture(scope="module")
def client(stack: StackInfo) -> Client:
    """Return the way to the session's ClickHouse."""
    return connect(load({"JUICE_CLICKHOUSE": stack.clickhouse}))


@pytest.fixture
def database(client: Client) -> Iterator[Database]:
    """Give an empty database with the views."""
    name = f"views_{uuid4().hex[:10]}"
    yield Database(client, name)
    client.command(f"DROP DATABASE {name} SYNC")


def packed(table: Table, rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return rows as `table` stores them: one for all that differ in the packed column alone, a case for each."""
    how = table.packed
    assert how is not None
    by = table.names.index(how.by)
    found: dict[Any, dict[str, tuple[Any, ...]]] = {}
    for row in rows:
        found.setdefault(row[0], {})[row[by]] = row
    stored = []
    for shown in found.values():
        present = [value for value in how.values if value in shown]
        any_ = next(iter(shown.values()))
        cells: list[Any] = []
        for at, name in enumerate(table.names):
            if name == how.by:
                cells.append([present.index(value) + 1 if value in shown else 0 for value in how.values])
            elif name in how.own:
                cells.append([shown[value][at] if value in shown else 0 for value in how.values])
            elif name in how.cased:
                cells.append([shown[value][at] for value in present])
            else:
                cells.append(any_[at])
        stored.append(tuple(cells))
    return stored


def events_rows(events: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return the rows of `events` as accept writes them."""
    rows = []
    for number, event in enumerate(events):
        raw = msgspec.json.encode(event)
        decoded = decode(raw)
        assert isinstance(decoded, tuple)
        said: Event = decoded[0]
        rows.append(events_row(said, fact_of(*decoded), raw, decoded[1], "social.events", 0, number))
    return rows


def scores_row(account: str, window: str, **given: Any) -> tuple[Any, ...]:
    """Return a row of account_scores with what is given and nothing else."""
    zero = {"S": "", "L": "", "N": None, "M": {}}
    values = {column.name: zero.get(column.type[0], 0) for column in ACCOUNT_SCORES.columns}
    return tuple((values | {"account": account, "window": window, "actions": 1} | given).values())


def test_reciprocity_of_the_college_is_the_published_one(database: Database) -> None:
    """r = 0.636 out of ClickHouse, and r, ρ and weighted r as the functions have them."""
    rows = run(Ties(), [list(plain_facts(given_events("college-messages")))], FOREVER).by_table["ties"]
    database.put(TIES, rows)
    ties: Counter[tuple[str, str]] = Counter()
    for row in rows:
        ties[row[0], row[1]] += row[3]
    (said,) = database.ask("SELECT * FROM {db}.tie_reciprocity")
    assert (said["accounts"], said["ties"]) == (1_899, 20_296)
    assert said["r"] == pytest.approx(0.636, abs=5e-4)
    assert said["r"] == pytest.approx(reciprocity(ties))
    assert said["rho"] == pytest.approx(excess_reciprocity(ties))
    assert said["weighted"] == pytest.approx(weighted_reciprocity(ties))

    out: dict[str, set[str]] = defaultdict(set)
    for source, target in ties:
        out[source].add(target)
    for row in database.ask("SELECT * FROM {db}.tie_accounts"):
        mutual = sum(row["account"] in out.get(other, ()) for other in out.get(row["account"], ()))
        assert (row["out_ties"], row["mutual_ties"]) == (len(out.get(row["account"], ())), mutual)


def test_given_is_what_the_contract_counts(database: Database) -> None:
    """Of each kind, on others, on oneself, on both and on nobody."""
    whom: list[dict[str, Any]] = [{"object_author": name} for name in ("ada", "bob", "")]
    whom += [{"targets": names} for names in ([], ["ada"], ["bob", "bob", "ada"])]
    whom += [{"text": "@ada and @bob @cy #x", "targets": []}]
    kinds = (*APPLAUSE, "reply", "click", "mention", "tag", "follow", "unfollow", "referral", "post", "checkin", "undo")
    events = [
        {"v": 1, "id": f"{kind}-{n}", "type": kind, "time": "2012-07-01T00:00:00Z", "actor": "ada", **said}
        | {"object": "p", "venue": "bar", "undo_of": "e"}
        for kind in kinds
        for n, said in enumerate(whom)
    ]
    good = [event for event in events if isinstance(decode(msgspec.json.encode(event)), tuple)]
    assert {event["type"] for event in good} == set(kinds)
    database.put(EVENTS, events_rows(good))
    said = {row["id"]: row["given"] for row in database.ask("SELECT id, given FROM {db}.events")}
    decoded = {event["id"]: decode(msgspec.json.encode(event)) for event in good}
    assert said == {id: fact_of(*each).given for id, each in decoded.items() if isinstance(each, tuple)}


def test_tie_weights_are_decayed_to_the_end_of_the_last_day(database: Database) -> None:
    """A pair's weight is the sum over its days, halved for every 14 days until the last day of any tie."""
    days = [("a", "b", "2012-07-01", 4.0), ("a", "b", "2012-07-15", 1.0), ("b", "a", "2012-07-29", 2.0)]
    database.put(TIES, [(s, t, day, 1, 0, 0, 0, weight, weight / 2) for s, t, day, weight in days])
    rows = database.ask("SELECT * FROM {db}.tie_weights ORDER BY source")
    assert [row["weight"] for row in rows] == pytest.approx([4 / 4 + 1 / 2, 2])
    assert [row["earned_weight"] for row in rows] == pytest.approx([0.75, 1])
    assert (rows[0]["first_day"], rows[0]["last_day"]) == (date(2012, 7, 1), date(2012, 7, 15))


def test_the_half_life_is_said_once(database: Database) -> None:
    """What the stream decays by within a day is what the rows say, and what the view decays by between days."""
    begin = Fact(id="1", kind=SHARE, actor="a", receivers=("b",), time=0)
    after = Fact(id="2", kind=SHARE, actor="a", receivers=("b",), time=(HALF_LIFE_DAYS + 1) * 86_400_000 - 1)
    database.put(TIES, run(Ties(), [[begin, after]], FOREVER).by_table["ties"])
    ((half_life,),) = ((row["h"],) for row in database.ask("SELECT any(half_life_days) AS h FROM {db}.ties"))
    assert half_life == HALF_LIFE_DAYS
    (row,) = database.ask("SELECT weight FROM {db}.tie_weights")
    assert row["weight"] == pytest.approx(1 + 2 ** -((half_life + 1) / half_life), abs=1e-5)


def networkx_ranks(rows: Sequence[tuple[Any, ...]], first: date, last: date, weight: int) -> dict[str, float]:
    """Return networkx's PageRank over rows of ties in [first, last], decayed to the end of `last`."""
    graph = nx.DiGraph()
    for row in rows:
        day = date.fromisoformat(row[2])
        if first <= day <= last and row[weight] > 0:
            before = graph.get_edge_data(*row[:2], default={"weight": 0.0})["weight"]
            graph.add_edge(*row[:2], weight=before + row[weight] * 2 ** (-(last - day).days / HALF_LIFE_DAYS))
    ranks: dict[str, float] = _pagerank_python(graph, tol=1e-12, max_iter=500)  # nx.pagerank is the same on scipy
    return ranks


def test_pagerank_over_the_real_ties_is_networkxs(database: Database) -> None:
    """On real days, both and each alone, every account has networkx's rank, and the first come first."""
    facts = list(plain_facts(islice(given_events("higgs-july-1-3"), 5_000)))
    rows = run(Ties(), [facts], FOREVER).by_table["ties"]
    database.put(TIES, rows)
    one, two = date(2012, 7, 1), date(2012, 7, 2)
    for first, last, asked in ((one, two, {}), (two, two, {"days": 1})):
        found = rank(database.client, database.name, **asked)
        assert (found.first_day, found.last_day) == (first, last)
        expected, said = networkx_ranks(rows, first, last, 7), dict(found.ranks)
        assert said.keys() == expected.keys()
        assert max(abs(value - expected[account]) for account, value in said.items()) < 1e-7
        assert [value for _, value in found.ranks] == sorted(said.values(), reverse=True)
    assert rank(database.client, database.name, until=one).last_day == one
    with pytest.raises(SettingsError, match="no ties"):
        rank(database.client, database.name, since=date(2013, 1, 1))


def test_a_ranking_that_is_saved_again_replaces_the_one_before(database: Database) -> None:
    """The table has one ranking for each pair of days: accounts that are gone are gone; earned ties are another."""

    def tie(source: str, target: str, version: int, events: int = 1) -> None:
        row = (source, target, "2012-07-01", events, 0, 0, 0, 1.0, 0.5, version)
        store, columns = f"{database.name}.ties_store", [*TIES.names, "version"]
        database.client.raw_insert(store, columns, encode_rows([row]), fmt="JSONCompactEachRow")

    def saved() -> dict[bool, list[str]]:
        found: dict[bool, list[str]] = {}
        for row in database.ask("SELECT earned, account, rank FROM {db}.page_ranks ORDER BY earned, rank"):
            found.setdefault(row["earned"], []).append(row["account"])
        return found

    tie("a", "b", 1)
    tie("c", "b", 1)
    for earned in (False, True):
        save(database.client, database.name, rank(database.client, database.name, earned=earned))
    assert saved() == {False: ["b", "a", "c"], True: ["b", "a", "c"]}
    tie("c", "b", 2, events=0)
    save(database.client, database.name, rank(database.client, database.name))
    assert saved() == {False: ["b", "a"], True: ["b", "a", "c"]}


def test_concentration_is_that_of_the_functions(database: Database) -> None:
    """Gini, Herfindahl and top share per window equal the functions' over accounts that have any."""
    rng = random.Random(11)
    values = {f"a{n}": int(rng.paretovariate(1.1)) - 1 for n in range(500)}
    rows = [scores_row(account, "24h", engagement=count) for account, count in values.items()]
    database.put(ACCOUNT_SCORES, rows)
    some = [count for count in values.values() if count]
    (row,) = database.ask("SELECT * FROM {db}.concentration WHERE measure = 'engagement'")
    assert (row["window"], row["accounts"], row["total"]) == ("24h", len(some), sum(some))
    assert row["gini"] == pytest.approx(gini(some))
    assert row["herfindahl"] == pytest.approx(herfindahl(some))
    assert row["top_1_percent_share"] == pytest.approx(top_share(some))


def test_daily_concentration_counts_engagement_and_no_follows(database: Database) -> None:
    """A day's inequality is that of the engagement its accounts received."""
    start = 1_341_100_800
    rows = [
        (f"a{n}", start + 60 * n, direction, kind, n, 0, 0)
        for n in range(1, 50)
        for direction, kind in (("received", "like"), ("received", "follow"), ("given", "like"))
    ]
    database.put(ACCOUNT_PANES, rows)
    (row,) = database.ask("SELECT * FROM {db}.concentration_daily")
    assert (row["day"], row["accounts"]) == (date(2012, 7, 1), 49)
    assert row["gini"] == pytest.approx(gini(range(1, 50)))


def test_loyalty_is_that_of_the_function(database: Database) -> None:
    """Reach, frequency and what is beyond double jeopardy equal the function's."""
    rng = random.Random(12)
    people = {f"a{n}": rng.randrange(1, 150) for n in range(40)}
    acts = {account: count + rng.randrange(3 * count) for account, count in people.items()}
    rows = [scores_row(a, "7d", people=people[a], engagement=acts[a], given_people=1) for a in people]
    rows += [scores_row(f"fan{n}", "7d", given_people=2) for n in range(160)]
    database.put(ACCOUNT_SCORES, rows)
    expected = loyalty(people, acts, 200)
    found = database.ask("SELECT * FROM {db}.loyalty")
    assert {row["account"] for row in found} == set(people)
    for row in found:
        one = (row["reach"], row["frequency"], row["expected_frequency"], row["beyond"])
        assert one == pytest.approx(tuple(expected[row["account"]]))


def test_leaderboards_rank_each_window_by_itself(database: Database) -> None:
    """The first of a board is who has most in that window; nobody without any is on it."""
    rows = [scores_row(f"a{n}", "1h", influence=n, people_earned=200 - n) for n in range(150)]
    database.put(ACCOUNT_SCORES, [*rows, scores_row("b", "24h", influence=0.5)])
    boards = database.ask("SELECT * FROM {db}.leaderboards ORDER BY board, window, rank")
    influence = [row["account"] for row in boards if (row["board"], row["window"]) == ("influence", "1h")]
    assert influence == [f"a{n}" for n in range(149, 49, -1)]
    assert [row["account"] for row in boards if row["window"] == "24h"] == ["b"]
    assert next(row["account"] for row in boards if row["board"] == "people" and row["rank"] == 1) == "a0"


def test_cascades_add_up_their_episodes(database: Database) -> None:
    """A root that is shared again after its state was released keeps its exact size."""
    events = list(given_events("twitter15-trees"))
    root = events[0]["object"]
    facts = [fact for fact in plain_facts(events) if root in (fact.root, fact.object)]
    first, later = facts[:50], facts[50:]
    end = max(fact.time for fact in facts) // 60_000 * 60_000
    silent = Now(end + 8 * 86_400_000, end + 7 * 86_400_000)
    database.put(CASCADE_EPISODES, run(Cascades(), [first], silent).by_table["cascade_episodes"])
    rows = run(Cascades(), [later], Now(end + 120_000, 0)).by_table["cascade_episodes"]
    database.put(CASCADE_EPISODES, [row for row in rows if row[2] == 0])
    found = database.ask("SELECT * FROM {db}.cascades")
    (row,) = found
    assert (row["root"], row["size"], row["final"]) == (root, len(facts) - 1, False)
    assert database.ask("SELECT count() AS n FROM {db}.cascade_episodes")[0]["n"] == row["episodes"]


def test_the_nodes_of_a_cascade_draw_its_tree(database: Database) -> None:
    """Node by node, the view names the parents that the given trees have."""
    events = list(given_events("twitter15-trees"))
    database.put(EVENTS, events_rows(events))
    parents = {event["object"]: event["parent"] for event in events if event["type"] == "share"}
    roots = {event["object"] for event in events if event["type"] == "post"}
    nodes = database.ask("SELECT * FROM {db}.cascade_nodes")
    assert len(nodes) == len(parents)
    for node in nodes:
        parent = parents[node["own"]]
        assert node["parent_named"] == ("" if parent in roots else parent)


def plain_exchanges(events: Sequence[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """Return how often a pair returned applause within ten minutes, by looking at every two actions of a
    pair.
    """
    acts: dict[tuple[str, ...], list[tuple[float, str, str]]] = defaultdict(list)
    for event in events:
        for other in event.get("targets") or [event.get("object_author", "")]:
            if other and other != event["actor"]:
                act = (datetime.fromisoformat(event["time"]).timestamp(), event["actor"], event["type"])
                acts[tuple(sorted((event["actor"], other)))].append(act)
    swaps: Counter[tuple[str, str]] = Counter()
    for (a, b), done in acts.items():
        for at, who, kind in done:
            before = (at - other_at for other_at, other, _ in done if other != who)
            if kind in APPLAUSE and any(0 <= seconds <= 600 for seconds in before):
                swaps[a, b] += 1
    return Counter({pair: count for pair, count in swaps.items() if count >= 3})


def test_exchanges_are_pairs_who_return_applause_at_once(database: Database) -> None:
    """On the real days and a pair of traders, the view finds whom a plain search finds."""
    events = list(given_events("higgs-july-1-3"))
    for n in range(10):
        for actor, author, second in (("trader", "friend", 0), ("friend", "trader", 40)):
            time = f"2012-07-02T{n:02}:00:{second:02}Z"
            trade = {"id": f"{actor}-{n}", "type": "like", "time": time, "actor": actor}
            events.append(trade | {"object_author": author})
    database.put(EVENTS, events_rows(events))
    database.put(TIES, run(Ties(), [list(plain_facts(events))], FOREVER).by_table["ties"])
    rows = database.ask("SELECT * FROM {db}.tie_exchanges")
    found = {(row["a"], row["b"]): row["swaps"] for row in rows}
    assert found == plain_exchanges(events)
    assert found["friend", "trader"] == 10


def share(id: str, minute: int, **more: Any) -> dict[str, Any]:
    """Return a share of `post` by somebody."""
    said = {"id": id, "type": "share", "time": f"2012-07-01T00:{minute:02}:00Z", "actor": f"by {id}", "object": "post"}
    return said | {"object_author": "ann"} | more


def undo(of: str, minute: int, hour: int = 0) -> dict[str, Any]:
    """Return an undo."""
    said = {"id": f"undo of {of} {hour}", "type": "undo", "actor": "z", "undo_of": of}
    return said | {"time": f"2012-07-01T{hour:02}:{minute:02}:00Z"}


def taken_back(*events: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return the rows by which accept says that these events are taken back."""
    at = EVENTS.names.index("time")
    return [(row[0], row[at], "u", row[at]) for row in events_rows(events)]


AGAIN = "2012-07-01T09:00:00Z"
"""Beyond the horizon from midnight."""


def test_only_what_was_taken_back_is_no_node(database: Database) -> None:
    """An undo that had no effect takes no share out of its cascade, and of two with one id only the one that is meant."""
    gone, again = share("gone", 1), share("gone", 0, time=AGAIN)
    events = [share("kept", 0), gone, again, share("far", 2), undo("gone", 5), undo("far", 2, hour=7)]
    database.put(EVENTS, events_rows(events))
    database.put(RETRACTIONS, taken_back(gone))
    found = database.ask("SELECT node, toHour(at) AS hour FROM {db}.cascade_nodes ORDER BY node")
    assert [(row["node"], row["hour"]) for row in found] == [("far", 0), ("gone", 9), ("kept", 0)]


def test_only_what_was_taken_back_is_no_exchange(database: Database) -> None:
    """Of five swaps one was taken back; an undo beyond the horizon of another leaves it."""
    events = []
    for n in range(5):
        for actor, author, second in (("trader", "friend", 0), ("friend", "trader", 40)):
            trade = {
                "id": f"{actor}-{n}",
                "type": "like",
                "time": f"2012-07-02T{2 * n:02}:00:{second:02}Z",
                "actor": actor,
            }
            events.append(trade | {"object_author": author})
    gone = events[1]
    database.put(TIES, run(Ties(), [list(plain_facts(events))], FOREVER).by_table["ties"])
    database.put(EVENTS, events_rows([*events, undo("friend-0", 1), undo("friend-3", 2)]))
    database.put(RETRACTIONS, taken_back(gone))
    (row,) = database.ask("SELECT events, swaps FROM {db}.tie_exchanges")
    assert (row["events"], row["swaps"]) == (9, 4)


def test_a_share_whose_names_were_erased_stays_a_node(database: Database) -> None:
    """Of whom it is is not said, nor by whom the post was; whoever shared below it still does."""
    events = [
        share("one", 0),
        share("nobody", 1, object_author=""),
        share("below", 2, parent="nobody", object="own"),
        share("self", 3, actor="ann"),
    ]
    rows = []
    for row in events_rows(events):
        said = dict(zip(EVENTS.names, row, strict=True))
        gone = {"actor": ""} if said["id"] in ("one", "nobody") else {}
        rows.append(tuple((said | gone | ({"object_author": ""} if said["id"] == "one" else {})).values()))
    database.put(EVENTS, rows)
    found = database.ask("SELECT node, parent_named, actor FROM {db}.cascade_nodes ORDER BY node")
    assert [tuple(row.values()) for row in found] == [
        ("below", "nobody", "by below"),
        ("nobody", "", ""),
        ("one", "", ""),
    ]


def test_questions_about_events_leave_out_only_what_was_taken_back(database: Database) -> None:
    """Hashtags and taggings of the page, those of `juice top`, and what `juice validate` reads back: of two events with one id
    the other stays, and so does what an undo beyond the horizon names.
    """
    tagging = {"type": "tag", "targets": ["bob"], "root": "meme", "hashtags": ["juice"]}
    gone, again, far = share("gone", 1, **tagging), share("gone", 0, time=AGAIN, **tagging), share("far", 2, **tagging)
    events = [share("kept", 0, **tagging), gone, again, far, undo("gone", 5), undo("far", 2, hour=7)]
    database.put(EVENTS, events_rows(events))
    database.put(RETRACTIONS, taken_back(gone))

    def ask(sql: str, **given: Any) -> list[dict[str, Any]]:
        return list(database.client.query(sql, parameters={"db": database.name} | given).named_results())

    tags = page.tags(database.name, "24h", 10)
    (row,) = ask(tags.sql, **tags.parameters)
    assert (row["tag"], row["events"], row["people"]) == ("juice", 3, 3)
    history = page.tag_history(database.name, "24h", ["juice"])
    assert [row["events"] for row in ask(history.sql, **history.parameters)] == [2, 1]
    taggings = page.taggings(database.name, "meme", 10)
    assert [row["node"] for row in ask(taggings.sql, **taggings.parameters)] == ["kept:bob", "far:bob", "gone:bob"]
    (row,) = ask(_TAGS, seconds=86_400, limit=10)
    assert (row["events"], row["people"]) == (3, 3)
    facts = Facts(database.client, database.name, datetime(2012, 7, 1, tzinfo=UTC), datetime(2012, 7, 2, tzinfo=UTC))
    assert sorted(fact.id for fact in facts) == ["far", "gone", "kept"]


def test_what_was_undone_before_is_found_by_the_migration(database: Database) -> None:
    """It counts as an audit does: no further apart than the horizon, no undo of an undo, the earliest of several undos; rows that
    accept has said hold.
    """
    gone, again = share("gone", 1), share("gone", 0, time=AGAIN)
    events = [share("kept", 0), gone, again, share("far", 2), share("told", 3)]
    first = undo("gone", 9) | {"id": "first"}
    events += [undo("gone", 30), first, undo("far", 2, hour=7), undo("first", 10), undo("told", 4)]
    database.put(EVENTS, events_rows(events))
    database.put(RETRACTIONS, [(*row[:2], "by accept", row[3]) for row in taken_back(events[4])], version=TOLD)
    (migration,) = (each for each in migrations() if each.name == "retractions")
    for _ in range(2):
        for statement in migration.statements:
            database.client.command(statement.replace("{database}", database.name).replace("{horizon}", str(HORIZON)))
    found = database.ask(
        "SELECT id, toHour(time) AS hour, undo, toMinute(undo_time) AS minute FROM {db}.retractions ORDER BY id"
    )
    assert [tuple(row.values()) for row in found] == [("gone", 0, "first", 9), ("told", 0, "by accept", 3)]
