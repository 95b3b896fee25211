"""How a program learns what to do and says how far it is. Standard library only; the Java program speaks the
same.

Arguments are `name=value`. On standard output, a line `BENCH at COUNTED SECONDS` up to a hundred times a run,
and `BENCH done COUNTED SECONDS` once, when the counts of all records are complete and as durable as this peer
makes them; SECONDS is the machine's monotonic clock. A line `BENCH wait …` says only that it is alive. Then
the counts go to the file `result`, and the process ends.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Task:
    """What to count. `expected` is the number of actions somebody receives among all `records` of `topic`."""

    broker: str
    topic: str
    partitions: int
    records: int
    expected: int
    shuffle: bool
    """Records are not keyed by the receiver: a peer that counts by Kafka key must move them first."""
    name: str
    """Unique for this run: consumer group, application id, prefix of every topic a peer makes."""
    folder: str
    """Scratch space, empty at the start."""
    result: str
    clickhouse: str = ""
    """HTTP address of a running ClickHouse, for the peers that use one."""

    def arguments(self) -> list[str]:
        """Return the command-line arguments that `from_arguments` reads."""
        return [f"{field.name}={_text(getattr(self, field.name))}" for field in fields(self)]

    @classmethod
    def from_arguments(cls, arguments: list[str] | None = None) -> Task:
        """Read the program's arguments; raise KeyError or ValueError when one is missing or wrong."""
        said = dict(argument.split("=", 1) for argument in (sys.argv[1:] if arguments is None else arguments))
        return cls(
            broker=said["broker"],
            topic=said["topic"],
            partitions=int(said["partitions"]),
            records=int(said["records"]),
            expected=int(said["expected"]),
            shuffle=said["shuffle"] == "true",
            name=said["name"],
            folder=said["folder"],
            result=said["result"],
            clickhouse=said.get("clickhouse", ""),
        )


class Meter:
    """Counts what is counted, and says so after each hundredth of the way, if it is told then."""

    def __init__(self, task: Task) -> None:
        self.counted = 0
        self._expected = task.expected
        self._step = max(1, task.expected // 100)
        self._next = 1

    def add(self, n: int = 1) -> bool:
        """Count `n` more; return whether that is all of them."""
        self.counted += n
        if self.counted >= self._next:
            self.say("at")
            self._next = self.counted + self._step
        return self.counted >= self._expected

    def done(self, at: float | None = None) -> None:
        """Say that all is counted and durable, now or since the monotonic time `at`."""
        self.say("done", at)

    def say(self, what: str, at: float | None = None) -> None:
        """Write one line of the protocol, past whatever a framework has put in the place of `sys.stdout`."""
        seconds = time.monotonic() if at is None else at
        os.write(1, f"BENCH {what} {self.counted} {seconds:.6f}\n".encode())


def receiver(event: dict[str, Any]) -> str | None:
    """Return who receives a decoded event of the bench's workload; None for a post."""
    if "targets" in event:
        target: str = event["targets"][0]
        return target
    return event.get("object_author")


def minute(event: dict[str, Any]) -> int:
    """Return the start of the event's minute in epoch ms."""
    time_ms: int = event["time"]
    return time_ms - time_ms % 60_000


def write_counts(task: Task, counts: Iterable[tuple[str, int, int]]) -> None:
    """Write (account, start of the minute in epoch ms, actions) to the result file."""
    with open(task.result, "w", encoding="utf-8") as file:
        file.writelines(f"{account}\t{minute_ms}\t{actions}\n" for account, minute_ms, actions in counts)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
