"""Draining follows what was there to its end, and no further."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from infra.settings import load
from streams.names import STAGES
from streams.operations import drain
from streams.operations.drain import WAY, Drain, Left


class Flow(Drain):
    """A drain over logs of one partition that a test writes."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        super().__init__(load({}), "")
        self.log: Counter[str] = Counter()
        self.taken: Counter[str] = Counter()
        self.waiting = 0
        self._consumer: Any = None
        patch.setattr(drain, "ends", lambda _, topic: {0: self.log[topic]})

    def progress(self, stage: str) -> dict[int, tuple[int, int]]:
        """Return what the test says."""
        return {0: (self.taken[stage], self.waiting if stage == "accumulate" else 0)}

    def _committed(self, topic: str, partition: int) -> int:
        return self.taken[topic]


@pytest.fixture
def flow(monkeypatch: pytest.MonkeyPatch) -> Flow:
    """Ten events that nobody has taken."""
    found = Flow(monkeypatch)
    found.log[found.names.events] = 10
    return found


def test_every_stage_is_on_the_way() -> None:
    """None is left out."""
    assert set(WAY) == {*STAGES, "sink"}


def test_each_is_waited_for(flow: Flow) -> None:
    """Every stage, keys that wait, and the sink with both of its topics."""
    names = flow.names
    flow.taken["ingest"] = 7
    assert flow.left() == Left("ingest", names.events, 3)
    flow.taken["ingest"], flow.log[names.decoded] = 10, 4
    assert flow.left() == Left("accept", names.decoded, 4)
    flow.taken["accept"], flow.log[names.routed], flow.waiting = 4, 2, 5
    assert flow.left() == Left("accumulate", names.routed, 2, 5)
    flow.taken["accumulate"] = 2
    assert flow.left() == Left("accumulate", names.routed, 0, 5)
    flow.waiting, flow.log[names.rows], flow.log[names.dead_letters] = 0, 6, 1
    assert flow.left() == Left("sink", names.rows, 6)
    flow.taken[names.rows] = 6
    assert flow.left() == Left("sink", names.dead_letters, 1)
    flow.taken[names.dead_letters] = 1
    assert flow.left() is None
    flow.log[names.events] = 11
    assert flow.left() == Left("ingest", names.events, 1)


def test_orders_of_accept_are_waited_for(flow: Flow) -> None:
    """What accept wrote to its own input while it took what was there."""
    flow.taken["ingest"], flow.log[flow.names.decoded] = 10, 4
    assert flow.left() == Left("accept", flow.names.decoded, 4)
    flow.taken["accept"], flow.log[flow.names.decoded] = 4, 5
    assert flow.left() == Left("accept", flow.names.decoded, 1)
    flow.taken["accept"] = 5
    assert flow.left() is None


def test_what_comes_meanwhile_is_not_waited_for(flow: Flow) -> None:
    """Logs that grow for ever, and stages that are never at their end, do not keep it from coming to one."""
    names = flow.names
    looks = 0
    while (left := flow.left()) is not None:
        for stage, topic in (("ingest", names.events), ("accept", names.decoded), ("accumulate", names.routed)):
            flow.taken[stage], flow.log[topic] = flow.log[topic], flow.log[topic] + 3
        flow.taken[names.rows], flow.log[names.rows] = flow.log[names.rows], flow.log[names.rows] + 3
        looks += 1
        assert looks <= len(WAY), left
