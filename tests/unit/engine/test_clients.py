"""What is changed of aiokafka's clients."""

from __future__ import annotations

import asyncio
from math import inf
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import CloseReason
from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.memory_records import MemoryRecords
from faust.types import TP

from streams.engine import clients as module
from streams.engine.clients import (
    guard_sends,
    note_asked,
    pace_fetches,
    read_batches,
    watch_connections,
    watch_heartbeats,
)
from streams.engine.faults import Exit
from streams.engine.fetched import Batches
from tests.unit.engine.world import Died, World, in_world

EVENTS = [TP("social.events", number) for number in range(3)]


def test_only_an_answered_heartbeat_counts(now: list[float]) -> None:
    """And from when it was asked: the group counts from there."""
    answers, told = [True, False], list[float]()

    class Coordinator:
        """Answers heartbeats slowly."""

        async def _do_heartbeat(self) -> bool:
            now[0] += 2
            return answers.pop(0)

    coordinator = Coordinator()
    watch_heartbeats(coordinator, told.append)
    now[0] = 2_000.0
    assert asyncio.run(coordinator._do_heartbeat())
    assert not asyncio.run(coordinator._do_heartbeat())
    assert told == [2_000.0]


def test_a_fetch_does_not_wait_for_those_who_are_caught_up() -> None:
    """Who has records is asked again soon: the request that aiokafka makes next waits as long as ours may.

    While nobody has any, a request may wait longer.
    """

    async def test() -> None:
        leader = SimpleNamespace(leader_for_partition=lambda tp: 1)
        client = SimpleNamespace(_loop=asyncio.get_running_loop(), _metadata_max_age_ms=1_000, cluster=leader)
        fetcher = Fetcher(client, SubscriptionState())
        state = SimpleNamespace(has_valid_position=True, paused=False, position=0)
        assigned = SimpleNamespace(tps=EVENTS[:1], state_value=lambda tp: state)
        for busy, longest in ((True, module.FETCH_WAIT), (False, module.IDLE_WAIT)):
            pace_fetches(fetcher, busy=busy)
            [(_, request)] = fetcher._get_actions_per_node(assigned)[0]
            assert request._max_wait_ms == longest
        await fetcher.close()

    asyncio.run(test())


def test_the_lease_is_looked_at_before_every_write() -> None:
    """A request that writes records does not leave without it; others do."""

    async def test(world: World) -> None:
        sent: list[Any] = []

        async def send(node: int, request: Any, **more: Any) -> str:
            sent.append(request)
            return "answer"

        def gone() -> None:
            raise Died(Exit.LEASE, "")

        client: Any = SimpleNamespace(send=send)
        guard_sends(client, gone)
        asks, writes = (
            MetadataRequest([]),
            ProduceRequest(transactional_id=None, required_acks=-1, timeout=1, topics=[]),
        )
        assert await client.send(1, asks, group=0) == "answer"
        with pytest.raises(Died):
            await client.send(1, writes)
        assert sent == [asks]

    in_world(test)


def test_batches_look_at_checksums_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher, "MemoryRecords", MemoryRecords)
    of = SimpleNamespace(_check_crcs=True)
    read_batches(of)
    assert fetcher.MemoryRecords is Batches
    assert not of._check_crcs


def test_connections_that_break_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that broke or were too slow count, those that the client closes itself do not; aiokafka hears of all."""

    async def test(_: World) -> None:
        counted: list[int] = []
        heard: list[CloseReason] = []
        monkeypatch.setattr(module.telemetry, "disconnect", lambda: counted.append(1))
        monkeypatch.setattr(AIOKafkaClient, "_on_connection_closed", lambda _, conn, reason: heard.append(reason))
        client = AIOKafkaClient()
        there: Any = SimpleNamespace(_on_close_cb=client._on_connection_closed)
        client._conns[1, 0] = there
        watch_connections(client)
        for reason in CloseReason:
            there._on_close_cb(there, reason)
            client._on_connection_closed(there, reason)
        assert len(counted) == 4
        assert heard == [reason for reason in CloseReason for _ in range(2)]
        client._conns.clear()

    in_world(test)


def test_what_is_known_is_as_old_as_the_question(now: list[float]) -> None:
    """Not as the answer, nor as when it was read; and what was not answered is no younger."""

    async def test(world: World) -> None:
        states = {tp: SimpleNamespace(timestamp=None) for tp in EVENTS}
        assignment = SimpleNamespace(state_value=states.get)
        kafka = SimpleNamespace(_subscription=SimpleNamespace(subscription=SimpleNamespace(assignment=assignment)))
        world.consumer._thread = SimpleNamespace(_ensure_consumer=lambda: kafka)  # type: ignore[assignment]
        answered = set(EVENTS[:2])

        async def fetch(assignment: Any, node: int, request: Any) -> bool:
            now[0] += 3
            for tp in answered:
                states[tp].timestamp = now[0]
            return True

        fetcher = SimpleNamespace(_proc_fetch_request=fetch)
        note_asked(fetcher)
        request = SimpleNamespace(
            topics=[(EVENTS[0].topic, [(tp.partition, 0, 1) for tp in EVENTS]), ("gone", [(0, 0, 1)])]
        )
        began = now[0]
        assert await fetcher._proc_fetch_request(assignment, 0, request)
        assert [world.consumer._asked(tp) for tp in EVENTS] == [began, began, -inf]
        answered.remove(EVENTS[0])
        await fetcher._proc_fetch_request(assignment, 0, request)
        assert [world.consumer._asked(tp) for tp in EVENTS] == [began, began + 3, -inf]

    in_world(test)
