"""Bytewax: its Kafka source and a stateful count, with or without its recovery store (`recovery=true`).

The count is its lowest-level operator, `stateful_batch`, and parsing takes whole batches: on this work that
is about twice as fast as `stateful_map`, and more than twenty times as fast as its windowing operators.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main

from infra.bench.programs.needed import cell, decode
from infra.bench.programs.task import Meter, Task, write_counts

BATCH = 5_000
"""Records per batch of the source; its default of 1,000 is some percent slower, larger ones are no faster."""


def parse(messages: list[Any]) -> Iterable[tuple[str, None]]:
    """Yield the key to count under, account and minute, for every action somebody receives."""
    for message in messages:
        event = decode(message.value)
        if event.receiver:
            yield cell(event), None


class Count(op.StatefulBatchLogic[None, tuple[int, int], int]):  # type: ignore[misc]  # bytewax is not in our environment
    """The count of one account and minute: emits the new total and how much of it is new."""

    def __init__(self, total: int | None) -> None:
        self.total = total or 0

    def on_batch(self, values: list[None]) -> tuple[Iterable[tuple[int, int]], bool]:
        """Add a batch."""
        self.total += len(values)
        return [(self.total, len(values))], False

    def snapshot(self) -> int:
        """Return what the recovery store keeps."""
        return self.total


class Keep(StatelessSinkPartition[tuple[str, tuple[int, int]]]):  # type: ignore[misc]
    """Remembers the latest total of every key."""

    def __init__(self, counts: dict[str, int], meter: Meter) -> None:
        self.counts = counts
        self.meter = meter

    def write_batch(self, items: list[tuple[str, tuple[int, int]]]) -> None:
        """Take a batch of totals."""
        for key, (total, new) in items:
            self.counts[key] = total
            self.meter.add(new)


class Totals(DynamicSink[tuple[str, tuple[int, int]]]):  # type: ignore[misc]
    """The one place where totals arrive; there is one worker."""

    def __init__(self, kept: Keep) -> None:
        self.kept = kept

    def build(self, step_id: str, worker_index: int, worker_count: int) -> Keep:
        """Return the only partition."""
        return self.kept


def main(task: Task, *, recovery: bool) -> None:
    """Run the flow to the end of the topic. With recovery, it is done when the last snapshot is written."""
    counts: dict[str, int] = {}
    meter = Meter(task)
    flow = Dataflow("one_minute_counts")
    source = KafkaSource([task.broker], [task.topic], tail=False, batch_size=BATCH)
    received = op.flat_map_batch("parse", op.input("events", flow, source), parse)
    op.output("totals", op.stateful_batch("count", received, Count), Totals(Keep(counts, meter)))
    if recovery:
        store = Path(task.folder)
        init_db_dir(store, 1)
        cli_main(flow, epoch_interval=timedelta(seconds=1), recovery_config=RecoveryConfig(store))
    else:
        cli_main(flow)
    meter.done()
    cells = ((key.split(" "), actions) for key, actions in counts.items())
    write_counts(task, ((account, int(minute_ms), actions) for (account, minute_ms), actions in cells))


if __name__ == "__main__":
    main(Task.from_arguments(), recovery="recovery=true" in sys.argv)
