"""Ingest while no input comes; what it makes of input is tested through the whole pipeline."""

from __future__ import annotations

from itertools import pairwise

import pytest

from schemas.wire import decode_decoded
from streams.agents import ingest as module
from streams.agents.ingest import Ingest
from streams.names import Names
from tests.pipe import Record

IDLE = 5.0


class Clock:
    """Seconds that pass when they are told to."""

    now = 1_003.0

    def __call__(self) -> float:
        """Return what it is."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock that ingest looks at."""
    clock = Clock()
    monkeypatch.setattr(module, "monotonic", clock)
    return clock


def ingest() -> Ingest:
    """Return a body with two partitions that has just begun."""
    body = Ingest(names=Names(), partitions=2, lateness=0, future=10**12, idle=int(IDLE * 1000))
    for partition in (0, 1):
        body.restore(partition, {}, 0, b"")
    return body


def said(body: Ingest, partition: int, ago: float | None = 0) -> list[int]:
    """Return up to when the partition says to have been silent (ms), to each partition of accept, given how many seconds ago it
    was caught up.
    """
    caught_up = None if ago is None else module.monotonic() - ago
    effects = body.idle(partition, caught_up, 0, False)
    ticks = [decode_decoded(send.value) for send in effects.sends] if effects else []
    assert all(tick.silent and tick.source == partition for tick in ticks)
    return [tick.appended for tick in ticks]


def test_silence_is_said_as_soon_as_it_counts(clock: Clock) -> None:
    """To all of accept, and up to when nothing more can have come, but no later than Kafka was asked; not while anything waits,
    or might.
    """
    body = ingest()
    clock.now += IDLE - 0.1
    assert said(body, 0) == []
    clock.now += 0.2
    assert said(body, 0, None) == []
    until = (body._began + clock.now - IDLE) * 1000
    assert said(body, 0) == [int(until)] * 2
    assert said(body, 1, IDLE + 0.5) == [int(until - 500)] * 2


def test_silent_partitions_say_so_together(clock: Clock) -> None:
    """Each at once, whenever it fell silent, and from then on in the same look, as often as silence counts."""
    body = ingest()
    clock.now += 2.3
    event = b'{"id": "e", "type": "post", "time": 1, "actor": "a"}'
    body.process(1, [Record(0, 1, None, event)], False)
    looks: dict[int, list[float]] = {0: [], 1: []}
    for _ in range(80):
        clock.now += 0.5
        for partition, seen in looks.items():
            if said(body, partition):
                seen.append(round(clock.now, 1))
    first, second = looks[0], looks[1]
    assert (first[0], second[0]) == (1_008.3, 1_010.3)
    assert first[2:] == second[1:]
    assert max(b - a for a, b in pairwise(first)) <= IDLE


@pytest.mark.parametrize("value", [b"no event", b'{"id": "e", "type": "post", "time": 1, "actor": "a"}'])
def test_what_does_not_count_breaks_no_silence(clock: Clock, value: bytes) -> None:
    """Else whoever sends nonsense to one partition, or what is late, would hold all the others back, however much it is."""
    body = ingest()
    event = b'{"id": "first", "type": "post", "time": 5, "actor": "a"}'
    body.process(0, [Record(0, 1, None, event)], False)
    said = []
    for offset in range(1, 600):
        clock.now += 0.1
        appended = round((body._began + clock.now) * 1000) - (0 if offset < 300 else 60_000)
        effects = body.process(0, [Record(offset, appended, None, value)], False)
        last = [decode_decoded(s.value) for s in effects.sends if s.topic == Names().decoded][-1:]
        said += [(tick.begin - offset, tick.appended - appended) for tick in last if tick.silent]
    assert len(said) >= 2 * 60 / IDLE / 2 - 2
    assert {begin for begin, _ in said} == {1}
    assert {round(until, -1) for _, until in said} == {-IDLE * 1000, 0}, "no later than what was read"
