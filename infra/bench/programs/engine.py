"""juice's engine at the peers' work: one stage, written as each of the peers' programs is written for its own engine.

What it keeps is kept as the worker keeps its state: in batches, with a fence in each value and the progress behind
them, so a kill counts nothing twice. It moves no records, so they must be keyed by who receives.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from struct import Struct
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))  # juice, past the link to it

from infra import allocator
from infra.bench.programs.needed import cell, decode
from infra.bench.programs.task import Meter, Task, write_counts
from infra.core import Core
from infra.kafka import TopicSpec, admin_client, ensure_topics
from infra.settings import load
from streams.engine import runtime
from streams.engine.app import StagedApp, staged
from streams.engine.progress import PROGRESS
from streams.engine.stage import Effects, Stage
from streams.engine.store import State

CELL = Struct(">qq")
"""Fence: offset of the last record that was counted; count."""
POLL_S = 0.05
RECORDS, FETCH = 10_000, 4 << 20
"""Of a poll at most, and bytes of a partition that are fetched at a time. All that was counted of a poll is durable before the
next but one: ten or twenty times a second, where most peers commit once."""


class Counts:
    """Body of the stage: what each account received in each minute."""

    def __init__(self) -> None:
        self._known: dict[int, State] = {}

    def restore(self, partition: int, entries: State, offset: int, kept: bytes) -> None:
        """Take the table's partition: what was counted before."""
        self._known[partition] = entries

    def forget(self) -> None:
        """Partitions may have moved."""
        self._known.clear()

    def process(self, partition: int, records: Sequence[Any], behind: bool) -> Effects:
        """Count a batch. A value whose fence is not behind the batch has counted some of it already, before a kill."""
        known = self._known[partition]
        cells = [cell(decode(record.value)) for record in records]
        first, last = records[0].offset, records[-1].offset
        writes: dict[bytes, bytes | None] = {}
        for counted, new in Counter(cells).items():
            if counted[0] == " ":  # nobody receives a post
                continue
            key = counted.encode()
            fence, count = CELL.unpack(known[key]) if key in known else (-1, 0)
            if fence >= first:
                new = sum(
                    each == counted and record.offset > fence for record, each in zip(records, cells, strict=True)
                )
            writes[key] = CELL.pack(max(fence, last), count + new)
        return Effects(writes=writes)

    def rests(self, partition: int) -> bool:
        """There is nothing to do without input."""
        return True

    def idle(self, partition: int, caught_up: float | None, offset: int, behind: bool) -> Effects | None:
        """Do nothing."""
        return None


def engine(task: Task) -> tuple[StagedApp, Stage]:
    """Return an app with one stage that counts the topic of the task, its topics made."""
    for name in [name for name in os.environ if name.startswith("JUICE_")]:
        del os.environ[name]  # no setting of whoever runs the bench
    settings = load()
    with admin_client(settings, task.broker) as admin:
        changelog = TopicSpec(f"{task.name}-counts-changelog", task.partitions, {"cleanup.policy": "compact"})
        ensure_topics(admin, [changelog], 1)
    app = staged(StagedApp, task.name, settings, kafka=task.broker, records=RECORDS, fetch=FETCH)
    stage = Stage(app, name="counts", source=task.topic, partitions=task.partitions, body=Counts())
    app.chain([stage])
    return app, stage


async def main(task: Task) -> None:
    """Count the topic to its end; done when all is in the changelog, acknowledged, and the progress with it."""
    runtime.turns(backlog=True)  # as the worker has it while all that is to be counted waits
    meter, core = Meter(task), Core()
    app, stage = engine(task)
    starting = asyncio.ensure_future(app.start())
    done = 0
    while done < task.records:
        await asyncio.sleep(POLL_S)
        if starting.done() and (error := starting.exception()) is not None:
            raise SystemExit(f"start: {error!r}")
        if app.crashed:
            raise SystemExit(f"Faust: {app.crash_reason!r}")
        core.look()
        done = sum(stage.next_offset(partition) or 0 for partition in range(task.partitions))
        new = done * task.expected // task.records - meter.counted
        if new:
            meter.add(new)
    meter.done()
    write_counts(task, (cell for partition in range(task.partitions) for cell in cells(stage, partition)))
    sys.stdout.flush()
    os._exit(0)  # as the worker ends


def cells(stage: Stage, partition: int) -> Iterator[tuple[str, int, int]]:
    """Yield account, minute and count of what a partition of the table holds."""
    for key, value in stage.table.partition(partition).items():
        if key != PROGRESS:
            account, minute = key.decode().split(" ")
            yield account, int(minute), CELL.unpack(value)[1]


if __name__ == "__main__":
    allocator.steady()
    runtime.run(main(Task.from_arguments()))
