"""Kill -9, and how long until the next result: with next to no state, and with a million keys in it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.endurance.looks import alone, changelog_records, rss, telemetry, total
from tests.faults.world import wait
from tests.harness import Installation, Running

START = 1_714_521_600_000
EACH = 3
"""Keys of a follow between two people who are new: both accounts, and the tie."""
SOURCES = 4


@dataclass(frozen=True)
class Restart:
    """A restart after kill -9 of the process that does the work; its supervisor starts another."""

    keys: int
    records: int
    """In the changelogs, read anew."""
    recovery: float
    """Seconds from the start of the new process until it read on, all state back."""
    first: float
    """Seconds from the kill until an event that was sent after it could be queried."""
    rss: int


def follow(number: int, at: int | None = None) -> bytes:
    """Return a follow between two people whom nobody has seen, `at` so many ms of event time or at its number."""
    said = {
        "id": f"f{number}",
        "type": "follow",
        "time": START + (number if at is None else at),
        "actor": f"a{number}",
        "targets": [f"b{number}"],
    }
    return json.dumps(said).encode()


def run(keys: int, say: Callable[[str], None]) -> list[Restart]:
    """Kill and restart a worker without state, and then with `keys` keys."""
    with alone(session_timeout="10s") as here:
        worker = here.start("worker")
        here.start("sink")
        wait("the worker is ready", lambda: "event='ready'" in worker.said())
        found = [_restart(here, worker, 0)]
        say(shown(found[0]))
        count, began = -(-keys // EACH), time.monotonic()
        worker.kill()  # so that the topic is filled at once; a producer beside a worker takes longer
        here.feed(_some(count))
        worker = here.start("worker")
        say(f"{count:,} events that make {keys:,} keys wait, after {time.monotonic() - began:.0f} s")
        left = here.drain(1_800)
        assert left is None, f"still to do: {left}\n{here.logs()}"
        say(f"all counted after {time.monotonic() - began:.0f} s")
        found.append(_restart(here, worker, count))
        say(shown(found[1]))
        return found


def _some(count: int) -> Iterator[bytes]:
    return (follow(number) for number in range(count))


def _restart(here: Installation, worker: Running, number: int) -> Restart:
    """Kill the worker, send an event, and wait until it can be queried."""
    records = changelog_records(here)
    began = time.monotonic()
    worker.kill_child()
    here.feed([follow(10**9 + number, number)])  # in order, so nothing is late and nothing passes that state waits for
    asked = "SELECT count() FROM {db}.events WHERE id = {id:String}"
    wait("a result", lambda: here.query(asked, id=f"f{10**9 + number}") == [(1,)])
    first = time.monotonic() - began
    wait("all of its state", lambda: total(telemetry(worker), "juice_state_keys") >= number * EACH)
    series = telemetry(worker)
    return Restart(
        int(total(series, "juice_state_keys")), records, series["juice_recovery_seconds"], first, rss(worker)
    )


def shown(restart: Restart) -> str:
    """Return a restart as a line."""
    return (
        f"{restart.keys:,} keys, {restart.records:,} changelog records: state back in {restart.recovery:.1f} s, "
        f"first result {restart.first:.1f} s after the kill"
    )


def table(restarts: list[Restart]) -> str:
    """Return the restarts as lines of a page."""
    lines = [
        "| keys in state | changelog records | state back, s | records/s | first result, s | worker, MiB |",
        "|--:|--:|--:|--:|--:|--:|",
    ]
    for restart in restarts:
        rate = f"{restart.records / restart.recovery:,.0f}" if restart.records > 10_000 else "–"
        lines.append(
            f"| {restart.keys:,} | {restart.records:,} | {restart.recovery:.1f} | {rate} | {restart.first:.1f} "
            f"| {restart.rss >> 20:,} |"
        )
    return "\n".join(lines)
