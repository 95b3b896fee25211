"""Not a peer but the ceiling: what Faust's own driver can fetch and msgspec decode, nothing else done."""

from __future__ import annotations

import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition

from infra.bench.programs.needed import decode
from infra.bench.programs.task import Meter, Task


async def main(task: Task) -> None:
    """Read the topic once from its beginning to its end."""
    meter = Meter(task)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=task.broker,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 << 20,
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition(task.topic, partition) for partition in range(task.partitions)])
        complete = False
        while not complete:
            for records in (await consumer.getmany(timeout_ms=1_000, max_records=10_000)).values():
                events = [decode(record.value) for record in records]
                complete = meter.add(sum(bool(event.receiver) for event in events))
        meter.done()
    finally:
        await consumer.stop()


if __name__ == "__main__":
    uvloop.run(main(Task.from_arguments()))
