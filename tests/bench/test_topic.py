"""The workload in a real Kafka."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter

from aiokafka import AIOKafkaConsumer, TopicPartition

from infra.bench import topic
from infra.bench.records import batches
from infra.bench.workload import Workload, draw
from infra.stack import StackInfo


async def _read(broker: str, name: str, workload: Workload) -> Counter[tuple[int, bytes, bytes]]:
    consumer = AIOKafkaConsumer(bootstrap_servers=broker, auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([TopicPartition(name, partition) for partition in range(workload.partitions)])
        found: Counter[tuple[int, bytes, bytes]] = Counter()
        while found.total() < workload.records:
            for records in (await consumer.getmany(timeout_ms=10_000)).values():
                found.update((record.partition, record.key, record.value) for record in records)
        return found
    finally:
        await consumer.stop()


def test_kafka_holds_what_was_drawn_until_it_is_cleared(stack: StackInfo) -> None:
    """Every record is in its partition once, the progress adds up, and clearing removes the topic."""
    workload = Workload(records=30_000, partitions=3)
    name = f"bench-test-{uuid.uuid4().hex[:6]}"
    told: list[int] = []
    asyncio.run(topic.fill(stack.kafka, name, workload, draw(workload), told.append))
    expected = Counter(
        (batch.partition, key, value)
        for batch in batches(workload, draw(workload))
        for key, value in zip(batch.keys, batch.values, strict=True)
    )
    assert asyncio.run(_read(stack.kafka, name, workload)) == expected
    assert sum(told) == workload.records
    assert asyncio.run(topic.clear(stack.kafka, name, keep=name)) == []
    assert asyncio.run(topic.clear(stack.kafka, name)) == [name]
    assert asyncio.run(topic.clear(stack.kafka, name)) == []
