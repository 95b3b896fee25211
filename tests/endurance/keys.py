"""Does it cost speed that there are many keys? Like events, in turns, with few and with many others in state.

Two people of whom one follows the other are three keys: both accounts, and the tie. Then, again and again in each installation,
as many of them mention each other, drawn anew from all that there are. So only the size of the state differs, and how many ids
are remembered, which are those of the follows: not how many keys a batch touches, nor how many are new.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

from infra.clock import monotonic
from streams.operations import bench
from streams.operations.drain import Drain
from tests.endurance.looks import alone, changelog_records, telemetry
from tests.endurance.recovery import EACH, START, follow
from tests.harness import Installation, installation
from tests.observability.watchers import free_port
from tests.simulator.plan import MINUTE

PATIENCE = 1_800
"""Seconds in which all the keys must be there."""
FEW = 10_000
"""Keys that mention each other in a turn; there are no fewer in any installation."""


@dataclass(frozen=True)
class Turn:
    """A worker that starts, has its state back, and counts the events that wait."""

    keys: int
    records: int
    """In the changelogs, read anew."""
    recovery: float
    """Seconds until all state was back."""
    rate: float
    """Events per second into the state of every measure."""
    cpu: float
    """Seconds of the worker's CPU per event, what is said of them included."""
    rss: int


def run(keys: Sequence[int], events: int, rounds: int, say: Callable[[str], None], **settings: str) -> list[list[Turn]]:
    """Return the turns of each of `keys`: installations that have so many, each of whose turns is of so many `events`."""
    with alone(**settings) as first, ExitStack() as stack:
        several = [first]
        for number in keys[1:]:
            folder = first.folder / str(number)
            folder.mkdir()
            several.append(stack.enter_context(installation(first.stack, folder, **settings)))
        people = [-(-number // EACH) for number in keys]
        for here, number, pairs in zip(several, keys, people, strict=True):
            began = monotonic()
            _fill(here, pairs)
            say(f"{number:,} keys after {monotonic() - began:.0f} s")
        turns: list[list[Turn]] = [[] for _ in keys]
        for number in range(rounds):
            for at in range(len(keys)) if number % 2 == 0 else reversed(range(len(keys))):
                turns[at].append(_turn(several[at], people[at], number, events))
                say(shown(turns[at][-1]))
        return turns


def _fill(here: Installation, people: int) -> None:
    here.feed(follow(number, number * MINUTE // people) for number in range(people))
    worker = here.start("worker")
    with Drain(here.settings, here.stack.kafka) as way:
        for left in way.follow(PATIENCE, time.sleep):
            assert worker.alive, here.logs()
            if left is None or left.stage == "sink":
                worker.stop()
                return
    raise AssertionError(f"still to do after {PATIENCE} s: {left}")


def _mentions(people: int, turn: int, events: int) -> Iterator[bytes]:
    """Yield mentions within some seconds of the second minute, so that no window moves."""
    chosen = random.Random(turn).sample(range(people), FEW // EACH)
    for number in range(events):
        who = chosen[number % len(chosen)]
        said = {
            "id": f"m{turn}-{number}",
            "type": "mention",
            "time": START + MINUTE + turn * 1000 + number * 1000 // events,
        }
        yield json.dumps({**said, "actor": f"a{who}", "targets": [f"b{who}"]}).encode()


def _turn(here: Installation, people: int, turn: int, events: int) -> Turn:
    records = changelog_records(here)
    here.feed(_mentions(people, turn, events))
    port = free_port()
    worker = here.start("worker", worker_port=str(port))

    def check() -> None:
        assert worker.alive, here.logs()

    through = bench.throughput(
        here.settings, events, 0, [port], lambda: {"worker": worker.family[0]}, check, sink=False
    )
    series = telemetry(worker)
    worker.stop()
    return Turn(
        people * EACH,
        records,
        series["juice_recovery_seconds"],
        through.counted_rate,
        through.cpu_per_event["worker"],
        through.costs["worker"].rss,
    )


def shown(turn: Turn) -> str:
    """Return a turn as a line."""
    return (
        f"{turn.keys:,} keys: {turn.records:,} changelog records back in {turn.recovery:.1f} s, then {turn.rate:,.0f} events/s, "
        f"{turn.cpu * 1e6:.0f} µs each, {turn.rss >> 20:,} MiB"
    )


def loss(turns: Sequence[Sequence[Turn]]) -> float:
    """Return which part of the speed with the fewest keys is missing, at the median, where it is slowest."""
    rates = [median(turn.rate for turn in some) for some in turns]
    return 1 - min(rates) / rates[0]


def table(turns: Sequence[Sequence[Turn]]) -> str:
    """Return the turns as lines of a page, medians of each."""
    lines = [
        "| keys in state | events/s into the state, each turn | of the first row | µs of the worker per event | its memory, MiB "
        "| changelog records | state back, s | records/s |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    first = median(turn.rate for turn in turns[0])
    for some in turns:
        rates = " · ".join(f"{turn.rate:,.0f}" for turn in some)
        part = median(turn.rate for turn in some) / first
        cpu, back = median(turn.cpu for turn in some), median(turn.recovery for turn in some)
        records = median(turn.records for turn in some)
        speed = f"{median(turn.records / turn.recovery for turn in some):,.0f}" if records > 100_000 else "–"
        lines.append(
            f"| {some[0].keys:,} | {rates} | {part:.0%} | {cpu * 1e6:.0f} | {max(turn.rss for turn in some) >> 20:,} "
            f"| {records:,.0f} | {back:.1f} | {speed} |"
        )
    return "\n".join(lines)
