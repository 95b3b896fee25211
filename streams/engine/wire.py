"""What goes to a broker and what comes from it is put together once.

aiokafka encodes a request from the inside out, and joins the bytes anew at each level: six times for what a batch holds. Half a
megabyte at a time comes from the system page by page, so that this was a tenth of what a worker spends. Here the pieces of all
levels are joined together.

What a broker answers comes in pieces. asyncio appends them to a buffer, which moves as it grows, and cuts the answer out of it
with two copies more. Here they are kept as they came until the answer is whole, and until its batches are read: a batch that lies
in one piece is read there, another one is put together where those before it were. Memory that was used already is far quicker
than what the system hands out page by page, and aiokafka's checksums are in software, where processors have an instruction.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from struct import Struct
from time import monotonic
from typing import Any, ClassVar

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import CorruptRecordException
from aiokafka.protocol.api import Request
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.types import Array, Bytes, Int32, Schema
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.memory_records import MemoryRecords
from crc32c import crc32c

HEAD = Struct(">qiibI")
"""How a batch of records begins: first offset, length, leader's epoch, format, CRC-32C of all that follows it."""
BEFORE_LENGTH = 12
"""Bytes of a batch that its length leaves out, and it is one of them itself."""
FORMAT = 2
"""The format of batches since Kafka 0.11. HEAD is of it alone, up to the format of the older ones too."""


class Joined:
    """A request for aiokafka's client to send, encoded so. It must be one that the broker answers.

    Neither it nor what it prepares is part of a cycle: batches would stay until those are looked for.
    """

    def __init__(self, request: Request[Any]) -> None:
        self._request = request

    def prepare(self, versions: dict[int, tuple[int, int]]) -> Any:
        """Return the request in the newest version that the broker knows too."""
        struct: Any = self._request.prepare(versions)
        values = [struct.get_item(name) for name in struct.SCHEMA.names]
        struct.encode = partial(encoded, struct.SCHEMA, values)
        return struct


def encoded(schema: Schema, values: Sequence[Any]) -> bytes:
    """Return what `schema.encode` returns for `values`."""
    return b"".join(_pieces(schema, values))


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
    """Let a connection of aiokafka's, which is open, read large answers from the pieces in which they come."""
    if type(connection) is AIOKafkaConnection:
        connection.__class__ = _Connection
        connection._reader.__class__ = Reader
        connection._reader.begin()


class Answer:
    """Pieces of an answer, to be read like a file. What is long, and only records are, is pieces again."""

    LONG: ClassVar = 1 << 15

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
    """What a connection becomes."""

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


class Reader(asyncio.StreamReader):
    """What its reader becomes. Somebody may wait in asyncio's `readexactly` already, and nothing else is called."""

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
        """Whoever waits, waits for pieces."""

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


class Batches:
    """Batches of records that were fetched from a partition; stands for aiokafka's MemoryRecords.

    A batch can be read until the next is asked for, or whether there is one: aiokafka reads a batch to its end first. Where it
    was put together is then free for another. Where aiokafka gives the rest up that is not known, and Python frees it.
    """

    _free: ClassVar[list[bytearray]] = []
    MOST_FREE: ClassVar = 8

    def __init__(self, fetched: Any) -> None:
        """Of an Answer, or of bytes. Nothing is taken yet."""
        self._pieces = fetched.pieces if isinstance(fetched, Answer) else deque([fetched])
        self._size = self._left = len(fetched)
        self._room: bytearray | None = None

    def size_in_bytes(self) -> int:
        """Return how many bytes were fetched."""
        return self._size

    def has_next(self) -> bool:
        """Tell whether there is a whole batch yet: what is fetched may end within one."""
        there_is = self._left >= HEAD.size and self._left >= BEFORE_LENGTH + self._head()[1]
        if not there_is and self._room is not None:
            if len(self._free) < self.MOST_FREE:
                self._free.append(self._room)
            self._room = None
        return there_is

    def next_batch(self) -> Any:
        """Return the next batch, None if there is none; raise CorruptRecordException where its checksum is of something else."""
        if not self.has_next():
            return None
        _, length, _, form, checksum = self._head()
        if length < HEAD.size - BEFORE_LENGTH:
            raise CorruptRecordException(
                f"a batch of records has {length} bytes, too few for what every batch begins with"
            )
        view = self._take(BEFORE_LENGTH + length)
        if form == FORMAT:
            batch, right = DefaultRecordBatch(view), crc32c(view[HEAD.size :]) == checksum
        else:
            batch = MemoryRecords(bytes(view)).next_batch()
            right = batch.validate_crc()
        if not right:
            raise CorruptRecordException("the checksum of a batch of records is of something else")
        return batch

    def _head(self) -> tuple[int, int, int, int, int]:
        if len(self._pieces[0]) < HEAD.size:
            self._pieces.appendleft(b"".join(cut(self._pieces, HEAD.size)))
        first, length, epoch, form, checksum = HEAD.unpack_from(self._pieces[0])
        return first, length, epoch, form, checksum

    def _take(self, n: int) -> memoryview:
        """Return the next `n` bytes, of which there are so many."""
        self._left -= n
        pieces = cut(self._pieces, n)
        if len(pieces) == 1:
            return memoryview(pieces[0])
        if self._room is None and self._free:
            self._room = self._free.pop()
        if self._room is None or len(self._room) < n:
            self._room = bytearray(n)
        view, at = memoryview(self._room)[:n], 0
        for piece in pieces:
            view[at : at + len(piece)] = piece
            at += len(piece)
        return view
