"""What a topic holds at this moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition

from infra.clock import monotonic
from infra.kafka import KafkaUnreachable, ends
from schemas.decode import decode
from streams.replay.lines import ReplayError

PATIENCE: Final = 30.0
"""Seconds without a single record after which a broker counts as gone."""


def partitions_of(consumer: KafkaConsumer, topic: str) -> int:
    """Return how many partitions `topic` has; raise ReplayError when it does not exist."""
    found = consumer.partitions_for_topic(topic)
    if not found:
        raise ReplayError(f"there is no topic {topic}; run `juice migrate`")
    return len(found)


def records(
    consumer: KafkaConsumer, topic: str, *, last: int | None = None, since: Mapping[int, int] | None = None
) -> Iterator[Any]:
    """Yield the records of `topic` up to its present end, or only the `last` of each partition, or those `since` an offset of it.
    An offset that a partition does not have, since it was made anew or has lost it, stands for its beginning.

    In order within a partition; partitions are interleaved. Raises KafkaUnreachable when the broker falls
    silent.
    """
    until = {TopicPartition(topic, p): end for p, end in ends(consumer, topic).items()}
    begins = consumer.beginning_offsets(list(until))
    until = {tp: end for tp, end in until.items() if end > begins[tp]}
    consumer.assign(list(until))
    for tp, end in until.items():
        begin = (since or {}).get(tp.partition, 0) if last is None else end - last
        consumer.seek(tp, begin if begins[tp] <= begin <= end else begins[tp])
    deadline = monotonic() + PATIENCE
    while until:
        for tp, found in consumer.poll(timeout_ms=500).items():
            deadline = monotonic() + PATIENCE
            yield from (record for record in found if tp in until and record.offset < until[tp])
        for tp in [tp for tp, end in until.items() if consumer.position(tp) >= end]:
            del until[tp]
        if monotonic() > deadline:
            raise KafkaUnreachable(f"{topic} cannot be read: nothing came for {PATIENCE:.0f} s")


def newest(consumer: KafkaConsumer, topic: str, *, future: int, last: int = 50) -> dict[int, int]:
    """Return the latest event time, in epoch ms, among the `last` records of each partition of `topic`.

    Events further than `future` ms ahead of their arrival do not count, as they do not in the pipeline.
    """
    found: dict[int, int] = {}
    for record in records(consumer, topic, last=last):
        event = decode(record.value)
        if isinstance(event, tuple) and event[1] <= record.timestamp + future:
            found[record.partition] = max(found.get(record.partition, event[1]), event[1])
    return found
