"""Plain Faust as its documentation teaches it: an agent, one event at a time, a table with a changelog."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from typing import Any

import faust

from infra.bench.programs.task import Meter, Task, minute, receiver, write_counts

task = Task.from_arguments()
meter = Meter(task)

app = faust.App(
    task.name,
    broker=f"kafka://{task.broker}",
    store="memory://",
    datadir=task.folder,
    topic_partitions=task.partitions,
    table_standby_replicas=0,  # with the default of 1 its recovery fails
    consumer_auto_offset_reset="earliest",
    web_enabled=False,
)
events = app.topic(task.topic, key_serializer="raw", value_serializer="json")
counts = app.Table("counts", default=int, partitions=task.partitions)


@app.agent(events)
async def count(stream: Any) -> None:
    """Count each received action in the table, under account and minute."""
    received: AsyncIterator[dict[str, Any]] = stream.filter(receiver)
    if task.shuffle:
        received = stream.group_by(receiver, name="receiver", partitions=task.partitions)
    async for event in received:
        counts[f"{receiver(event)} {minute(event)}"] += 1
        if meter.add():
            await finish()


async def finish() -> None:
    """Wait until the changelog is written, hand over the counts and leave without ceremony."""
    await app.producer.flush()
    meter.done()
    split = ((key.split(" "), actions) for key, actions in counts.items())
    write_counts(task, ((account, int(minute_ms), actions) for (account, minute_ms), actions in split))
    os._exit(0)


if __name__ == "__main__":
    sys.argv[1:] = []
    faust.Worker(app, loglevel="WARN").execute_from_commandline()
