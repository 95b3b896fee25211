"""Is everything through? Follows what was published so far from `social.events` to ClickHouse.

What a stage has done is read where it is durable: the progress record, which is the last of its changelog partition.
Kafka's committed offsets say the same later, and are not believed. A stage is passed when its progress has reached the
end its input had when the stage before it was passed, and no key waits to be presented; the sink when its committed
offsets, which it writes after ClickHouse has the rows, have. Records that come later are not waited for: silent partitions say so
again and again, and on a busy machine there would always be something. Keys that wait are those of the moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any, Final, Self

import msgspec
from kafka import KafkaConsumer, TopicPartition

from infra.clock import monotonic
from infra.kafka import ends, reader
from infra.settings import Settings, SettingsError
from streams.engine.progress import FENCE, PROGRESS
from streams.names import Names

WAY: Final = ("ingest", "accept", "accept", "accumulate", "sink")
"""Who is passed, in this order: accept twice, for its orders go through its own input once more."""


@dataclass(frozen=True, slots=True)
class Left:
    """What still has to happen: `records` of `topic` to be taken by `stage`, and `waiting` keys to be presented by it."""

    stage: str
    topic: str
    records: int
    waiting: int = 0

    def __str__(self) -> str:
        """Say so.

        >>> print(Left("accumulate", "juice.routed", 0, 1200))
        accumulate still has 1,200 keys to present
        """
        todo = [f"{self.records:,} records of {self.topic} to take"] if self.records or not self.waiting else []
        if self.waiting:
            todo.append(f"{self.waiting:,} keys to present")
        return f"{self.stage} still has {' and '.join(todo)}"


class Drain(AbstractContextManager["Drain"]):
    """Looks at the whole way of an installation; one consumer, no group."""

    def __init__(self, settings: Settings, kafka: str) -> None:
        self.settings, self.kafka, self.names = settings, kafka, Names.of(settings)
        self._stack = ExitStack()
        self._passed = 0
        """How many of WAY are."""
        self._targets: dict[str, dict[int, int]] = {}
        """Up to where the next of them has to come, by topic."""

    def __enter__(self) -> Self:
        self._consumer: KafkaConsumer = self._stack.enter_context(reader(self.settings, self.kafka))
        if not self._consumer.partitions_for_topic(self.names.events):
            self._stack.close()
            raise SettingsError(f"there is no topic {self.names.events}; run `juice migrate`")
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
        """Return the first that has not been passed yet, or None when all is in ClickHouse that was there at the first
        look; the next look then begins anew.
        """
        while self._passed < len(WAY):
            stage = WAY[self._passed]
            topics = (self.names.rows, self.names.dead_letters) if stage == "sink" else (self.names.source(stage),)
            if not self._targets:
                self._targets = {topic: ends(self._consumer, topic) for topic in topics}
            done = {} if stage == "sink" else self.progress(stage)
            waiting = sum(waits for _, waits in done.values())
            for topic, target in self._targets.items():
                behind = 0
                for partition, end in target.items():
                    taken = self._committed(topic, partition) if stage == "sink" else done.get(partition, (0, 0))[0]
                    behind += max(end - taken, 0)
                if behind or waiting:
                    return Left(stage, topic, behind, waiting)
            self._passed, self._targets = self._passed + 1, {}
        self._passed = 0
        return None

    def _committed(self, topic: str, partition: int) -> int:
        return self._group.committed(TopicPartition(topic, partition)) or 0

    def follow(self, timeout: float, pause: Any) -> Iterator[Left | None]:
        """Yield what is left until nothing is (None, the last) or the time is over; `pause` sleeps between looks."""
        deadline = monotonic() + timeout
        while True:
            left = self.left()
            yield left
            if left is None or monotonic() > deadline:
                return
            pause(0.2 if left.records + left.waiting < 10_000 else 0.5)
