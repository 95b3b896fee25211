"""The workload in Kafka: topics made, filled in the largest batches the broker takes, and removed again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.producer.message_accumulator import BatchBuilder

from infra.bench.records import batches
from infra.bench.workload import Events, Workload

BATCH_BYTES: Final = 900_000
"""Below the broker's default limit of 1 MiB for one batch."""
IN_FLIGHT: Final = 8
"""Batches awaiting their acknowledgement; bounds the producer's memory."""


async def fill(
    broker: str,
    topic: str,
    workload: Workload,
    events: Events,
    advance: Callable[[int], None] = lambda n: None,
) -> None:
    """Create `topic` and put every record of the workload into it; `advance` is told how many more are in.

    Raises `aiokafka.errors.KafkaError` when the broker refuses or the topic exists.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=broker)
    await admin.start()
    try:
        settings = {"retention.ms": "-1"}
        await admin.create_topics([NewTopic(topic, workload.partitions, 1, topic_configs=settings)])
    finally:
        await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=broker, max_batch_size=BATCH_BYTES, max_request_size=1 << 20)
    await producer.start()
    try:
        await _fill(producer, topic, workload, events, advance)
    finally:
        await producer.stop()


async def _fill(
    producer: AIOKafkaProducer, topic: str, workload: Workload, events: Events, advance: Callable[[int], None]
) -> None:
    open_batches = {partition: producer.create_batch() for partition in range(workload.partitions)}
    waiting: list[asyncio.Future[object]] = []

    async def send(partition: int, batch: BatchBuilder) -> None:
        records = batch.record_count()
        batch.close()
        waiting.append(await producer.send_batch(batch, topic, partition=partition))
        while len(waiting) >= IN_FLIGHT:
            await waiting.pop(0)
        advance(records)

    for batch in batches(workload, events):
        builder = open_batches[batch.partition]
        for key, value in zip(batch.keys, batch.values, strict=True):
            while builder.append(key=key, value=value, timestamp=None) is None:
                await send(batch.partition, builder)
                builder = open_batches[batch.partition] = producer.create_batch()
    for partition, builder in open_batches.items():
        if builder.record_count():
            await send(partition, builder)
    for future in waiting:
        await future


async def clear(broker: str, part: str, keep: str = "") -> list[str]:
    """Remove every topic with `part` in its name, those that peers made included, but `keep`; return them.

    Kafka forgets what groups had committed of a topic together with it.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=broker)
    await admin.start()
    try:
        names = [name for name in await admin.list_topics() if part in name and name != keep]
        if names:
            await admin.delete_topics(names)
        return names
    finally:
        await admin.close()
