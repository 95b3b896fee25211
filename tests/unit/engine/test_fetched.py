"""What is read of pieces is what aiokafka reads, and refused where aiokafka does."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator, Sequence
from itertools import accumulate, islice, pairwise
from typing import Any

import pytest
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.fetched import HEAD, Batches
from streams.engine.wire import Answer


def batch(first: int, *values: bytes, compressed: int = 0) -> bytes:
    """Return a batch of records as brokers keep it."""
    builder = DefaultRecordBatchBuilder(2, compressed, 0, -1, -1, -1, 1 << 20)
    for offset, value in enumerate(values):
        builder.append(offset, 1_700_000_000_000, b"key", value, [("header", value)])
    return first.to_bytes(8, "big") + bytes(builder.build())[8:]


def in_pieces(fetched: bytes, ends: Sequence[int]) -> Answer:
    """Return it as an answer that came so."""
    edges = [0, *sorted(end % (len(fetched) + 1) for end in ends), len(fetched)]
    return Answer([memoryview(fetched)[begin:end] for begin, end in pairwise(edges)])


def read_all(batches: Any) -> Iterator[Any]:
    """Yield what there is of each record; at each end of a batch how far it goes."""
    while batches.has_next():
        each = batches.next_batch()
        if not each.validate_crc():
            raise CorruptRecordException
        for record in each:
            yield record.offset, record.timestamp, record.key, record.value, record.headers
        yield each.next_offset, each.is_control_batch, each.is_transactional, each.producer_id
    yield batches.size_in_bytes()


def outcome(reading: Iterator[Any]) -> list[Any]:
    """Return what can be read, and that it is corrupt where it is."""
    found = []
    try:
        found.extend(reading)
    except CorruptRecordException:
        found.append("corrupt")
    return found


LOG = batch(0, b"one", b"two") + batch(2, b"three" * 200) + batch(3, b"four" * 50, compressed=1) + batch(4, b"")
ENDS = st.lists(st.integers(0, 5_000), max_size=12)


@given(st.integers(0, len(LOG)), ENDS)
def test_what_is_read_from_pieces_is_what_aiokafka_reads(end: int, ends: list[int]) -> None:
    """Wherever it was cut, and wherever it ends."""
    fetched = LOG[:end]
    assert list(read_all(Batches(in_pieces(fetched, ends)))) == list(read_all(MemoryRecords(fetched)))
    assert list(read_all(Batches(fetched))) == list(read_all(MemoryRecords(fetched)))


@given(st.integers(0, len(LOG) - 1), st.integers(1, 255), ENDS)
def test_bytes_that_are_not_as_they_were_sent_are_refused_as_aiokafka_does(at: int, by: int, ends: list[int]) -> None:
    wrong = bytearray(LOG)
    wrong[at] ^= by
    begins = [0, *accumulate(len(each) for each in (batch(0, b"one", b"two"), batch(2, b"three" * 200)))]
    within = at - max(begin for begin in begins if begin <= at)
    found = outcome(read_all(Batches(in_pieces(bytes(wrong), ends))))
    if within >= HEAD.size - 4 and at < begins[-1]:
        assert found[-1] == "corrupt"
    if within not in range(8, 17) and at < begins[-1]:  # how long it is, and of which format
        assert found == outcome(read_all(MemoryRecords(bytes(wrong))))


def test_batches_of_an_older_format_are_read_too() -> None:
    builder = LegacyRecordBatchBuilder(1, 0, 1 << 20)
    builder.append(7, 1_700_000_000_000, b"key", b"old" * 50)
    old = bytes(builder.build())
    [record] = Batches(in_pieces(old, [20, 40])).next_batch()
    assert (record.offset, record.key, record.value) == (7, b"key", b"old" * 50)
    with pytest.raises(CorruptRecordException):
        Batches(in_pieces(old[:-1] + b"?", [20, 40])).next_batch()


@pytest.mark.parametrize("length", [-1, 0, 8])
def test_a_batch_too_short_for_one_is_refused(length: int) -> None:
    fetched = bytes(8) + length.to_bytes(4, "big", signed=True) + bytes(40)
    with pytest.raises(CorruptRecordException):
        Batches(fetched).next_batch()


def test_batches_of_partitions_are_read_in_turns() -> None:
    """As polls do: some records of one, some of another; and some are given up."""

    def fetched(partition: int) -> bytes:
        return b"".join(batch(n, *[b"%d %d %d" % (partition, n, i) * 20 for i in range(9)]) for n in range(0, 45, 9))

    for given_up in range(12):
        reading = {n: read_all(Batches(in_pieces(fetched(n), range(0, 50_000, 311)))) for n in range(12)}
        found: dict[int, list[Any]] = {n: [] for n in reading}
        while reading:
            for n in list(reading):
                some = list(islice(reading[n], 4))
                found[n] += some
                if len(some) < 4 or (n == given_up and len(found[n]) > 8):
                    del reading[n]
        for n in set(found) - {given_up}:
            assert found[n] == list(read_all(MemoryRecords(fetched(n)))), n


def test_where_batches_are_put_together_is_used_again() -> None:
    fetched = b"".join(batch(n, bytes(200_000)) for n in range(20))
    cut_up = [in_pieces(fetched, range(0, len(fetched), 60_000)) for _ in range(3)]
    assert sum(1 for _ in read_all(Batches(cut_up.pop()))) == 41
    tracemalloc.start()
    assert sum(1 for answer in cut_up for _ in read_all(Batches(answer))) == 82
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 * 200_000, (
        "value and header of a record, and of the next, and no place for a batch, which takes two"
    )
    assert len(Batches._free) <= Batches.MOST_FREE
