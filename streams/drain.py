"""Is everything through? Follows what was published so far from `social.events` to ClickHouse.

What a stage has done is read where it is durable: the progress record, which is the last of its changelog partition.
Kafka's committed offsets say the same later, and are not believed. A stage is passed when its progress has reached the
end its input had when the stage before it was passed, and no key waits to be presented; the sink when its committed
offsets, which it writes after ClickHouse has the rows, have.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any, Self

import msgspec
from kafka import KafkaConsumer, TopicPartition

from infra.clock import monotonic
from infra.kafka import ends, reader
from infra.settings import Settings
from streams.engine.progress import FENCE, PROGRESS
from streams.names import STAGES, Names


@dataclass(frozen=True, slots=True)
class Left:
    """What still has to happen: `records` of `topic`, to be taken by `stage`."""

    stage: str
    topic: str
    records: int
    waiting: int = 0


class Drain(AbstractContextManager["Drain"]):
    """Looks at the whole way of an installation; one consumer, no group."""

    def __init__(self, settings: Settings, kafka: str) -> None:
        self.settings, self.kafka, self.names = settings, kafka, Names.of(settings)
        self._stack = ExitStack()
        self._passed: list[tuple[str, str, dict[int, int]]] = []

    def __enter__(self) -> Self:
        self._consumer: KafkaConsumer = self._stack.enter_context(reader(self.settings, self.kafka))
        group = self._stack.enter_context(reader(self.settings, self.kafka, group_id=self.names.sink_group))
        self._group: KafkaConsumer = group
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def progress(self, stage: str) -> dict[int, tuple[int, int]]:
        """Return, for each partition of a stage's input, the next offset and how many keys wait to be presented."""
        changelog = self.names.changelog(stage)
        found = {}
        last = ends(self._consumer, changelog)
        wanted = {}
        for partition, end in last.items():
            if end > 0:
                wanted[TopicPartition(changelog, partition)] = end - 1
        self._consumer.assign(list(wanted))
        for tp, offset in wanted.items():
            self._consumer.seek(tp, offset)
        missing = set(wanted)
        deadline = monotonic() + 5
        while missing and monotonic() < deadline:
            for tp, messages in self._consumer.poll(timeout_ms=200).items():
                for message in messages:
                    if message.key == PROGRESS:
                        offset = FENCE.unpack_from(message.value)[0]
                        found[tp.partition] = (offset, self._waiting(stage, message.value[FENCE.size :]))
                missing.discard(tp)
        return found

    @staticmethod
    def _waiting(stage: str, kept: bytes) -> int:
        return int(msgspec.msgpack.decode(kept, strict=False)[2]) if stage == "accumulate" and kept else 0

    def left(self) -> Left | None:
        """Return the first stage that has not taken all its input yet, or None when everything is in ClickHouse."""
        for stage in STAGES:
            topic = self.names.source(stage)
            done = self.progress(stage)
            target = ends(self._consumer, topic)
            behind = sum(max(end - done.get(partition, (0, 0))[0], 0) for partition, end in target.items())
            waiting = sum(waits for _, waits in done.values())
            if behind or waiting:
                return Left(stage, topic, behind, waiting)
        for topic in (self.names.rows, self.names.dead_letters):
            behind = 0
            for partition, end in ends(self._consumer, topic).items():
                behind += max(end - (self._group.committed(TopicPartition(topic, partition)) or 0), 0)
            if behind:
                return Left("sink", topic, behind)
        return None

    def follow(self, timeout: float, pause: Any) -> Iterator[Left | None]:
        """Yield what is left until nothing is (None, the last) or the time is over; `pause` sleeps between looks."""
        deadline = monotonic() + timeout
        while True:
            left = self.left()
            yield left
            if left is None or monotonic() > deadline:
                return
            pause(0.2 if left.records + left.waiting < 10_000 else 0.5)
