"""A broker that is there and answers nobody: whoever waits for it says so, and goes on when it answers again."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra import stack as local
from infra.stack import StackInfo
from tests.harness import Running, installation
from tests.observability.watchers import eventually, telemetry_port


@pytest.fixture
def own(tmp_path: Path) -> Iterator[StackInfo]:
    """Give a stack of our own, because we break it."""
    home = tmp_path / "own"
    try:
        yield local.up(home, kafka_port=0, clickhouse_port=0)
    finally:
        local.down(home, wipe=True)


def health(process: Running) -> dict[str, Any]:
    """Return what it says of itself."""
    said = httpx.get(f"http://127.0.0.1:{telemetry_port(process)}/readyz", timeout=5)
    answer: dict[str, Any] = json.loads(said.text)
    assert (said.status_code == 200) == answer["ready"]
    return answer


def post(id: str) -> bytes:
    """Return an event."""
    return json.dumps({"id": id, "type": "post", "time": 1_700_000_000_000, "actor": "ann"}).encode()


def test_a_frozen_broker_leaves_nobody_ready(own: StackInfo, tmp_path: Path) -> None:
    """Nothing comes in meanwhile: there is no lag that would tell. Both are alive, and go on when it wakes."""
    with installation(own, tmp_path) as here:
        worker, sink = both = here.start("worker"), here.start("sink")
        here.feed([post("before")])
        assert here.drain() is None, here.logs()
        eventually(lambda: all(health(each)["ready"] for each in both), 30, "not ready")
        local.send(own.home, "kafka-1", signal.SIGSTOP)
        try:
            eventually(lambda: not any(health(each)["ready"] for each in both), 60, "ready all the while")
            assert all(health(each)["live"] for each in both)
            assert health(worker)["seconds_since_heartbeat"] > 4
            assert 30 <= health(sink)["seconds_since_answer"] < 90
        finally:
            local.send(own.home, "kafka-1", signal.SIGCONT)
        eventually(lambda: health(sink)["ready"], 60, "not ready again")
        here.feed([post("after")])  # the worker may have lost its lease, and be another now
        assert here.drain() is None, here.logs()
        assert here.query("SELECT id FROM {db}.events ORDER BY id") == [("after",), ("before",)]
