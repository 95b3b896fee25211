"""Fetched records are read batch by batch, where they are or in a buffer that an earlier batch has used.

aiokafka copies all that was fetched of a partition into one place, 4 MiB of it, each time into new memory, which the system hands
out page by page; memory that was used before is some ten times as quick. And aiokafka computes checksums in software, where
processors have an instruction (docs/decisions/0014-pages.md).
"""

from __future__ import annotations

from collections import deque
from struct import Struct
from typing import Any, ClassVar

from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.memory_records import MemoryRecords
from crc32c import crc32c

from streams.engine.wire import Answer, cut

HEAD = Struct(">qiibI")
"""How a batch of records begins: first offset, length, leader's epoch, format, CRC-32C of all that follows it."""
LENGTH = Struct(">qi")
"""How it begins in every format; the length counts the bytes after these."""
FORMAT = 2
"""The format of batches since Kafka 0.11."""
LEAST = 61
"""Bytes of a batch of that format without a record. https://kafka.apache.org/documentation/#recordbatch"""
NO_TURNS = 0
"""For crc32c: let no other thread run meanwhile. A checksum takes less time than getting the turn back."""


class Batches:
    """Batches of records that were fetched from a partition; stands for aiokafka's MemoryRecords.

    A batch stays valid until `next_batch` or `has_next` is called; its buffer is then reused. aiokafka always finishes a batch
    first. If it abandons the rest, the buffer is freed with this object.
    """

    _free: ClassVar[list[bytearray]] = []
    MOST_FREE: ClassVar = 8 << 20
    """Bytes of buffers that are kept for reuse: a few polls of usual batches. A batch may have 32 MiB, and seldom has."""

    def __init__(self, fetched: Any) -> None:
        """`fetched` is an Answer, or bytes."""
        self._pieces = fetched.pieces if isinstance(fetched, Answer) else deque([fetched])
        self._size = self._left = len(fetched)
        self._room: bytearray | None = None

    def size_in_bytes(self) -> int:
        """Return how many bytes were fetched."""
        return self._size

    def has_next(self) -> bool:
        """Tell whether there is a whole batch yet: what is fetched may end within one."""
        if self._room is not None:
            if sum(map(len, self._free)) + len(self._room) <= self.MOST_FREE:
                self._free.append(self._room)
            self._room = None
        return self._left >= LENGTH.size and self._left >= LENGTH.size + self._begin(LENGTH)[1]

    def next_batch(self) -> Any:
        """Return the next batch, None if there is none; raise CorruptRecordException where its checksum is wrong."""
        if not self.has_next():
            return None
        offset, length = self._begin(LENGTH)
        if length < HEAD.size - LENGTH.size:
            raise CorruptRecordException(f"at offset {offset}: a batch of records cannot have {length} bytes")
        _, _, _, form, checksum = self._begin(HEAD)
        view = self._take(LENGTH.size + length)
        if form < FORMAT:
            batch = MemoryRecords(bytes(view)).next_batch()
            if batch.validate_crc():
                return batch
        elif len(view) >= LEAST and crc32c(view[HEAD.size :], 0, NO_TURNS) == checksum:
            return DefaultRecordBatch(view)  # which reads what a batch begins with, whether it is there or not
        raise CorruptRecordException(f"at offset {offset}: the checksum of a batch of records is of something else")

    def _begin(self, struct: Struct) -> tuple[Any, ...]:
        """Return what the next batch begins with."""
        if len(self._pieces[0]) < struct.size:
            self._pieces.appendleft(b"".join(cut(self._pieces, struct.size)))
        return struct.unpack_from(self._pieces[0])

    def _take(self, n: int) -> memoryview:
        """Return the next `n` bytes, which must be there."""
        self._left -= n
        pieces = cut(self._pieces, n)
        if len(pieces) == 1:
            return memoryview(pieces[0])
        room = self._free.pop() if self._free else bytearray()
        self._room = room if len(room) >= n else bytearray(n)
        view, at = memoryview(self._room)[:n], 0
        for piece in pieces:
            view[at : at + len(piece)] = piece
            at += len(piece)
        return view
