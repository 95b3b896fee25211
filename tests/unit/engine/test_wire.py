"""What is put together once is what aiokafka puts together, and what is read from pieces what it reads."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
import weakref
from collections.abc import Sequence
from io import BytesIO
from itertools import accumulate
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.conn import AIOKafkaConnection
from aiokafka.protocol.fetch import FetchRequest, FetchResponse_v4
from aiokafka.protocol.group import SyncGroupRequest, SyncGroupResponse_v1
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.types import Int32
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.clients import gather_connections
from streams.engine.wire import InPieces, gather

BATCHES = [("rows", [(0, b"a" * 1_000_000), (3, b"")]), ("añadido", [(1, b"b" * 300_000), (2, None)]), ("none", [])]


def request(topics: object = BATCHES) -> ProduceRequest:
    return ProduceRequest(required_acks=-1, timeout=40_000, topics=topics, transactional_id=None)


@pytest.mark.parametrize("version", range(8))
def test_every_version_of_a_request_is_the_same_bytes(version: int) -> None:
    versions = {0: (version, version)}
    plain, cut_up = request().prepare(versions), InPieces(request()).prepare(versions)
    assert version == cut_up.API_VERSION
    assert b"".join((b"before" + cut_up.encode()).pieces) == b"before" + plain.encode()
    assert len(b"before" + cut_up.encode()) == 6 + len(plain.encode())


def test_a_batch_is_not_copied() -> None:
    batch = bytes(8 << 20)
    struct = InPieces(request([("rows", [(0, batch)])])).prepare({0: (7, 7)})
    tracemalloc.start()
    pieces = (b"size" + (b"header" + struct.encode())).pieces
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000
    assert [piece for piece in pieces if piece is batch]
    assert len(pieces) <= 3, "what is short is joined"


def test_a_batch_is_gone_with_its_request() -> None:
    """Not when Python next looks for cycles, which a worker seldom does."""

    class Topics(list[object]):
        pass

    gc.disable()
    try:
        topics = Topics(BATCHES)
        struct = InPieces(request(topics)).prepare({0: (7, 7)})
        struct.encode()
        seen = weakref.ref(topics)
        del topics, struct
        assert seen() is None
    finally:
        gc.enable()


LIMIT = 8
"""Bytes up to which an answer is a small one, here."""


class Transport:
    """A mock of a socket's, with which nothing can happen in between: it knows whether more may come."""

    flows = True

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def writelines(self, data: Sequence[bytes]) -> None:
        self.written.extend(data)

    def pause_reading(self) -> None:
        self.flows = False

    def resume_reading(self) -> None:
        self.flows = True

    def close(self) -> None:
        self.flows = False

    def is_closing(self) -> bool:
        return not self.flows


async def connected() -> tuple[Any, asyncio.StreamReader, Transport]:
    """Return a connection that reads from nowhere, the reader it was made with, and its transport."""
    connection: Any = AIOKafkaConnection("nowhere", 9)
    connection._reader = reader = asyncio.StreamReader(limit=LIMIT)
    transport = Transport()
    loop = asyncio.get_running_loop()
    connection._writer = asyncio.StreamWriter(transport, asyncio.StreamReaderProtocol(reader), reader, loop)  # type: ignore[arg-type]
    connection._read_task = asyncio.get_running_loop().create_future()
    connection._read_task.set_result(None)
    reader.set_transport(transport)  # type: ignore[arg-type]
    return connection, reader, transport


async def read(frames: Sequence[bytes], pieces: Sequence[bytes], *, swap_after: int) -> list[bytes]:
    """Return the frames as they are read while pieces come. The reader is swapped after so many of them."""
    connection, reader, transport = await connected()
    found: list[bytes] = []

    async def reading() -> None:  # as aiokafka does
        while True:
            size = Int32.decode(BytesIO(await reader.readexactly(4)))
            frame: Any = await reader.readexactly(size)
            found.append(frame if isinstance(frame, bytes) else frame.read(size))

    task = asyncio.ensure_future(reading())
    await asyncio.sleep(0)
    came = 0
    for number, piece in enumerate(pieces):
        if number >= swap_after:
            gather(connection)  # with each request
        reader.feed_data(piece)
        came += len(piece)
        if number % 3 == 0:
            await settle()
            whole = [end for end in accumulate(len(frame) + 4 for frame in frames) if end <= came]
            assert len(found) == len(whole), "a frame is there with its last byte"
            assert transport.flows, "more may come as soon as somebody waits"
    reader.feed_eof()
    with pytest.raises(asyncio.IncompleteReadError):
        await task
    assert reader.at_eof()
    return found


async def settle() -> None:
    """Let all run that can."""
    for _ in range(30):
        await asyncio.sleep(0)


@given(
    st.lists(st.binary(max_size=40), max_size=12),
    st.lists(st.integers(1, 30), min_size=1),
    st.integers(0, 3),
    st.binary(max_size=3),
)
def test_frames_come_whole_however_they_are_cut(
    frames: list[bytes], cuts: list[int], swap_after: int, rest: bytes
) -> None:
    """Whenever the reader is swapped, also while somebody waits with half of what is wanted; what is cut off is none."""
    stream = b"".join(Int32.encode(len(frame)) + frame for frame in frames) + rest
    pieces, at = [], 0
    while at < len(stream):
        pieces.append(stream[at : at + cuts[len(pieces) % len(cuts)]])
        at += len(pieces[-1])
    assert asyncio.run(read(frames, pieces, swap_after=swap_after)) == frames


def test_what_nobody_waits_for_is_held_back() -> None:
    async def unread() -> None:
        connection, reader, transport = await connected()
        gather(connection)
        waiting = asyncio.ensure_future(reader.readexactly(100))
        await settle()
        reader.feed_data(bytes(100 + 2 * LIMIT))
        assert transport.flows
        reader.feed_data(b"1")
        assert not transport.flows
        await waiting
        reader.feed_eof()
        assert not reader.at_eof(), "there is something left"
        assert await reader.readexactly(2 * LIMIT)
        assert not reader.at_eof()
        assert await reader.readexactly(1) == b"1"
        assert reader.at_eof()

    asyncio.run(unread())


def test_who_waits_is_told_of_an_error() -> None:
    async def broken() -> None:
        connection, reader, _ = await connected()
        gather(connection)
        reader.set_exception(ConnectionResetError())
        await reader.readexactly(4)

    with pytest.raises(ConnectionResetError):
        asyncio.run(broken())


@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.parametrize("sent", [request(), FetchRequest(100, 1, 1 << 20, 0, [])])
def test_what_is_sent_is_what_aiokafka_sends(sent: Any, answered: bool) -> None:
    async def written(*, ours: bool) -> tuple[list[bytes], list[tuple[int, type]]]:
        connection, _, transport = await connected()
        connection._versions = {0: (7, 7), 1: (4, 4)}
        if ours:
            gather(connection)
        waiting = [asyncio.ensure_future(connection.send(sent, answered)) for _ in range(2)]
        noted = [(number, type(struct)) for number, struct, _ in connection._requests]
        assert len(noted) == (2 if answered else 0)
        for task in waiting:
            task.cancel()
        return transport.written, noted

    (ours, noted), (theirs, noted_by_it) = (asyncio.run(written(ours=ours)) for ours in (True, False))
    assert b"".join(ours) == b"".join(theirs)
    assert noted == noted_by_it
    if isinstance(sent, ProduceRequest):
        batches = [value for _, partitions in BATCHES for _, value in partitions if value and len(value) > 100_000]
        assert [piece for piece in ours if any(piece is batch for batch in batches)] == 2 * batches, "not copied"


async def asked(request: Any = None) -> tuple[Any, asyncio.StreamReader, asyncio.Future[Any]]:
    """Return a connection that was asked for records, or so, with number 7, its reader, and who waits for the answer."""
    connection, reader, _ = await connected()
    await clients(connection)._get_conn(0)
    waiting = asyncio.get_running_loop().create_future()
    fetch = FetchRequest(100, 1, 1 << 20, 0, []).prepare({1: (4, 4)})
    connection._requests.append((7, request or fetch, waiting))
    return connection, reader, waiting


def clients(connection: Any) -> Any:
    """Return a mock of aiokafka's client, which has this connection, told to gather what it is answered."""

    async def get(node: int) -> Any:
        return connection

    client = SimpleNamespace(_get_conn=get)
    gather_connections(client)
    return client


def test_a_large_answer_is_what_aiokafka_makes_of_it() -> None:
    records = [("events", [(0, 0, 9, 9, [], b"r" * 100_000), (3, 0, 9, 9, [], None)]), ("añadido", [])]
    spelled = Int32.encode(7) + FetchResponse_v4(throttle_time_ms=0, topics=records).encode()

    async def answered(pieces: Sequence[bytes], *, late: bool = False) -> Any:
        connection, reader, waiting = await asked()
        if late:
            waiting.set_exception(TimeoutError())
        for piece in pieces:
            reader.feed_data(piece)
        connection._last_action = 0
        connection._handle_frame(await reader.readexactly(len(spelled)))
        assert not connection._requests
        assert connection._last_action
        return await waiting

    pieces = [spelled[at : at + 999] for at in range(0, len(spelled), 999)]
    with pytest.raises(TimeoutError):
        asyncio.run(answered(pieces, late=True))
    answer = asyncio.run(answered(pieces))
    (name, [(*of_first, fetched), of_other]), no_records = answer.topics
    assert len(fetched) == 100_000
    answer.topics = [(name, [(*of_first, b"".join(fetched.pieces)), of_other]), no_records]
    assert answer.to_object() == FetchResponse_v4.decode(BytesIO(spelled[4:])).to_object()


def test_a_large_answer_that_has_no_records_is_whole() -> None:
    async def answered() -> Any:
        connection, reader, waiting = await asked(SyncGroupRequest("group", 1, "member", "", []).prepare({14: (1, 1)}))
        spelled = Int32.encode(7) + SyncGroupResponse_v1(0, 0, b"a" * 100_000).encode()
        for at in range(0, len(spelled), 999):
            reader.feed_data(spelled[at : at + 999])
        connection._handle_frame(await reader.readexactly(len(spelled)))
        assert not connection._requests
        return await waiting

    assert asyncio.run(answered()).member_assignment == b"a" * 100_000


def test_an_answer_to_another_request_ends_the_connection() -> None:
    async def mistaken() -> Any:
        connection, reader, waiting = await asked()
        reader.feed_data(Int32.encode(8) + bytes(20))
        connection._handle_frame(await reader.readexactly(24))
        return await waiting

    with pytest.raises(Exception, match="closed"):
        asyncio.run(mistaken())
