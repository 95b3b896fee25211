"""Batches through Faust: one message for each polled run of records of a partition.

Faust handles 4-6 thousand messages a second, whatever they hold. `ConsumerScheduler` is a public setting that decides
in which order polled records are delivered; this one also folds the records of a partition into one message. Faust
takes the message's offset, which is the last record's, and fills the gap before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from faust.transport.utils import DefaultSchedulingStrategy

from streams.runs import runs

MAX_RECORDS: Final = 2_000
"""Most records of one poll, over all partitions; more do not fit the CPU caches (docs/decisions/0014-pages.md)."""
MAX_BYTES: Final = 4 << 20
"""Bytes after which a run is split, so that a batch's effects fit into memory and a heartbeat."""


class Batch(NamedTuple):
    """The value of a merged message: consecutive records of one partition and where they were fetched from.

    `begin` is the offset after the previous message's last record, -1 before the guarded consumer has set it.
    `records` have `offset`, `timestamp` (ms), `key` and `value`.
    """

    begin: int
    records: Sequence[Any]


class Merged:
    """What Faust's `Consumer._to_message` reads of a record."""

    __slots__ = ("offset", "partition", "timestamp", "timestamp_type", "topic", "value")
    checksum = None
    headers: tuple[()] = ()
    key = None
    serialized_key_size = 0
    serialized_value_size = 0

    def __init__(self, records: Sequence[Any]) -> None:
        last = records[-1]
        self.topic, self.partition, self.offset = last.topic, last.partition, last.offset
        self.timestamp, self.timestamp_type = last.timestamp, last.timestamp_type
        self.value = Batch(-1, records)


def beginning(records: Sequence[Any], offset: int) -> Sequence[Any]:
    """Return the records from `offset` on; `records` are in order of offset."""
    if records and records[0].offset < offset:
        return [record for record in records if record.offset >= offset]
    return records


def _size(record: Any) -> int:
    return len(record.value or b"")


class BatchScheduler(DefaultSchedulingStrategy):
    """Deliver each polled run of a partition as few messages, partitions in turn."""

    def iterate(self, records: Mapping[Any, Sequence[Any]]) -> Iterator[tuple[Any, Any]]:
        """Yield (partition, merged message) for every run of `records`."""
        merged = {tp: [Merged(run) for run in runs(of_tp, _size, MAX_BYTES)] for tp, of_tp in records.items()}
        yield from super().iterate(merged)
