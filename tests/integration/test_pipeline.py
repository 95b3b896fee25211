"""The whole way on real servers: what comes out equals what the test computes itself from what it put in."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import time
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from infra.stack import StackInfo
from tests.data import real
from tests.harness import Installation, installation

HIGGS = real("higgs-july-1-3.ndjson.gz")
NASTY: list[tuple[bytes | None, str]] = [
    (None, "malformed"),
    (b"", "malformed"),
    (b"\xff\xfe\x00", "malformed"),
    (b"{", "malformed"),
    (b"[" * 100_000, "malformed"),
    (b'{"id":"n1","type":"like","time":NaN,"actor":"a"}', "malformed"),
    (b"[]", "invalid"),
    (b"1" * 4000, "invalid"),
    (b'{"type":"like","time":1,"actor":"a"}', "invalid"),
    (b'{"id":["x"],"type":"like","time":1,"actor":"a"}', "invalid"),
    (b'{"id":"n2","type":"like","time":"yesterday","actor":"a"}', "invalid"),
    (b'{"id":"n3","type":"like","time":"0001-01-01T00:00:00Z","actor":"a"}', "invalid"),
    (b'{"id":"n4","type":"like","time":"2012-07-01T00:00:00","actor":"a"}', "invalid"),
    (b'{"id":"n5","type":"mention","time":1341100800000,"actor":"a","targets":"b"}', "invalid"),
    (b'{"id":"n6","type":"like","time":1341100800000,"actor":"a","actor_followers":-1}', "invalid"),
    (b'{"id":"n7","type":"undo","time":1341100800000,"actor":"a"}', "invalid"),
    (b'{"id":"n8","type":"dance","time":1341100800000,"actor":"a"}', "unknown_type"),
    (b'{"id":"n9","type":"like","time":"9999-12-31T23:59:59Z","actor":"a"}', "future"),
    (
        b'{"id":"n10","type":"post","time":1341100800000,"actor":"a","text":"' + b"x" * 10_000_000 + b'"}',
        "too_large",
    ),
]


def higgs(limit: int) -> list[bytes]:
    """Return the first events of the real file."""
    with gzip.open(HIGGS) as lines:
        return [line.strip() for _, line in zip(range(limit), lines, strict=False)]


def recount(events: Iterable[dict[str, Any]]) -> Counter[tuple[str, int, str, str]]:
    """Return actions by (account, minute, direction, kind), by the contract's rules of who receives."""
    counts: Counter[tuple[str, int, str, str]] = Counter()
    for event in events:
        actor, kind = event["actor"], event["type"]
        minute = int(datetime.fromisoformat(event["time"]).timestamp()) // 60 * 60
        if kind in ("post", "checkin"):
            receivers, given = [], 1
        elif kind in ("reply", "like", "share", "quote", "click"):
            author = event.get("object_author")
            receivers, given = ([author] if author and author != actor else []), int(author != actor)
        else:
            receivers = [target for target in event.get("targets", []) if target != actor]
            given = len(receivers)
        for receiver in receivers:
            counts[receiver, minute, "received", kind] += 1
        if given:
            counts[actor, minute, "given", kind] += given
    return counts


def said(here: Installation) -> Counter[tuple[str, int, str, str]]:
    """Return what ClickHouse says of the same."""
    rows = here.query("SELECT account, toUnixTimestamp(pane), direction, kind, events FROM {db}.account_panes")
    return Counter({(a, p, d, k): n for a, p, d, k, n in rows})  # type: ignore[misc]


def settled(here: Installation) -> None:
    """Wait until everything is in ClickHouse."""
    left = here.drain()
    assert left is None, f"{left}\n{here.logs()}"


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_real_events_with_duplicates_and_bad_records(
    stack: StackInfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    """Panes equal a recount, duplicates count once, bad records are dead letters with their reason and bytes."""
    monkeypatch.setenv("TZ", zone)
    events = higgs(8_000)
    records: list[bytes | None] = [
        *events[:4_000],
        *events[3_900:4_000],
        *(raw for raw, _ in NASTY),
        *events[4_000:],
    ]
    with installation(stack, tmp_path) as here:
        here.start("worker")
        here.start("sink")
        here.feed(records)
        settled(here)
        assert said(here) == recount(json.loads(line) for line in events)
        letters = here.query("SELECT reason, record FROM {db}.dead_letters")
        want = Counter((reason, base64.b64encode(raw or b"").decode()) for raw, reason in NASTY)
        assert Counter(letters) == want
        ((read, accepted, duplicates, dead, residue),) = here.query(
            "SELECT sum(read), sum(accepted), sum(duplicates), sum(dead_letters), sum(residue) FROM {db}.conservation"
        )
        assert (read, accepted, duplicates, dead, residue) == (len(records), 8_000, 100, len(NASTY), 0)
        audit = here.juice("audit")
        assert audit.returncode == 0, audit.stdout + audit.stderr


def test_an_undo_takes_its_event_back_whichever_comes_first(stack: StackInfo, tmp_path: Path) -> None:
    """Before, after, twice, of an unknown id, of an undo, beyond the horizon: the panes hold what was not taken back, and
    retractions say what was.
    """

    def event(name: str, minute: int, **more: object) -> dict[str, Any]:
        return {
            "id": name,
            "type": "like",
            "time": f"2012-07-01T00:{minute:02}:00Z",
            "actor": "a",
            "object_author": "b",
            **more,
        }

    def undo(name: str, of: str, minute: int) -> dict[str, Any]:
        return {
            "id": name,
            "type": "undo",
            "time": f"2012-07-01T00:{minute:02}:30Z",
            "actor": "z",
            "undo_of": of,
        }

    events = [
        event("kept", 0), event("after", 1), undo("u1", "after", 2), undo("u2", "before", 3), event("before", 4),
        undo("u3", "after", 5), undo("u4", "nowhere", 6), undo("u5", "u1", 7), event("kept-too", 8, incentive="paid"),
        undo("u6", "kept", 9) | {"time": "2012-07-01T01:00:00.001Z"},
    ]  # fmt: skip
    with installation(stack, tmp_path) as here:
        here.start("worker")
        here.start("sink")
        here.feed(json.dumps(e).encode() for e in events)
        settled(here)
        assert said(here) == recount(e for e in events if e["id"].startswith("kept"))
        assert here.query("SELECT count() FROM {db}.events") == [(len(events),)]
        retractions = "SELECT id, undo, toMinute(time), toMinute(undo_time) FROM {db}.retractions ORDER BY id"
        assert here.query(retractions) == [("after", "u1", 1, 2), ("before", "u2", 4, 3)]
        assert here.query("SELECT sum(incentivised), sum(undisclosed) FROM {db}.account_panes") == [(2, 2)]
        assert here.juice("audit").returncode == 0


def test_naughty_strings_come_back_unchanged(stack: StackInfo, tmp_path: Path) -> None:
    """Every naughty string survives as id, actor, text and tag from Kafka to ClickHouse."""
    strings = [s for s in json.loads(real("naughty-strings/blns.json").read_text()) if s]
    events = [
        {
            "id": f"{i} {s}",
            "type": "reply",
            "time": 1341100800000 + i,
            "actor": s,
            "object_author": f"to {s}",
            "text": s,
            "venue": s[:500],
        }
        for i, s in enumerate(strings)
    ]
    with installation(stack, tmp_path) as here:
        here.start("worker")
        here.start("sink")
        here.feed(json.dumps(e).encode() for e in events)
        settled(here)
        rows = here.query("SELECT id, actor, object_author, text, venue FROM {db}.events")
        want = {(e["id"], e["actor"], e["object_author"], e["text"], e["venue"]) for e in events}
        assert set(rows) == want
        accounts = {row[0] for row in here.query("SELECT DISTINCT account FROM {db}.account_panes")}
        assert accounts == set(strings) | {f"to {s}" for s in strings}
        assert here.juice("audit").returncode == 0


def like(number: int, after: int = 0) -> bytes:
    """Return a record, `after` so many ms more."""
    said = {"id": f"e{number}", "type": "like", "time": 1_341_100_800_000 + number + after, "actor": "ann"}
    return json.dumps(said | {"object_author": "bob"}).encode()


def test_a_producer_with_transactions_may_pause(stack: StackInfo, tmp_path: Path) -> None:
    """What closes a transaction is an offset without a record: it is passed over, and nothing waits for it."""

    async def produce(here: Installation, begin: int) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=stack.kafka, transactional_id=here.names.events)
        async with producer, producer.transaction():
            for number in range(begin, begin + 20):
                await producer.send(here.names.events, like(number), partition=number % 4)

    with installation(stack, tmp_path, stall_deadline="20s") as here:
        worker = here.start("worker")
        here.start("sink")
        for begin in (0, 20):
            asyncio.run(produce(here, begin))
            assert here.drain() is None, here.logs()
        assert here.query("SELECT count() FROM {db}.events") == [(40,)]
        _, differences, conservation = here.audit()
        assert (differences, conservation.holds, conservation.accepted) == ([], True, 40)
        assert "starting it again" not in worker.said()


def test_what_is_aborted_does_not_count_and_what_is_open_is_waited_for(stack: StackInfo, tmp_path: Path) -> None:
    """A transaction's events are not late for having been undecided while newer ones came on other partitions."""

    async def produce(here: Installation) -> None:
        plain = AIOKafkaProducer(bootstrap_servers=stack.kafka)
        producer = AIOKafkaProducer(bootstrap_servers=stack.kafka, transactional_id=here.names.events)
        async with plain, producer:
            for partition in range(4):
                await plain.send_and_wait(here.names.events, like(partition), partition=partition)
            assert here.drain() is None, here.logs()
            await producer.begin_transaction()
            for number in range(10, 30):
                await producer.send_and_wait(here.names.events, like(number), partition=0)
            await producer.abort_transaction()
            assert here.drain() is None, here.logs()
            async with producer.transaction():
                await producer.send_and_wait(here.names.events, like(30), partition=0)
                await asyncio.sleep(4)
                for partition in (1, 2, 3):
                    later = like(30 + partition, after=7_200_000)
                    await plain.send_and_wait(here.names.events, later, partition=partition)
                await asyncio.sleep(4)

    with installation(stack, tmp_path, idle="1s") as here:
        here.start("worker")
        here.start("sink")
        asyncio.run(produce(here))
        assert here.drain() is None, here.logs()
        ids = {id for (id,) in here.query("SELECT id FROM {db}.events")}
        assert ids == {f"e{number}" for number in (0, 1, 2, 3, 30, 31, 32, 33)}
        _, differences, conservation = here.audit()
        assert (differences, conservation.holds, conservation.accepted) == ([], True, 8)


def test_a_worker_for_whom_there_is_no_partition_stays_ready(stack: StackInfo, tmp_path: Path) -> None:
    """Of more workers than partitions some have nothing to do, and wait: where one is killed, another goes on."""
    with installation(stack, tmp_path, partitions="1", recovery_deadline="5s") as here:
        workers = [here.start("worker") for _ in range(2)]
        here.start("sink")
        here.feed(map(like, range(20)), partitions=1)
        assert here.drain() is None, here.logs()
        time.sleep(7)
        for worker in workers:
            assert "event='ready'" in worker.said(), here.logs()
            assert "starting it again" not in worker.said(), here.logs()
        workers[0].kill()
        here.feed(map(like, range(20, 40)), partitions=1)
        assert here.drain() is None, here.logs()
        assert here.query("SELECT count() FROM {db}.events") == [(40,)]
