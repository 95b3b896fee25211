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

    Raises what the broker refused, and then nothing that comes later in the same partition was sent: a progress record must not
    become durable without the state before it, nor the end of a message that was cut without its beginning. That takes no
    longer, since aiokafka has one request in flight per partition anyway; but by itself it would send the next batch before we
    hear that one was refused.
    """
    batches: dict[tuple[str, int], list[Any]] = {}
    size = 0
    for send in sends:
        where = send.topic, send.partition
        key, value, headers = send.key, send.value, list(send.headers)
        some = batches.get(where)
        if some is None:
            some = batches[where] = [producer.create_batch()]
        size += len(value or b"") + len(key or b"")
        if some[-1].append(key=key, value=value, timestamp=None, headers=headers) is None:
            some.append(producer.create_batch())
            if some[-1].append(key=key, value=value, timestamp=None, headers=headers) is None:
                raise ValueError(f"a record of {len(value or b'')} bytes does not fit into a batch for {send.topic}")
    futures = []
    for where, (first, *rest) in batches.items():
        future = await _sent(producer, first, where)
        futures.append(asyncio.ensure_future(_in_turn(producer, future, rest, where)) if rest else future)
    await asyncio.gather(*futures)
    return size


async def _sent(producer: Any, batch: Any, where: tuple[str, int]) -> Any:
    batch.close()
    return await producer.send_batch(batch, where[0], partition=where[1])


async def _in_turn(producer: Any, future: Any, rest: Iterable[Any], where: tuple[str, int]) -> None:
    """Send the rest of a partition's batches, each when the one before it, the first of which is under way, is acknowledged."""
    await future
    for batch in rest:
        await (await _sent(producer, batch, where))
