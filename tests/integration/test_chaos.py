"""Kills, graceful stops, joins and freezes in mid-flow: afterwards every count is exact and nobody had to help."""

from __future__ import annotations

import gzip
import random
import signal
import threading
import time
from importlib.resources import files
from pathlib import Path

import pytest

from infra.stack import StackInfo
from tests.harness import Installation, Running, installation

ROUNDS = 3
HIGGS = Path(str(files("infra"))) / "data" / "higgs-july-1-3.ndjson.gz"


def higgs(limit: int) -> list[bytes]:
    """Return the first events of the real file."""
    with gzip.open(HIGGS) as lines:
        return [line.strip() for _, line in zip(range(limit), lines, strict=False)]


def disturb(here: Installation, rng: random.Random, seconds: float) -> list[str]:
    """Let workers and sinks come and go at random for a while; return what was done."""
    workers: list[Running] = [here.start("worker")]
    sinks: list[Running] = [here.start("sink")]
    done = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(rng.uniform(0.3, 2.5))
        victims = [p for p in workers + sinks if p.alive]
        what = rng.choice(["kill", "kill-child", "stop", "join", "sink-kill", "sink-stop", "freeze"])
        done.append(what)
        if what == "join" and sum(w.alive for w in workers) < 3:
            workers.append(here.start("worker"))
        elif what in ("kill", "kill-child", "stop", "freeze"):
            worker = rng.choice([w for w in victims if w.name == "worker"])
            if what == "kill":
                worker.kill()
            elif what == "kill-child":
                worker.kill_child()
            elif what == "stop":
                worker.stop()
            else:
                worker.send(signal.SIGSTOP)
                time.sleep(rng.uniform(0.5, 9))
                worker.send(signal.SIGCONT)
        elif what.startswith("sink"):
            sink = rng.choice([s for s in victims if s.name == "sink"])
            sink.kill() if what == "sink-kill" else sink.stop()
        if not any(w.alive for w in workers):
            workers.append(here.start("worker"))
        if not any(s.alive for s in sinks):
            sinks.append(here.start("sink"))
    return done


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_exact_after_random_faults(stack: StackInfo, tmp_path: Path, seed: int) -> None:
    """Whatever comes and goes while real events flow, the audit is exact and every record is accounted for."""
    rng = random.Random(seed)
    events = higgs(30_000)
    with installation(stack, tmp_path) as here:
        feeding = threading.Thread(target=here.feed, args=(events,), kwargs={"rate": 2_500.0})
        feeding.start()
        done = disturb(here, rng, 20)
        feeding.join()
        left = here.drain(90)
        assert left is None, f"{left} after {done}\n{here.logs()}"
        _, differences, conservation = here.audit()
        assert conservation.holds, f"{conservation} after {done}"
        assert conservation.accepted == len(events)
        assert differences == [], f"after {done}"
