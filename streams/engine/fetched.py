"""Records that were fetched are read batch by batch, where they came or where the batch before them was.

aiokafka wants all that was fetched of a partition in one place, 4 MiB of it, and each time that is memory which the system hands
out page by page; what was used before is some ten times as quick. And aiokafka computes checksums in software, where processors
have an instruction (docs/decisions/0014-pages.md).
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
"""How a batch of records begins: first offset, length, leader's epoch, format, CRC-32C of all that follows it. Before
Kafka 0.11 it began so too, up to the format."""
BEFORE_LENGTH = 12
"""Bytes of a batch that its length leaves out; it is some of them itself."""
FORMAT = 2
"""The format of batches since then."""


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
