"""What is changed of aiokafka's clients, all of it in one place: these functions reach into what is private there.

- One fetch is under way per broker, and Faust lets it wait for 1.5 s. While it waits for partitions that are caught up,
  those that have records are not asked for: with three stages on one broker a worker stood still half of the time (8,592
  and 15,056 records/s without and with, two runs one after the other, counts alone): `pace_fetches`.
- Faust reads uncommitted unless it writes transactions itself, so what a producer had aborted would count: `read_committed`.
- Checksums are looked at where batches are read (`fetched.py`): `read_batches`.
- When a partition's length was last told is noted when the answer is read, by a process that may have been frozen since:
  `note_asked`.
- A process may be frozen between a look at its lease and the writing: `guard_sends`.
- What is sent and received is kept in pieces (`wire.py`): `gather_connections`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiokafka.conn import CloseReason
from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import READ_COMMITTED
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.structs import TopicPartition

from infra import telemetry
from infra.clock import monotonic
from streams.engine.faults import crash_point
from streams.engine.fetched import Batches
from streams.engine.wire import gather

FETCH_WAIT = 50
"""Milliseconds for which a broker may hold back a fetch that finds no records, while there is work."""
IDLE_WAIT = 600
"""The same while there is none: it keeps nobody waiting then, and an idle worker should cost nothing. Well below STALE, so that
it is always known how much waits."""

STALE = 2.0
"""Seconds for which a reported end offset is trusted, counted from the request. Longer than IDLE_WAIT, so a normal fetch never
makes it stale; a freeze or a hanging fetch does."""


def pace_fetches(of: Any, *, busy: bool) -> None:
    """Let `of`, aiokafka's fetcher, ask brokers to hold back fetches no longer than there is time for."""
    of._fetch_max_wait_ms = FETCH_WAIT if busy else IDLE_WAIT


def read_committed(of: Any) -> None:
    """Let `of`, aiokafka's fetcher, pass over what was aborted."""
    of._isolation_level = READ_COMMITTED


def read_batches(of: Any) -> None:
    """Let `of`, aiokafka's fetcher, read records by `Batches`, which look at checksums themselves."""
    fetcher.MemoryRecords = Batches
    of._check_crcs = False


def note_asked(of: Any) -> None:
    """Let `of`, aiokafka's fetcher, note in each partition's state, as `asked`, when the request was sent that the state is the
    answer to; aiokafka notes only when it read the answer.
    """
    fetch = of._proc_fetch_request

    async def noting(assignment: Any, node: int, request: Any) -> Any:
        asked = monotonic()
        states = [
            assignment.state_value(TopicPartition(topic, one[0])) for topic, some in request.topics for one in some
        ]
        before = [(state, state.timestamp) for state in states if state is not None]
        done = await fetch(assignment, node, request)
        for state, timestamp in before:
            if state.timestamp != timestamp:
                state.asked = asked
        return done

    of._proc_fetch_request = noting


def watch_heartbeats(coordinator: Any, answered: Callable[[float], None]) -> None:
    """Let `coordinator`, aiokafka's, say of each heartbeat that was answered when it was sent."""
    heartbeat = coordinator._do_heartbeat

    async def watched() -> Any:
        asked = monotonic()
        alive = await heartbeat()
        if alive:
            answered(asked)
        return alive

    coordinator._do_heartbeat = watched


def guard_sends(client: Any, check: Callable[[], None]) -> None:
    """Let `client`, aiokafka's, call `check` before each request that writes records."""
    send = client.send

    async def guarded(node: int, request: Any, **more: Any) -> Any:
        if isinstance(request, ProduceRequest):
            crash_point("worker.sending")
            check()
        return await send(node, request, **more)

    client.send = guarded


def gather_connections(client: Any) -> None:
    """Let `client`, aiokafka's, keep in pieces what it sends to brokers and what it gets from them."""
    connection_to = client._get_conn

    async def gathering(*where: Any, **more: Any) -> Any:
        connection = await connection_to(*where, **more)
        if connection is not None and connection.connected():
            gather(connection)
        return connection

    client._get_conn = gathering


def watch_connections(client: Any) -> None:
    """Let `client`, aiokafka's, count the connections to brokers that it did not close itself."""
    closed = client._on_connection_closed

    def counted(connection: Any, reason: CloseReason | None) -> None:
        if reason in (CloseReason.CONNECTION_BROKEN, CloseReason.CONNECTION_TIMEOUT):
            telemetry.disconnect()
        closed(connection, reason)

    client._on_connection_closed = counted
    for connection in client._conns.values():
        connection._on_close_cb = counted
