"""Where little comes, what was polled waits a moment for more: nothing is lost, and no hole is hidden."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from faust.types import TP

from streams.engine import gathering as module
from streams.engine.gathering import ENOUGH, FIRST, LATER, Gathering
from tests.unit.engine.world import Record

EVENTS, OTHER_EVENTS = TP("events", 0), TP("events", 1)
ROUTED = TP("routed", 0)
CHANGELOG = TP("changelog", 0)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let the clock stand; whoever changes the one number in the list moves it."""
    moment = [1_000.0]
    monkeypatch.setattr(module, "monotonic", lambda: moment[0])
    return moment


@pytest.fixture
def gathering(now: list[float]) -> Gathering:
    """Return one of two stages."""
    return Gathering(["events", "routed"])


def run(begin: int, count: int = 1, size: int = 1) -> list[Record]:
    """Return consecutive records."""
    return [Record(offset, b"x" * size) for offset in range(begin, begin + count)]


def offsets(found: Mapping[Any, Sequence[Any]]) -> dict[Any, list[int]]:
    """Return the offsets of what was delivered."""
    return {tp: [record.offset for record in records] for tp, records in found.items()}


@pytest.mark.parametrize(("tp", "window"), [(EVENTS, FIRST), (ROUTED, LATER)])
def test_records_wait_for_more(gathering: Gathering, now: list[float], tp: Any, window: float) -> None:
    """From the first on, for as long as their stage has them wait; all partitions of a topic go together."""
    assert gathering.wait() is None
    assert gathering.through({tp: run(5)}) == {}
    now[0] += window - 0.01
    assert gathering.through({tp: run(6, 2), tp._replace(partition=1): run(9)}) == {}
    assert gathering.wait() == pytest.approx(0.01)
    assert gathering.holds(tp)
    now[0] += 0.01
    assert gathering.wait() == 0.0
    assert offsets(gathering.through({})) == {tp: [5, 6, 7], tp._replace(partition=1): [9]}
    assert gathering.wait() is None
    assert not gathering.holds(tp)


def test_stages_wait_apart(gathering: Gathering, now: list[float]) -> None:
    """What has waited long enough goes; the other topic's waits on."""
    assert gathering.through({EVENTS: run(5), ROUTED: run(1)}) == {}
    now[0] += LATER
    assert offsets(gathering.through({})) == {ROUTED: [1]}
    assert gathering.holds(EVENTS)


def test_nobody_waits_where_there_is_enough(gathering: Gathering) -> None:
    """So many bytes of a topic, or when there is a backlog."""
    half = ENOUGH // 2
    assert gathering.through({EVENTS: run(5, 1, half)}) == {}
    assert offsets(gathering.through({OTHER_EVENTS: run(1, 1, half)})) == {EVENTS: [5], OTHER_EVENTS: [1]}
    assert offsets(gathering.through({EVENTS: run(6)}, at_once=True)) == {EVENTS: [6]}


def test_other_topics_do_not_wait(gathering: Gathering) -> None:
    """Changelogs while state is recovered: with holes, where keys were written again."""
    assert gathering.through({EVENTS: run(5)}) == {}
    assert offsets(gathering.through({CHANGELOG: run(5)})) == {CHANGELOG: [5]}
    assert offsets(gathering.through({CHANGELOG: run(9)})) == {CHANGELOG: [9]}
    assert gathering.holds(EVENTS)


@pytest.mark.parametrize("begin", [3, 5, 8])
def test_a_hole_is_not_hidden(gathering: Gathering, now: list[float], begin: int) -> None:
    """What does not follow, or comes again, is delivered after what came before it, by itself."""
    assert gathering.through({EVENTS: run(5, 2), ROUTED: run(1)}) == {}
    assert offsets(gathering.through({EVENTS: run(begin, 3)})) == {EVENTS: [5, 6]}
    assert gathering.holds(ROUTED), "in its topic all is well"
    assert offsets(gathering.through({}, at_once=True)) == {EVENTS: list(range(begin, begin + 3)), ROUTED: [1]}
    assert gathering.through({EVENTS: run(5, 2)}) == {}
    assert offsets(gathering.through({EVENTS: run(begin, 3)}, at_once=True)) == {EVENTS: [5, 6]}
    now[0] += FIRST
    assert offsets(gathering.through({})) == {EVENTS: list(range(begin, begin + 3))}


def test_what_is_cleared_does_not_come(gathering: Gathering, now: list[float]) -> None:
    """After a rebalance everything is fetched again from where the state says."""
    assert gathering.through({EVENTS: run(5)}) == {}
    gathering.clear()
    now[0] += FIRST
    assert gathering.through({}) == {}
    assert not gathering.holds(EVENTS)


def test_nothing_is_lost_and_every_delivery_is_a_run(gathering: Gathering, now: list[float]) -> None:
    """Random polls with holes: each record is delivered once, in order, and where there is a hole a delivery begins."""
    random.seed(1)
    tps = [EVENTS, OTHER_EVENTS, ROUTED]
    ends, sent, got = dict.fromkeys(tps, 0), {tp: [] for tp in tps}, {tp: [] for tp in tps}
    for _ in range(2_000):
        polled = {}
        for tp in random.sample(tps, random.randrange(3)):
            begin = ends[tp] + random.choice([0, 0, 0, 2])
            polled[tp] = run(begin, random.randrange(4), random.choice([1, 1, ENOUGH]))
            ends[tp] = begin + len(polled[tp])
            sent[tp] += [record.offset for record in polled[tp]]
        found = offsets(gathering.through(polled, at_once=random.random() < 0.02))
        for tp, run_of in found.items():
            assert run_of == list(range(run_of[0], run_of[0] + len(run_of)))
            got[tp] += run_of
        now[0] += random.choice([0.0, 0.01, 0.1])
    now[0] += FIRST
    for tp, rest in offsets(gathering.through({})).items():
        got[tp] += rest
    assert got == sent
