"""The check finds nothing where nothing is wrong, and whatever is wrong, by its name."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any
from zlib import crc32

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

from infra.stack import StackInfo
from tests.simulator import Oracle, Outcome, Plan, differences, records
from tests.simulator.check import CHECKS
from tests.simulator.reading import Read, read

DATABASE = "simulator_check"
PLAN = Plan(seed=21, events=2_000, rate=0.4, accounts=200)
SCHEMA = {
    "conservation": "source_partition Int32, read Int64, accepted Int64, duplicates Int64, "
    "dead_letters Int64, residue Int64",
    "events": "id String, type String, time DateTime64(3, 'UTC'), actor String, network String, "
    "actor_followers Nullable(UInt64), actor_following Nullable(UInt64), object String, "
    "object_author String, root String, parent String, targets Array(String), text String, lang String, "
    "hashtags Array(String), media Array(String), urls Array(String), venue String, campaign String, "
    "incentive LowCardinality(String) DEFAULT 'none', disclosed Bool, promo Bool, undo_of String, "
    "raw String, partition UInt32, offset UInt64",
    "dead_letters": "partition UInt32, offset UInt64, reason String, record String",
    "account_panes": "account String, pane DateTime('UTC'), direction String, kind String, events UInt64, "
    "incentivised UInt64, undisclosed UInt64",
    "ties": "source String, target String, day Date, events UInt64",
    "cascades": "root String, size UInt64, depth UInt32, breadth UInt64",
}
"""What the contract says of these tables, as far as the check reads them."""


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    """The oracle after the whole log."""
    oracle = Oracle(partitions=PLAN.partitions, lateness=PLAN.lateness, horizon=PLAN.horizon)
    for partition, raw in records(PLAN):
        oracle.take(partition, raw)
    return oracle


def right(oracle: Oracle) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a product that is right, and decides now one way and now the other where it may."""
    rows: dict[str, list[dict[str, Any]]] = {table: [] for table in SCHEMA}
    events: dict[str, dict[str, Any]] = {}
    accepted, dead = [0] * PLAN.partitions, [0] * PLAN.partitions
    offsets = [0] * PLAN.partitions
    for partition, raw in records(PLAN):
        offset = offsets[partition]
        offsets[partition] += 1
        outcome = Outcome(oracle.outcomes[partition][offset])
        place = {"partition": partition, "offset": offset}
        if outcome.dead or (outcome == Outcome.LATE_COPY and offset % 2):
            dead[partition] += 1
            letter = {"reason": outcome.reason, "record": base64.b64encode(raw).decode()}
            rows["dead_letters"].append(place | letter)
        elif outcome in (Outcome.ACCEPTED, Outcome.EITHER):
            said = read(raw)
            assert isinstance(said, Read)
            known = {field: value for field, value in said.said.items() if value is not None}
            events[said.id] = known | place | {"time": said.time, "raw": raw.decode()}
    for event in events.values():
        accepted[event["partition"]] += 1
    for partition, codes in enumerate(oracle.outcomes):
        sums = {"read": len(codes), "accepted": accepted[partition], "dead_letters": dead[partition]}
        duplicates = len(codes) - accepted[partition] - dead[partition]
        rows["conservation"].append({"source_partition": partition, "duplicates": duplicates} | sums)
    rows["events"] = list(events.values())
    tally = oracle.tally
    for key, packed in tally.panes.items():
        account, minute, direction, kind = tally.name_of_pane(key)
        counts = zip(("events", "incentivised", "undisclosed"), tally.unpack(packed), strict=True)
        pane = {"account": account, "pane": f"{minute}:00", "direction": direction, "kind": kind}
        if packed:
            rows["account_panes"].append(pane | dict(counts))
    for key, count in tally.ties.items():
        source, target, day = tally.name_of_tie(key)
        if count:
            rows["ties"].append({"source": source, "target": target, "day": day, "events": count})
    for root, shares in tally.cascades.items():
        if shares:
            rows["cascades"].append({"root": root} | tally.shape(root)._asdict())
    return rows


@pytest.fixture
def client(stack: StackInfo, oracle: Oracle) -> Iterator[Client]:
    """A ClickHouse that holds the right answers."""
    client = clickhouse_connect.get_client(dsn=stack.clickhouse, autogenerate_session_id=False)
    client.command(f"CREATE DATABASE {DATABASE}")
    for table, rows in right(oracle).items():
        client.command(f"CREATE TABLE {DATABASE}.{table} ({SCHEMA[table]}) ENGINE MergeTree ORDER BY tuple()")
        lines = "\n".join(json.dumps(row) for row in rows)
        settings = {"input_format_skip_unknown_fields": 1}
        client.raw_insert(f"{DATABASE}.{table}", insert_block=lines, fmt="JSONEachRow", settings=settings)
    yield client
    client.command(f"DROP DATABASE {DATABASE}")
    client.close()


def test_right(client: Client, oracle: Oracle) -> None:
    """Nothing differs where everything is right."""
    assert differences(client, DATABASE, oracle) == []


WRONGS: dict[str, tuple[str, str]] = {
    "a record not counted": (
        "ALTER TABLE {db}.conservation UPDATE read = read - 1, residue = -1 WHERE source_partition = 2",
        "-1 unaccounted for",
    ),
    "accepted twice": (
        "ALTER TABLE {db}.conservation UPDATE accepted = accepted + 1, duplicates = duplicates - 1 "
        "WHERE source_partition = 1",
        "accepted, should be",
    ),
    "a lost event": ("ALTER TABLE {db}.events DELETE WHERE id = '21-5'", "events: "),
    "an event twice": (
        "INSERT INTO {db}.events SELECT * FROM {db}.events WHERE id = '21-5'",
        "is there twice",
    ),
    "a wrong place": (
        "ALTER TABLE {db}.events UPDATE offset = offset + 10000 WHERE id = '21-5'",
        "not in the log",
    ),
    "changed bytes": (
        "ALTER TABLE {db}.events UPDATE raw = raw || ' ' WHERE id = '21-5'",
        "is not what was sent",
    ),
    "a wrong column": ("ALTER TABLE {db}.events UPDATE actor = 'eve' WHERE 1", "actor is 'eve', should be"),
    "a wrong time": (
        "ALTER TABLE {db}.events UPDATE time = addMilliseconds(time, 1) WHERE 1",
        "toUnixTimestamp64Milli(time) is",
    ),
    "a lost letter": (
        "ALTER TABLE {db}.dead_letters DELETE WHERE reason = 'late'",
        "is missing, should be late",
    ),
    "letters that are not counted": (
        "ALTER TABLE {db}.conservation UPDATE duplicates = duplicates + dead_letters, dead_letters = 0 WHERE 1",
        ": 0 dead and ",
    ),
    "a wrong reason": (
        "ALTER TABLE {db}.dead_letters UPDATE reason = 'late' WHERE reason = 'invalid'",
        "is there as late, should be invalid",
    ),
    "a cut letter": (
        "ALTER TABLE {db}.dead_letters UPDATE record = '' WHERE reason = 'late'",
        "is not what was sent",
    ),
    "an event among the letters": (
        "INSERT INTO {db}.dead_letters SELECT partition, offset, 'late', '' FROM {db}.events LIMIT 1",
        "is there as late, should be",
    ),
    "a lost pane": ("ALTER TABLE {db}.account_panes DELETE WHERE account = 'u0'", "is absent, should be"),
    "a pane too high": (
        "ALTER TABLE {db}.account_panes UPDATE events = events + 1 WHERE 1",
        "should be (1, 0, 0)",
    ),
    "a class wrong": (
        "ALTER TABLE {db}.account_panes UPDATE undisclosed = 0 WHERE undisclosed > 0",
        "account_panes: ",
    ),
    "a pane of nobody": (
        "INSERT INTO {db}.account_panes VALUES ('nobody', 60, 'given', 'like', 1, 0, 0)",
        "('nobody', 1, 'given', 'like') is (1, 0, 0), should be absent",
    ),
    "a pane twice": (
        "INSERT INTO {db}.account_panes SELECT * FROM {db}.account_panes WHERE account = 'u1' LIMIT 1",
        "is there twice",
    ),
    "a tie too high": (
        "ALTER TABLE {db}.ties UPDATE events = events + 1 WHERE source = 'u0'",
        "ties: ('u0', ",
    ),
    "a lost tie": ("ALTER TABLE {db}.ties DELETE WHERE source = 'u0'", "is absent, should be"),
    "a cascade too deep": ("ALTER TABLE {db}.cascades UPDATE depth = depth + 1 WHERE 1", "cascades: p"),
    "a lost table": ("DROP TABLE {db}.cascades", "cascades: cannot be read: "),
}


@pytest.mark.parametrize("wrong", WRONGS)
def test_wrong(client: Client, oracle: Oracle, wrong: str) -> None:
    """Each thing that can be wrong is found and named, and nothing else is but the sums that miss it."""
    statement, named = WRONGS[wrong]
    client.command(statement.replace("{db}", DATABASE), settings={"mutations_sync": 1})
    found = differences(client, DATABASE, oracle)
    assert any(named in line for line in found), found
    tables = {line.split(":")[0] for line in found}
    assert len(tables - {"conservation"}) <= 1, found
    assert tables <= set(CHECKS)


def test_only_what_is_asked(client: Client, oracle: Oracle) -> None:
    """Of several tables that are wrong, those named are looked at, and long lists are cut."""
    client.command(f"TRUNCATE TABLE {DATABASE}.ties")
    client.command(f"TRUNCATE TABLE {DATABASE}.cascades")
    found = differences(client, DATABASE, oracle, tables=["ties", "events"])
    assert {line.split(":")[0] for line in found} == {"ties"}
    assert "more" in found[-1]
    assert len(found) == 11


def test_sums(oracle: Oracle) -> None:
    """The oracle knows the bytes of every record by their sum, in the order of the log."""
    seen = [0] * PLAN.partitions
    for partition, raw in records(PLAN):
        assert oracle.sums[partition][seen[partition]] == crc32(raw)
        seen[partition] += 1
