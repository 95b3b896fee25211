"""What is fed is what Kafka has: every record, in its place, once."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event
from time import monotonic

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from infra.stack import StackInfo
from tests.simulator import FeedError, Plan, feed, records

PLAN = Plan(seed=3, events=3_000, partitions=3, nasty=0.05)


@pytest.fixture
def topic(stack: StackInfo, request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty topic with three partitions."""
    name = f"feed.{request.node.name}"
    admin = KafkaAdminClient(bootstrap_servers=stack.kafka)
    admin.create_topics([NewTopic(name, 3, 1)], wait_for_metadata=True)
    yield name
    admin.delete_topics([name])
    admin.close()


def test_feed(stack: StackInfo, topic: str) -> None:
    """Each partition holds its part of the log, nasty and large records included, in order."""
    log = list(records(PLAN))
    assert max(len(raw) for _, raw in log) > 1 << 20
    sent = feed(log, kafka=stack.kafka, topic=topic, partitions=3)
    consumer = KafkaConsumer(bootstrap_servers=stack.kafka, auto_offset_reset="earliest")
    places = [TopicPartition(topic, partition) for partition in range(3)]
    consumer.assign(places)
    held: list[list[bytes]] = [[], [], []]
    deadline = monotonic() + 60
    while sum(map(len, held)) < len(log) and monotonic() < deadline:
        for place, messages in consumer.poll(timeout_ms=500).items():
            held[place.partition] += [message.value for message in messages]
    consumer.close()
    assert held == [[raw for where, raw in log if where == partition] for partition in range(3)]
    assert list(sent) == [len(part) for part in held]
    with pytest.raises(FeedError, match="empty partitions are needed"):
        feed(log, kafka=stack.kafka, topic=topic, partitions=3)


def test_pace_and_stop(stack: StackInfo, topic: str) -> None:
    """A set rate is kept, and a feed that is told to stop does so between records."""
    began = monotonic()
    assert (
        sum(
            feed(
                records(Plan(events=640, partitions=3)),
                kafka=stack.kafka,
                topic=topic,
                partitions=3,
                rate=640,
            )
        )
        == 640
    )
    assert monotonic() - began >= 0.9
    stop = Event()
    stop.set()
    admin = KafkaAdminClient(bootstrap_servers=stack.kafka)
    admin.create_topics([NewTopic(f"{topic}.stopped", 3, 1)], wait_for_metadata=True)
    admin.close()
    sent = feed(records(PLAN), kafka=stack.kafka, topic=f"{topic}.stopped", partitions=3, stop=stop)
    assert 0 < sum(sent) < 100


def test_wrong_partitions(stack: StackInfo, topic: str) -> None:
    """A topic with another number of partitions than the log is refused before anything is sent."""
    with pytest.raises(FeedError, match="5 empty partitions are needed"):
        feed(records(PLAN), kafka=stack.kafka, topic=topic, partitions=5)
