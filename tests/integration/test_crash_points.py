"""Every named crash point, on the real broker: the process dies there, and afterwards every count is exact.

The points of a process are taken one after the other: each time the next process finds what the one before it left, and
dies at the next point. That each died where it should is told by its exit code and by its last words.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import psutil
import pytest
from kafka import KafkaConsumer, TopicPartition

from infra.stack import StackInfo
from streams.engine.faults import POINTS, Exit
from tests.harness import Installation, installation

SESSION = 3
"""Seconds after which a member that was killed is missed; every death costs so many."""
ROUND = 150
PATIENCE = 180.0
SINK = [point for point in POINTS if point.startswith("sink.")]
ELSEWHERE = [point for point in POINTS if point.startswith(("migrate.", "rebuild."))]
"""Those of a migration below, those of a rebuild in test_upgrade.py."""
PASSINGS = range(1, 2 if int(os.environ.get("CHAOS_ROUNDS", "20")) <= 20 else 4)
"""At which passings of its point a process dies; `make chaos` asks for more."""
WORKER = [point for point in POINTS if point not in (*SINK, *ELSEWHERE)]
JOINED = "worker.rebalancing"
"""A point that is passed when a second worker joins."""


def events(begin: int, count: int) -> Iterator[bytes]:
    """Yield events of some accounts, every tenth an undo of the one before it, and every thirtieth nonsense."""
    for n in range(begin, begin + count):
        event = {"id": f"e{n}", "type": "like", "time": 1_341_100_800_000 + n * 1_000, "actor": f"a{n % 7}"}
        event |= {"object_author": f"b{n % 11}"} if n % 10 else {"type": "undo", "undo_of": f"e{n - 1}"}
        yield json.dumps(event).encode() if n % 30 else b"nonsense"


class Feed:
    """Appends a round after the other, and counts."""

    def __init__(self, here: Installation) -> None:
        self.here, self.fed = here, 0
        self()

    def __call__(self) -> None:
        """Append another."""
        self.fed = feed(self.here, self.fed)


def feed(here: Installation, fed: int) -> int:
    """Append some more events; return how many there are now."""
    return fed + here.feed(events(fed, ROUND))


class Armed:
    """A worker or sink that nobody starts again, armed with a crash point."""

    def __init__(self, here: Installation, name: str, point: str) -> None:
        self.point = point
        command = [sys.executable, "-m", "streams.worker"] if name == "worker" else here.command(name)
        before = len(list(here.folder.glob(f"{name}-*.log")))  # each has a log of its own: what it says is waited for
        self.log = here.folder / f"{name}-{before}-{point.replace(':', '-')}.log"
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(command, env=here.env(crash_at=point), stdout=out, stderr=out)

    def said(self) -> str:
        """Return its log."""
        return self.log.read_text(errors="replace")

    def wait_for(self, words: str) -> None:
        """Wait until its log holds these words."""
        deadline = time.monotonic() + PATIENCE
        while words not in self.said():
            assert self.process.poll() is None, f"{self.point}: ended\n{self.said()[-2000:]}"
            assert time.monotonic() < deadline, f"{self.point}: never said {words!r}\n{self.said()[-2000:]}"
            time.sleep(0.05)

    def end(self, more: Callable[[], None] = lambda: None) -> int:
        """Wait for its end, and let `more` come as long as it has not come to its point; return the exit code."""
        deadline = time.monotonic() + PATIENCE
        try:
            while time.monotonic() < deadline:
                try:
                    return self.process.wait(10)
                except subprocess.TimeoutExpired:
                    more()
            pytest.fail(f"{self.point}: did not end\n{self.said()[-2000:]}")
        finally:
            self.process.kill()
            self.process.wait()


def die_at(here: Installation, name: str, point: str, passing: int, more: Callable[[], None]) -> None:
    """Run a worker or sink until it has died at `point`; what waits may be too little to come there, so `more` comes."""
    for _ in range(5):
        armed = Armed(here, name, f"{point}:{2 if point == JOINED else passing}")
        if point == JOINED:
            armed.wait_for("event='ready'")
            other = here.start("worker")
            code = armed.end(more)
            other.stop()
        else:
            code = armed.end(more)
        if code != Exit.LEASE:  # a machine so slow that it misses its heartbeats gets another try
            break
    assert code == -signal.SIGKILL, f"{point}: ended with {code}\n{armed.said()[-2000:]}"
    assert f"crash point {point} fired" in armed.said()


def exact(here: Installation, fed: int) -> None:
    """Let a worker and a sink finish the work, and count."""
    left = here.drain(PATIENCE)
    assert left is None, f"{left}\n{here.logs()}"
    _, differences, conservation = here.audit()
    assert differences == []
    assert conservation.holds, conservation
    assert conservation.read == fed
    letters = here.query("SELECT partition, offset, detail FROM {db}.dead_letters FINAL WHERE reason != 'malformed'")
    assert letters == [], here.logs()
    assert conservation.dead_letters == -(-fed // 30)
    assert conservation.duplicates == 0


def workers_die(stack: StackInfo, folder: Path, points: Sequence[str]) -> None:
    """Let one worker after the other die at its point, while more events come; then count."""
    folder.mkdir()
    with installation(stack, folder, session_timeout=f"{SESSION}s") as here:
        here.start("sink")
        more = Feed(here)
        for passing, point in product(PASSINGS, points):
            die_at(here, "worker", point, passing, more)
            more()
        here.start("worker")
        exact(here, more.fed)


def sinks_die(stack: StackInfo, folder: Path, points: Sequence[str]) -> None:
    """Do the same with sinks."""
    folder.mkdir()
    with installation(stack, folder, session_timeout=f"{SESSION}s") as here:
        here.start("worker")
        more = Feed(here)
        for passing, point in product(PASSINGS, points):
            die_at(here, "sink", point, passing, more)
            more()
        here.start("sink")
        exact(here, more.fed)


def test_processes_may_die_at_every_point(stack: StackInfo, tmp_path: Path) -> None:
    """Whatever was durable when one died, the next goes on from there, and nothing is lost or counted twice."""
    with ThreadPoolExecutor() as pool:
        halves = enumerate((WORKER[::2], WORKER[1::2]))
        work = [pool.submit(workers_die, stack, tmp_path / f"workers-{n}", points) for n, points in halves]
        work.append(pool.submit(sinks_die, stack, tmp_path / "sinks", SINK))
        for one in work:
            one.result()


def test_a_migration_may_die_half_way(stack: StackInfo, tmp_path: Path) -> None:
    """The next one finishes it."""
    with installation(stack, tmp_path) as here:
        here.environ |= {"JUICE_NAMESPACE": f"again-{here.environ['JUICE_NAMESPACE']}"}
        here.environ |= {"JUICE_DATABASE": f"again_{here.environ['JUICE_DATABASE']}"}
        died = here.juice("migrate", crash_at="migrate.between:2")
        assert died.returncode == -signal.SIGKILL, died.stdout + died.stderr
        done = here.juice("migrate")
        assert done.returncode == 0, done.stdout + done.stderr
        assert here.query("SELECT count() FROM {db}.events") == [(0,)]


def ends(here: Installation) -> dict[tuple[str, int], int]:
    """Return how far every log of the installation is."""
    consumer = KafkaConsumer(bootstrap_servers=here.stack.kafka)
    try:
        topics = [topic for topic in consumer.topics() if topic.startswith(here.environ["JUICE_NAMESPACE"])]
        tps = [TopicPartition(t, p) for t in topics for p in consumer.partitions_for_topic(t)]
        return {(tp.topic, tp.partition): end for tp, end in consumer.end_offsets(tps).items()}
    finally:
        consumer.close()


def test_a_worker_that_slept_through_its_session_writes_nothing(stack: StackInfo, tmp_path: Path) -> None:
    """Another has its partitions when it wakes, in the middle of a send: it ends with a code of its own, and no log has
    grown.
    """
    # Nothing is written for being idle, so that the logs stand still when all is done.
    with installation(stack, tmp_path, session_timeout=f"{SESSION}s", idle="1h") as here:
        here.start("sink")
        fed = feed(here, 0)
        sleeper = Armed(here, "worker", "worker.sending:9:freeze")
        try:
            sleeper.wait_for("fired")
            while psutil.Process(sleeper.process.pid).status() != psutil.STATUS_STOPPED:
                time.sleep(0.02)
            here.start("worker")
            fed = feed(here, fed)
            exact(here, fed)
            before = ends(here)
            sleeper.process.send_signal(signal.SIGCONT)
            assert sleeper.end() == Exit.LEASE, sleeper.said()
            assert ends(here) == before
            exact(here, fed)
        finally:
            sleeper.process.kill()
            sleeper.process.wait()


def test_a_supervised_worker_that_is_killed_costs_no_session(stack: StackInfo, tmp_path: Path) -> None:
    """Its supervisor's next child gives up its seat, and reads on long before the session of the dead one would be over."""
    with installation(stack, tmp_path, session_timeout="300s") as here:
        worker = here.start("worker")
        here.start("sink")
        fed = feed(here, 0)
        exact(here, fed)
        began = time.monotonic()
        worker.kill_child()
        fed = feed(here, fed)
        exact(here, fed)
        assert time.monotonic() - began < 300
        assert "gave up the seat" in worker.said()
