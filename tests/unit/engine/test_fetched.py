"""What is read of pieces is what aiokafka reads, and refused where aiokafka does."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator, Sequence
from itertools import accumulate, islice, pairwise
from typing import Any

import pytest
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition
from crc32c import crc32c
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.fetched import HEAD, Batches
from streams.engine.wire import Answer


def batch(first: int, *values: bytes, compressed: int = 0, producer: int = -1, control: int | None = None) -> bytes:
    """Return a batch of records as brokers keep it; within a transaction of a producer, or what says that it was aborted."""
    if control is not None:
        aborts = DefaultRecordBatchBuilder(2, 0, 1, control, 0, 0, 1 << 20)
        aborts.append(0, 1_700_000_000_000, bytes(4), bytes(6), [])
        whole = bytearray(first.to_bytes(8, "big") + bytes(aborts.build())[8:])
        whole[22] |= 0x20  # a control batch
        whole[17:21] = crc32c(bytes(whole[21:])).to_bytes(4, "big")
        return bytes(whole)
    builder = DefaultRecordBatchBuilder(2, compressed, int(producer >= 0), producer, 0, 0, 1 << 20)
    for offset, value in enumerate(values):
        builder.append(offset, 1_700_000_000_000, b"key", value, [("header", value)])
    return first.to_bytes(8, "big") + bytes(builder.build())[8:]


def in_pieces(fetched: bytes, ends: Sequence[int]) -> Answer:
    """Return it as an answer that came so."""
    edges = [0, *sorted(end % (len(fetched) + 1) for end in ends), len(fetched)]
    return Answer([memoryview(fetched)[begin:end] for begin, end in pairwise(edges)])


def read_all(batches: Any, *, checked: bool = False) -> Iterator[Any]:
    """Yield what there is of each record; at each end of a batch how far it goes. With `checked` we look at checksums."""
    while batches.has_next():
        each = batches.next_batch()
        if checked and not each.validate_crc():
            raise CorruptRecordException
        for record in each:
            yield record.offset, record.timestamp, record.key, record.value, record.headers
        yield each.next_offset, each.is_control_batch, each.is_transactional, each.producer_id
    yield batches.size_in_bytes()


def aiokafkas(fetched: bytes) -> Iterator[Any]:
    """Yield the same as aiokafka has it."""
    return read_all(MemoryRecords(fetched), checked=True)


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
    assert list(read_all(Batches(in_pieces(fetched, ends)))) == list(aiokafkas(fetched))
    assert list(read_all(Batches(fetched))) == list(aiokafkas(fetched))


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
        assert found == outcome(aiokafkas(bytes(wrong)))


def test_batches_of_an_older_format_are_read_too() -> None:
    builder = LegacyRecordBatchBuilder(1, 0, 1 << 20)
    builder.append(7, 1_700_000_000_000, b"key", b"old" * 50)
    old = bytes(builder.build())
    [record] = Batches(in_pieces(old, [20, 40])).next_batch()
    assert (record.offset, record.key, record.value) == (7, b"key", b"old" * 50)
    with pytest.raises(CorruptRecordException):
        Batches(in_pieces(old[:-1] + b"?", [20, 40])).next_batch()


def malformed(size: int, length: int, form: int) -> bytes:
    """Return so many bytes that begin like a batch, with a length that is not, and the checksum of what there is."""
    end = max(HEAD.size, min(size, 12 + length))
    return (HEAD.pack(5, length, 0, form, crc32c(bytes(max(0, end - HEAD.size)))) + bytes(100))[:size]


@pytest.mark.parametrize(("form", "most"), [(0, 13), (1, 13), (2, 48)])
@pytest.mark.parametrize("length", [-(2**31), -13, -12, -1, 0, 8, 9, 13, 14, 40, 48])
@pytest.mark.parametrize("size", [12, 13, 20, 21, 22, 60, 61, 80])
def test_what_is_too_short_for_a_batch_is_refused(size: int, length: int, form: int, most: int) -> None:
    """Not passed over: aiokafka would take what has no batch for one that is larger than it may be, and go on behind it."""
    fetched = malformed(size, length, form)
    whole = size >= 12 + length
    assert Batches(fetched).has_next() == whole
    if whole and length <= most:
        with pytest.raises(CorruptRecordException, match=r"offset 5|overhead"):
            Batches(fetched).next_batch()


@given(st.data())
def test_polls_give_what_they_gave(data: st.DataObject) -> None:
    """As aiokafka's fetcher reads: a few records at a time, without what was aborted, and what is left may be given up."""
    tp = TopicPartition("events", 0)
    log, aborted = b"", []
    for producer in data.draw(st.lists(st.integers(0, 2), max_size=8)):
        begin = len(log)
        log += batch(begin, *[b"%d %d" % (producer, n) * 90 for n in range(3)], producer=producer)
        if data.draw(st.booleans()):
            aborted.append((producer, begin))
            log += batch(begin + 3, control=producer)
    ends = data.draw(ENDS)

    def polls(records: Any, *, checks: bool) -> list[Any]:
        reading = PartitionRecords(tp, records, aborted, 0, None, None, checks, READ_COMMITTED)
        found: list[Any] = []
        while len(some := [(each.offset, each.value) for each in islice(reading, 2)]) == 2:
            found += *some, reading.next_fetch_offset
        return [*found, *some, reading.next_fetch_offset]

    assert polls(Batches(in_pieces(log, ends)), checks=False) == polls(MemoryRecords(log), checks=True)


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
            assert found[n] == list(aiokafkas(fetched(n))), n


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


def test_not_much_is_kept_to_be_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was read at a time."""
    monkeypatch.setattr(Batches, "_free", [])
    fetched = batch(0, bytes(1_000_000))
    reading = [Batches(in_pieces(fetched, [1_000])) for _ in range(9)]
    for batches in reading:
        batches.next_batch()
    assert not Batches._free
    for batches in reading:
        assert not batches.has_next()
        assert not batches.has_next()
    assert len({id(room) for room in Batches._free}) == len(Batches._free) == 4, "of two megabytes each"


def test_a_batch_in_one_piece_is_read_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Batches, "_free", [])
    reading = Batches(in_pieces(LOG, []))
    while reading.has_next():
        reading.next_batch()
    assert not Batches._free
