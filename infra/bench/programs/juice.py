"""juice as its users run it: `juice migrate`, `juice worker`, and `juice sink` when everything is on.

Knows of juice what the contract tells the outside: commands, settings, telemetry, tables. It is done when the
last stage has nothing left to do, or with everything on when `juice drain` says that all can be queried.
Without the sink the counts are in Kafka; a sink that is started after the clock has stopped takes them to
ClickHouse to be looked at.
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import clickhouse_connect

from infra.bench.programs.task import Meter, Task, write_counts

EVENTS = "social.events"
POLL_S = 0.1
"""Seconds between looks at what may end at any moment."""
LOOK_S = 1.0
"""Seconds at most between looks at a worker that has much to do: each answer costs it time."""
LOOKED_AT = 400_000
"""Records per LOOK_S: of a small task more looks are needed to time it."""
SETTLED = 3
"""Looks in a row that must find nothing left to do: gauges are a quarter of a second old at the most."""
COUNTS = """
SELECT account, toUnixTimestamp(pane) * 1000, sum(events) FROM account_panes
WHERE direction = 'received' GROUP BY ALL
"""


class Juice:
    """One installation on the topic of the task."""

    def __init__(self, task: Task, *, everything: bool) -> None:
        self.task = task
        self.everything = everything
        self.database = task.name.replace("-", "_")
        self.port = _free_port()
        self.waiting = -1
        self.look = min(LOOK_S, max(POLL_S, LOOK_S * task.records / LOOKED_AT))
        self._background: list[subprocess.Popen[bytes]] = []
        root = Path(__file__).resolve().parents[3]  # past the link to it
        settings = {
            "HOME": task.folder,
            "KAFKA": task.broker,
            "CLICKHOUSE": task.clickhouse,
            "NAMESPACE": task.topic.removesuffix(EVENTS),
            "DATABASE": self.database,
            "PARTITIONS": str(task.partitions),
            "WORKER_PORT": str(self.port),
            "SINK_PORT": "0",
        }
        if everything:
            settings["CAMPAIGNS"] = str(Path(__file__).with_name("campaigns.toml"))
        else:
            settings["SUBJECTS"] = "ledger"
        self._command = [
            "env",
            f"PYTHONPATH={root}",
            *(f"JUICE_{name}={value}" for name, value in settings.items()),
            sys.executable,
            "-m",
            "streams.cli",
        ]

    def run(self, *arguments: str) -> None:
        """Run a command to its end; raise CalledProcessError when it fails."""
        subprocess.run([*self._command, *arguments], check=True, stdout=subprocess.DEVNULL)

    @contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """Give a command that runs in the background, and stop it at the end."""
        process = subprocess.Popen([*self._command, *arguments], stdout=subprocess.DEVNULL)
        self._background.append(process)
        try:
            yield process
        finally:
            self._background.remove(process)
            process.terminate()
            process.wait(60)

    def check(self) -> None:
        """End this program when one that should run has failed."""
        if any(process.poll() for process in self._background):
            raise SystemExit("a juice process has ended")

    def is_far(self, finished: int) -> bool:
        """Tell whether the worker has much to do when it has finished with so many records."""
        return finished < self.task.records * 3 // 4

    def telemetry(self) -> tuple[int, int]:
        """Return how many records the worker has finished with, and how many wait in any stage."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
                text = answer.read().decode()
        except OSError:
            return 0, -1
        lags = _values(text, "juice_consumer_lag_records")
        return int(sum(_values(text, "juice_events_total"))), int(sum(lags)) if lags else -1

    def counts(self) -> list[tuple[str, int, int]]:
        """Return what each account received in each minute."""
        client = clickhouse_connect.get_client(
            dsn=self.task.clickhouse, database=self.database, autogenerate_session_id=False
        )
        cells = client.query(COUNTS).result_rows
        return [(account, minute, actions) for account, minute, actions in cells]


def main(task: Task, *, everything: bool) -> None:
    """Count the topic."""
    juice = Juice(task, everything=everything)
    juice.run("migrate", "--sources", str(task.partitions))
    meter = Meter(task)
    meter.say("wait")
    with ExitStack() as stack:
        if everything:
            stack.enter_context(juice.running("sink"))
        stack.enter_context(juice.running("worker"))
        if everything:
            meter.done(through(juice, meter))
        else:
            meter.done(settled(juice, meter))
            stack.enter_context(juice.running("sink"))
            juice.run("drain", "--quiet", "--timeout", "120")
        write_counts(task, juice.counts())


def settled(juice: Juice, meter: Meter) -> float:
    """Return since when no stage has had anything left to do."""
    since, looks, finished = 0.0, 0, 0
    while looks < SETTLED:
        time.sleep(juice.look if juice.is_far(finished) else POLL_S)
        finished, waiting = progress(juice, meter)
        if finished < juice.task.records or waiting:
            looks = 0
            continue
        since = since if looks else time.monotonic()
        looks += 1
    return since


def through(juice: Juice, meter: Meter) -> float:
    """Return when all could be queried. `drain` takes a second to start, so it is started before its time."""
    while juice.is_far(progress(juice, meter)[0]):
        time.sleep(juice.look)
    with juice.running("drain", "--quiet", "--timeout", "600") as drain:
        while not ended(drain, juice.look):
            progress(juice, meter)
        if drain.returncode:
            raise SystemExit("juice drain gave up")
        return time.monotonic()


def ended(process: subprocess.Popen[bytes], within: float) -> bool:
    """Tell whether a process ends within so many seconds, as soon as it does."""
    try:
        process.wait(within)
    except subprocess.TimeoutExpired:
        return False
    return True


def progress(juice: Juice, meter: Meter) -> tuple[int, int]:
    """Look at the worker's telemetry, and say how far its first stage is; the others follow close behind."""
    juice.check()
    task = juice.task
    finished, waiting = juice.telemetry()
    # Others count what somebody receives. That is the same part of the records everywhere in the topic.
    new = min(finished, task.records) * task.expected // task.records - meter.counted
    if new > 0:
        meter.add(new)
    elif waiting != juice.waiting:
        meter.say("wait")  # later stages move
    juice.waiting = waiting
    return finished, waiting


def _values(text: str, name: str) -> list[float]:
    """Return the values of a metric family in Prometheus' text format."""
    return [float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE)]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


if __name__ == "__main__":
    main(Task.from_arguments(), everything="everything=true" in sys.argv)
