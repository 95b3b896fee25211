"""Quix Streams: its own tumbling window on a RocksDB state with a changelog."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from quixstreams import Application

from infra.bench.programs.task import Meter, Task, receiver, write_counts


def main(task: Task) -> None:
    """Count until all is counted; `run` returns after its last checkpoint is committed."""
    meter = Meter(task)
    counts: dict[tuple[str, int], int] = {}
    app = Application(
        broker_address=task.broker,
        consumer_group=task.name,
        auto_offset_reset="earliest",
        commit_interval=1.0,
        state_dir=task.folder,
        loglevel="WARNING",
    )

    def keep(window: dict[str, Any], key: Any, timestamp: int, headers: Any) -> None:
        counts[key, window["start"]] = window["value"]
        if meter.add():
            app.stop()

    topic = app.topic(
        task.topic,
        key_deserializer="str",
        value_deserializer="json",
        timestamp_extractor=lambda value, headers, timestamp, kind: value["time"],
    )
    events = app.dataframe(topic).filter(lambda event: event["type"] != "post")
    if task.shuffle:
        events = events.group_by(receiver, name="receiver", key_deserializer="str", key_serializer="str")
    windows = events.tumbling_window(timedelta(minutes=1), grace_ms=timedelta(hours=1)).count().current()
    windows.update(keep, metadata=True)
    app.run()
    meter.done()
    write_counts(task, ((account, minute, actions) for (account, minute), actions in counts.items()))


if __name__ == "__main__":
    main(Task.from_arguments())
