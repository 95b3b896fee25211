"""The log: what people do, what is under way, and what Kafka gets to see of it, in order."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop
from itertools import islice
from math import log
from random import Random

from tests.simulator.mishaps import MISHAPS
from tests.simulator.plan import Plan
from tests.simulator.society import Society
from tests.simulator.way import Way


def records(plan: Plan) -> Iterator[tuple[int, bytes]]:
    """Yield `plan.events` records as (partition, bytes), each partition's in the order of its log.

    The whole is a function of the plan. Memory: the accounts, and what is under way (`rate` times the
    horizon, for the shares that are undone or come again).
    """
    return islice(_run(plan), plan.events)


def _run(plan: Plan) -> Iterator[tuple[int, bytes]]:
    rng = Random(plan.seed)
    society = Society(plan, rng)
    way = Way(plan, rng, society)
    mishaps, shares = list(MISHAPS.values()), [getattr(plan, name) for name in MISHAPS]
    random, act, heap, newest = rng.random, society.act, way.heap, way.newest
    parts, mean, wrong = plan.partitions, 1000 / plan.rate, plan.special
    clock = float(plan.start)
    while True:
        clock -= log(1.0 - random()) * mean
        now = int(clock)
        while heap and heap[0][0] <= now:
            _, _, partition, time, raw = heappop(heap)
            if time > newest[partition]:
                newest[partition] = time
            yield partition, raw
        if random() >= wrong:
            partition = int(random() * parts)
            newest[partition] = now
            yield partition, act(now, way.name())
        else:
            rng.choices(mishaps, shares)[0](way, now)
