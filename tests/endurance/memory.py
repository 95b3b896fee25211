"""A day or more of event time, as fast as it goes from a backlog or at a pace: does memory grow with time?

State is bounded by the keys that live, not by time: ids and journals for the horizon, ties for a day, cascades until they
have rested for `JUICE_CASCADE_SILENCE`, accounts for 60 days. So that it is complete at the first of the two moments, the
simulator's people are few enough to have met by then, a cascade ends after an hour's rest, and the horizon is short: an
account's journal is complete after lateness, two horizons and a whole hour. What still grows then grows with time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from threading import Thread

from streams.operations.drain import Drain
from tests.endurance.looks import alone, by_label, rss, telemetry, total
from tests.simulator.feed import feed
from tests.simulator.log import records
from tests.simulator.plan import HOUR, MINUTE, Plan

EARLY, LATE = 2.0, 24.0
"""Hours of event time after which memory is compared; the second, or the end of the run."""
BESIDE = 0.5
"""Hours around a moment whose looks count for it: a process breathes with its batches."""
SILENCE = "1h"
"""The rest after which a cascade ends."""


@dataclass(frozen=True)
class Look:
    """One look: hours of event time done, bytes resident, and keys in the worker's state by what they are of."""

    hours: float
    worker: int
    sink: int
    tables: dict[str, int]

    @property
    def keys(self) -> int:
        """Return how many keys there are."""
        return sum(self.tables.values())


@dataclass(frozen=True)
class Memory:
    """A run: `seconds` long; `pace` is 0 where all the events waited before it began."""

    plan: Plan
    looks: list[Look]
    seconds: float
    pace: float = 0.0

    @property
    def end(self) -> float:
        """Return the later of the two moments, in hours."""
        return min(LATE, self.plan.events / self.plan.rate / 3600)

    def at(self, hours: float, what: Callable[[Look], int]) -> float:
        """Return what was seen around that moment of event time, at the median."""
        near = [what(look) for look in self.looks if abs(look.hours - hours) <= BESIDE]
        return median(near or [what(min(self.looks, key=lambda look: abs(look.hours - hours)))])

    def growth(self, what: Callable[[Look], int]) -> float:
        """Return by how much there was more late than early, as a part."""
        return self.at(self.end - BESIDE, what) / self.at(EARLY, what) - 1


def run(plan: Plan, pace: float, say: Callable[[str], None]) -> Memory:
    """Let a worker and a sink work off the log of `plan`, and look at them every second.

    All of it waits in Kafka when they start, or comes at `pace` events per second of the wall clock while they run.
    """
    with alone(cascade_silence=SILENCE, horizon=f"{plan.horizon}ms") as here:
        log = {"kafka": here.stack.kafka, "topic": here.names.events, "partitions": plan.partitions, "rate": pace}
        feeding = Thread(target=feed, args=(records(plan),), kwargs=log, daemon=True)
        feeding.start()
        if not pace:
            feeding.join()
            say(f"{plan.events:,} events of {plan.events / plan.rate / 3600:.0f} h wait")
        began, looks, told = time.monotonic(), list[Look](), 0
        worker, sink = here.start("worker"), here.start("sink")
        with Drain(here.settings, here.stack.kafka) as way:
            while (left := way.left()) is not None or feeding.is_alive():
                assert all(process.alive for process in (worker, sink)), here.logs()
                series = telemetry(worker)
                marks = [
                    value for name, value in series.items() if name.startswith("juice_watermark_timestamp_seconds")
                ]
                if len(marks) == plan.partitions:
                    hours = (min(marks) * 1000 + plan.lateness - plan.start) / HOUR
                    looks.append(Look(hours, rss(worker), rss(sink), by_label(series, "juice_state_keys")))
                    if hours >= told + 1:
                        told = int(hours)
                        rate = total(series, "juice_events_total") / (time.monotonic() - began)
                        rest = f"{left.records:,} left of {left.topic}" if left else "nothing left"
                        say(f"{shown(looks[-1])}; {rate:,.0f} events/s; {rest}")
                time.sleep(1)
        done = here.query("SELECT sum(read) FROM {db}.conservation")
        assert done == [(plan.events,)], f"{done} read of {plan.events}"
        return Memory(plan, looks, time.monotonic() - began, pace)


def shown(look: Look) -> str:
    """Return a look as a line."""
    sizes = f"worker {look.worker >> 20:,} MiB, sink {look.sink >> 20:,} MiB"
    tables = ", ".join(f"{keys:,} {name}" for name, keys in look.tables.items() if keys)
    return f"{look.hours:5.1f} h: {sizes}, {tables}"


def table(memory: Memory) -> str:
    """Return the run as lines of a page."""
    plan = memory.plan
    hours = [h for h in (1, 2, 4, 8, 12, 16, 20, 24, 36, 48) if h <= memory.end]
    how = f"sent at {memory.pace:g} per second" if memory.pace else "all waiting in Kafka when the worker started"
    lines = [
        f"{plan.events:,} events of {plan.accounts:,} people, {plan.rate:g} per second of event time, a horizon of "
        f"{plan.horizon / MINUTE:g} minutes, {how}; "
        f"done after {memory.seconds:.0f} s ({plan.events / memory.seconds:,.0f} events/s).",
        "",
        "| hours of event time done | worker, MiB | sink, MiB | keys in state |",
        "|--:|--:|--:|--:|",
    ]
    for hour in hours:
        near = min(float(hour), memory.end - BESIDE)
        worker, sink = (memory.at(near, what) / 2**20 for what in (lambda look: look.worker, lambda look: look.sink))
        lines.append(f"| {hour} | {worker:,.0f} | {sink:,.0f} | {memory.at(near, lambda look: look.keys):,.0f} |")
    return "\n".join(lines)
