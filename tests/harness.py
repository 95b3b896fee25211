"""A whole installation under test: real worker and sink processes against the session's real Kafka and ClickHouse.

Each has topics and a database of its own, so that many run on one stack. Processes are started as a user starts them;
they can be killed, stopped, frozen and armed with crash points.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psutil
from aiokafka import AIOKafkaProducer

from infra.database import connect
from infra.kafka import client_settings
from infra.settings import Settings, load
from infra.stack import StackInfo
from streams.cli.check import run_audit
from streams.cli.stack import apply_migrations
from streams.names import Names
from streams.operations.audit import Audit, Conservation, Difference, Undone
from streams.operations.drain import Drain, Left


class Running:
    """A process of the installation: the `juice` command and, for a worker, the child that does the work."""

    def __init__(self, name: str, command: list[str], env: Mapping[str, str], log: Path) -> None:
        self.name, self.log = name, log
        with log.open("ab") as out:
            self.popen = subprocess.Popen(command, env=env, stdout=out, stderr=out, start_new_session=True)
        self.process = psutil.Process(self.popen.pid)

    @property
    def family(self) -> list[psutil.Process]:
        """Return the process and its children, the innermost first."""
        try:
            return [*reversed(self.process.children(recursive=True)), self.process]
        except psutil.NoSuchProcess:
            return []

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the whole family, as a machine's failure would."""
        for process in self.family:
            try:
                process.send_signal(number)
            except psutil.NoSuchProcess:
                continue

    def kill(self) -> None:
        """End it without a chance to clean up."""
        self.send(signal.SIGCONT)
        self.send(signal.SIGKILL)
        self.popen.wait()

    def kill_child(self) -> None:
        """Kill -9 the working process and leave the supervisor to start it again."""
        for child in self.family[:-1]:
            child.kill()

    def stop(self, timeout: float = 30) -> int:
        """Ask it to stop, as Ctrl-C or an orchestrator does; return the exit code."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(timeout)

    @property
    def alive(self) -> bool:
        """Tell whether the command still runs."""
        return self.popen.poll() is None

    def said(self) -> str:
        """Return everything it has logged."""
        return self.log.read_text(errors="replace")


async def append(
    settings: Settings, kafka: str, records: Iterable[bytes | None], *, partitions: int = 4, rate: float = 0
) -> int:
    """Append records to social.events, partitions in turn; `rate` per second, 0 as fast as it goes. Return how many."""
    producer = AIOKafkaProducer(
        **client_settings(settings, kafka),
        linger_ms=10,
        max_batch_size=1 << 18,
        max_request_size=32 << 20,
        request_timeout_ms=300_000,  # a record that waits for brokers is not given up, nor is one that finds no room
        enable_idempotence=True,  # what a broker that is killed had acknowledged is there, and there once
    )
    await producer.start()
    topic = Names.of(settings).events
    started, count = time.monotonic(), 0
    for count, record in enumerate(records, 1):
        key = b"k" if record is None else None
        await producer.send(topic, record, partition=(count - 1) % partitions, key=key)
        if rate and count % (int(rate / 10) or 1) == 0 and (ahead := count / rate - (time.monotonic() - started)) > 0:
            await asyncio.sleep(ahead)
    await producer.stop()
    return count


class Installation:
    """Topics, a database, and the processes that were started on them."""

    def __init__(self, stack: StackInfo, folder: Path, **settings: str) -> None:
        self.folder, self.stack = folder, stack
        tag = uuid4().hex[:10]
        self.environ = {
            "JUICE_KAFKA": stack.kafka,
            "JUICE_CLICKHOUSE": stack.clickhouse,
            "JUICE_HOME": stack.home,
            "JUICE_NAMESPACE": f"t{tag}.",
            "JUICE_DATABASE": f"juice_{tag}",
            "JUICE_SESSION_TIMEOUT": "4s",
            "JUICE_IDLE": "1s",
            "JUICE_WORKER_PORT": "0",
            "JUICE_SINK_PORT": "0",
            **{f"JUICE_{name.upper()}": value for name, value in settings.items()},
        }
        self.running: list[Running] = []
        apply_migrations(self.settings)

    @property
    def settings(self) -> Settings:
        """Return the settings all its processes have."""
        return load(self.environ)

    @property
    def names(self) -> Names:
        """Return its topics."""
        return Names.of(self.settings)

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of `juice ARGUMENTS`, run by this interpreter."""
        return [sys.executable, "-c", "from streams.cli import main; main()", *arguments]

    def env(self, **more: str) -> dict[str, str]:
        """Return the environment of its processes."""
        return {**os.environ, **self.environ, **{f"JUICE_{k.upper()}": v for k, v in more.items()}}

    def start(self, name: str, **settings: str) -> Running:
        """Start `juice worker` or `juice sink`."""
        log = self.folder / f"{name}-{len(self.running)}.log"
        process = Running(name, self.command(name), self.env(**settings), log)
        self.running.append(process)
        return process

    def juice(self, *arguments: str, timeout: float = 120, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a `juice` command to its end."""
        return subprocess.run(
            self.command(*arguments),
            env=self.env(**settings),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def feed(self, records: Iterable[bytes | None], partitions: int = 4, rate: float = 0) -> int:
        """Append records to social.events, partitions in turn; `rate` per second, 0 as fast as it goes."""
        return asyncio.run(append(self.settings, self.stack.kafka, records, partitions=partitions, rate=rate))

    def drain(self, timeout: float = 300) -> Left | None:
        """Wait until everything is in ClickHouse; return what is left when the time is over."""
        left: Left | None = None
        with Drain(self.settings, self.stack.kafka) as way:
            for left in way.follow(timeout, time.sleep):  # noqa: B007
                pass
        return left

    def audit(self) -> tuple[Audit, list[Difference | Undone], Conservation]:
        """Run the audit."""
        return run_audit(self.settings)

    def query(self, sql: str, **parameters: object) -> list[tuple[object, ...]]:
        """Return the rows of a query; `{db}` in it is the database."""
        client = connect(self.settings)
        return [
            tuple(row)
            for row in client.query(
                sql.replace("{db}", self.environ["JUICE_DATABASE"]), parameters=parameters
            ).result_rows
        ]

    def logs(self) -> str:
        """Return the last lines of every process, for a failing test."""
        return "\n".join(f"--- {r.log.name}\n{r.said()[-3000:]}" for r in self.running)

    def close(self) -> None:
        """End every process that still runs."""
        for process in self.running:
            process.kill()


@contextmanager
def installation(stack: StackInfo, folder: Path, **settings: str) -> Iterator[Installation]:
    """Give an installation and clean up behind it."""
    here = Installation(stack, folder, **settings)
    try:
        yield here
    finally:
        here.close()
