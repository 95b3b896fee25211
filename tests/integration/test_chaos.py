"""Kills, graceful stops, joins and freezes in mid-flow: afterwards every count is exact and nobody had to help."""

from __future__ import annotations

import gzip
import os
import random
import signal
import threading
import time
from importlib.resources import files
from pathlib import Path

from infra.stack import StackInfo
from tests.harness import Installation, Running, installation

ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "20"))
"""`make chaos` asks for more."""
EACH = 1_200
"""Events of a round."""
SESSION = 3
"""Seconds after which a member that was killed is missed; a freeze lasts up to a third more or as little as nothing."""
HIGGS = Path(str(files("infra"))) / "data" / "higgs-july-1-3.ndjson.gz"


def higgs(limit: int) -> list[bytes]:
    """Return the first events of the real file."""
    with gzip.open(HIGGS) as lines:
        return [line.strip() for _, line in zip(range(limit), lines, strict=False)]


class Crowd:
    """Workers and sinks that come and go. Every other worker keeps its state on disk."""

    def __init__(self, here: Installation, rng: random.Random) -> None:
        self.here, self.rng = here, rng
        self.done: list[str] = []
        self.workers = 0
        self.start("worker")
        self.start("sink")

    def start(self, name: str) -> None:
        """Start one more of a kind."""
        self.workers += name == "worker"
        on_disk = name == "worker" and self.workers % 2 == 0
        self.here.start(name, **({"state": str(self.here.folder / "state")} if on_disk else {}))

    def alive(self, name: str) -> list[Running]:
        """Return the running processes of one kind."""
        return [process for process in self.here.running if process.name == name and process.alive]

    def disturb(self) -> None:
        """Let something happen to one of them, and let one be there of each kind afterwards."""
        what = self.rng.choice(["kill", "kill-child", "stop", "join", "join", "kill-sink", "stop-sink", "freeze"])
        self.done.append(what)
        sink, worker = self.rng.choice(self.alive("sink")), self.rng.choice(self.alive("worker"))
        if what == "join" and len(self.alive("worker")) < 3:
            self.start("worker")
        elif what == "kill":
            worker.kill()
        elif what == "kill-child":
            worker.kill_child()
        elif what == "stop":
            worker.stop()
        elif what == "freeze":
            worker.send(signal.SIGSTOP)
            time.sleep(self.rng.uniform(0.1, SESSION * 4 / 3))
            worker.send(signal.SIGCONT)
        elif what == "kill-sink":
            sink.kill()
        elif what == "stop-sink":
            sink.stop()
        for name in ("worker", "sink"):
            if not self.alive(name):
                self.start(name)


def test_exact_after_every_round_of_random_faults(stack: StackInfo, tmp_path: Path) -> None:
    """Kills, stops, joins and freezes while real events flow: after each round every count is exact."""
    seed = int(os.environ.get("CHAOS_SEED", "1"))
    rng = random.Random(seed)
    events = higgs(ROUNDS * EACH)
    with installation(stack, tmp_path, session_timeout=f"{SESSION}s") as here:
        crowd = Crowd(here, rng)
        for number in range(ROUNDS):
            some = events[number * EACH : (number + 1) * EACH]
            feeding = threading.Thread(target=here.feed, args=(some,), kwargs={"rate": 1_500.0})
            feeding.start()
            for _ in range(rng.randint(1, 2)):
                time.sleep(rng.uniform(0.0, 0.8))
                crowd.disturb()
            feeding.join()
            left = here.drain()
            story = f"seed {seed}, round {number}, after {crowd.done}"
            assert left is None, f"{story}: {left}\n{here.logs()}"
            _, differences, conservation = here.audit()
            assert conservation.holds, f"{story}: {conservation}"
            assert conservation.accepted == (number + 1) * EACH, story
            assert differences == [], story
