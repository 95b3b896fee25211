"""What a worker sees of itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition

from infra.settings import load
from streams.engine.runtime import LONG_TURN, TURN
from streams.worker import Watch

TP = TopicPartition("social.events", 0)


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


def test_threads_take_long_turns_on_a_backlog_only() -> None:
    """Not while partitions move either: then it is others whose answers are waited for."""
    stage = SimpleNamespace(next_offset=lambda _: 7, table=SimpleNamespace(recovered_records=0))
    late: list[Any] = []
    consumer = SimpleNamespace(begins={}, waiting=lambda _: 5, late=lambda: late)
    app: Any = SimpleNamespace(consumer=consumer, stages={TP.topic: stage}, rebalancing=False)
    watch = Watch(app, load({}))

    def turn() -> float:
        watch.look()
        return sys.getswitchinterval()

    late.append(TP)
    assert turn() == pytest.approx(TURN), "nothing is assigned yet"
    consumer.begins = {TP: 0}
    assert turn() == pytest.approx(LONG_TURN)
    late.clear()
    assert turn() == pytest.approx(TURN)
    late.append(TP)
    consumer.begins, app.rebalancing = {}, True
    assert turn() == pytest.approx(TURN)
