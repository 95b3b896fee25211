"""A polled run of records becomes few messages, and nothing is lost or turned round by it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.batches import MAX_BYTES, MAX_RECORDS, BatchScheduler
from tests.unit.engine.world import Record, World, in_world


def batches_of(records: Any) -> list[Any]:
    """Return the records of each message that a polled run of a partition becomes."""
    return [message.value.records for _, message in BatchScheduler().iterate({TP("t", 0): records})]


def test_a_run_is_one_message() -> None:
    """Thousands of records of a partition come as one message with the last one's offset."""
    run = [Record(offset) for offset in range(3, 3_003)]
    ((tp, message),) = BatchScheduler().iterate({TP("t", 0): run})
    assert (tp, message.offset, message.topic, message.partition) == (TP("t", 0), 3_002, "t", 0)
    assert message.value.records == run
    assert message.value.begin == -1, "where it begins is said by the consumer"


def test_partitions_take_turns() -> None:
    """No partition waits until all of another has been delivered."""
    long = [Record(offset, _ROOM) for offset in range(6)]
    polled: Any = {TP("t", 0): long, TP("t", 1): [Record(0, partition=1)]}
    order = [tp.partition for tp, _ in BatchScheduler().iterate(polled)]
    assert sorted(order) == [0, 0, 0, 1]
    assert order.index(1) < 2


@given(st.lists(st.integers(0, MAX_BYTES // 2), max_size=40))
def test_batches_are_bounded(sizes: list[int]) -> None:
    """A batch ends before it has too many bytes; its records are consecutive, and every one is in one."""
    records: Any = [Record(n, memoryview(_ROOM)[:size]) for n, size in enumerate(sizes)]  # type: ignore[arg-type]
    found = batches_of(records)
    assert [record for chunk in found for record in chunk] == records
    assert all(len(chunk) == 1 or sum(len(record.value) for record in chunk) <= MAX_BYTES for chunk in found)
    rest = pairwise(found)
    assert all(sum(len(r.value) for r in one) + len(two[0].value) > MAX_BYTES for one, two in rest), "no sooner"


def test_batches_have_few_records() -> None:
    """A poll ends before it has too many, however small, so no batch of it has more."""

    async def test(world: World) -> None:
        assert world.app.conf.broker_max_poll_records == MAX_RECORDS

    in_world(test)


def test_a_huge_record_goes_alone() -> None:
    """A record beyond the bound is delivered like any other."""
    records: Any = [Record(0), Record(1, _ROOM * 3), Record(2)]
    assert [len(chunk) for chunk in batches_of(records)] == [1, 1, 1]


_ROOM = bytes(MAX_BYTES // 2)
