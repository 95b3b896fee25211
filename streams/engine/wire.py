"""What goes to a broker and what comes from it stays in pieces.

The system hands out half a megabyte page by page, so copying a batch costs far more than moving its bytes. aiokafka encodes a
request from the inside out, and joins the bytes anew at each level: nine copies of what a batch holds, which was more than a
tenth of what a worker spends. Here the system is given the pieces of all levels.

What a broker answers comes in pieces. asyncio appends them to a buffer, which moves as it grows, and cuts the answer out of it
with two copies more. Here they are kept as they came, until the records in them are read (`streams/engine/fetched.py`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from time import monotonic
from typing import Any, ClassVar

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.protocol.api import Request
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.types import Array, Bytes, Int32, Schema


class Pieces:
    """An encoded request. aiokafka asks how long it is, and puts bytes before it."""

    LONG: ClassVar = 1 << 15
    """Pieces of at least so many bytes are not copied."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.pieces: list[bytes] = []
        few: list[bytes] = []
        for piece in pieces:
            few.append(piece)
            if len(piece) >= self.LONG:
                self.pieces += b"".join(few[:-1]), piece
                few = []
        self.pieces.append(b"".join(few))

    def __radd__(self, before: bytes) -> Pieces:
        return Pieces((before, *self.pieces))

    def __len__(self) -> int:
        return sum(map(len, self.pieces))


class InPieces:
    """A request for aiokafka to send, encoded in pieces.

    Neither it nor what it prepares is part of a reference cycle: batches would stay until Python looks for cycles.
    """

    def __init__(self, request: Request[Any]) -> None:
        self._request = request

    def prepare(self, versions: dict[int, tuple[int, int]]) -> Any:
        """Return the request in the newest version that the broker knows too."""
        struct: Any = self._request.prepare(versions)
        values = [struct.get_item(name) for name in struct.SCHEMA.names]
        struct.encode = partial(_encoded, struct.SCHEMA, values)
        return struct


def _encoded(schema: Schema, values: Sequence[Any]) -> Pieces:
    return Pieces(_pieces(schema, values))


def _pieces(kind: Any, value: Any) -> Iterator[bytes]:
    if isinstance(kind, Schema):
        for field, item in zip(kind.fields, value, strict=True):
            yield from _pieces(field, item)
    elif type(kind) is Array and value is not None:  # not those with another kind of length
        yield Int32.encode(len(value))
        for item in value:
            yield from _pieces(kind.array_of, item)
    elif kind is Bytes and value is not None:
        yield Int32.encode(len(value))
        yield value
    else:
        yield kind.encode(value)


def gather(connection: Any) -> None:
    """Let an open connection of aiokafka's keep records in pieces, both ways."""
    if type(connection) is AIOKafkaConnection:
        connection.__class__ = _Connection
        connection._writer.__class__ = Writer
        connection._reader.__class__ = Reader
        connection._reader.begin()


class Answer:
    """Pieces of an answer, to be read like a file. A long read returns pieces again."""

    LONG: ClassVar = 1 << 15
    """Bytes beyond which a read is long. Kafka's strings are shorter, so of what is fetched only records are."""

    def __init__(self, pieces: Iterable[bytes | memoryview]) -> None:
        self.pieces = deque(pieces)

    def __len__(self) -> int:
        return sum(map(len, self.pieces))

    def read(self, n: int) -> Any:
        """Return the next `n` bytes, less where it ends before."""
        pieces = cut(self.pieces, n)
        return Answer(pieces) if n > self.LONG else b"".join(pieces)


def cut(pieces: deque[bytes | memoryview], n: int) -> list[bytes | memoryview]:
    """Take the first `n` bytes out of `pieces`."""
    taken: list[bytes | memoryview] = []
    while n > 0 and pieces:
        piece = pieces.popleft()
        if len(piece) > n:
            view = memoryview(piece)
            piece = view[:n]
            pieces.appendleft(view[n:])
        taken.append(piece)
        n -= len(piece)
    return taken


class _Connection(AIOKafkaConnection):  # type: ignore[misc]
    """A connection of aiokafka's that keeps records in pieces."""

    def send(self, request: Any, expect_response: bool = True) -> Any:
        """Send a request, in pieces if it holds records."""
        return super().send(InPieces(request) if isinstance(request, ProduceRequest) else request, expect_response)

    def _handle_frame(self, answer: Any) -> None:
        if not isinstance(answer, Answer):
            super()._handle_frame(answer)
            return
        number, request, waiting = self._requests[0]
        if request.API_KEY != FetchRequest.API_KEY:
            super()._handle_frame(b"".join(answer.pieces))
            return
        if request.parse_response_header(answer).correlation_id != number:
            self.close(reason=CloseReason.OUT_OF_SYNC)
            return
        if not waiting.done():
            waiting.set_result(request.RESPONSE_TYPE.decode(answer))
        self._last_action = monotonic()
        self._requests.popleft()


class Writer(asyncio.StreamWriter):
    """Its writer."""

    def write(self, data: Any) -> None:
        """Write bytes, or pieces."""
        if isinstance(data, Pieces):
            self.writelines(data.pieces)
        else:
            super().write(data)


class Reader(asyncio.StreamReader):
    """Its reader. A call of asyncio's own `readexactly` may be waiting when this takes its place; no other method is called."""

    _buffer: bytearray
    _eof: bool
    _exception: Exception | None
    _limit: int
    _paused: bool
    _transport: asyncio.ReadTransport | None

    def begin(self) -> None:
        """Have no pieces."""
        self._pieces: deque[bytes | memoryview] = deque()
        self._held = self._wanted = 0
        self._ours = False
        """Whether our `readexactly` was called: from then on what comes is kept in pieces."""

    def feed_data(self, data: Any) -> None:
        """Take a piece; wake who waits if there is enough; let no more come if there is more than enough."""
        if not self._ours:
            super().feed_data(data)
            return
        self._pieces.append(data)
        self._held += len(data)
        if self._held >= self._wanted:
            self._wakeup_waiter()  # type: ignore[attr-defined]
        if self._transport is not None and not self._paused and self._held > self._wanted + 2 * self._limit:
            self._transport.pause_reading()
            self._paused = True

    async def readexactly(self, n: int) -> Any:
        """Return the next `n` bytes, as an Answer if they are many; raise IncompleteReadError if they end before."""
        if not self._ours:
            self._ours = True
            self._pieces.append(bytes(self._buffer))
            self._held = len(self._buffer)
            self._buffer.clear()
        if self._exception is not None:
            raise self._exception
        self._wanted = n
        while self._held < n:
            if self._eof:
                rest = b"".join(cut(self._pieces, self._held))
                self._held = 0
                raise asyncio.IncompleteReadError(rest, n)
            await self._wait_for_data("readexactly")  # type: ignore[attr-defined]
        self._wanted = 0
        self._held -= n
        pieces = cut(self._pieces, n)
        return Answer(pieces) if n > self._limit else b"".join(pieces)

    def at_eof(self) -> bool:
        """Tell whether nothing more will come, and nothing is left."""
        return self._eof and not self._buffer and not self._held
