"""A full disk below worker and sink: state is in memory and in Kafka, so they go on, and start anew, without writing a byte."""

from __future__ import annotations

from pathlib import Path

import psutil

from infra.stack import StackInfo
from tests.harness import Running, installation
from tests.integration.test_chaos import higgs

EVENTS = 3_000


def fill(process: Running) -> int:
    """Let no file grow under it, for it and for those it will start; return how much it has logged by then."""
    for each in process.family:
        each.rlimit(psutil.RLIMIT_FSIZE, (0, 0))
    return process.log.stat().st_size


def test_a_full_disk_stops_nobody(stack: StackInfo, tmp_path: Path) -> None:
    """Nothing can be written to any file, nor by the worker that the supervisor starts next; every count is exact."""
    events = higgs(EVENTS)
    with installation(stack, tmp_path) as here:
        worker, sink = here.start("worker"), here.start("sink")
        here.feed(events[: EVENTS // 3])
        assert here.drain() is None, here.logs()
        logged = fill(worker), fill(sink)
        assert b"telemetry=" in worker.log.read_bytes(), "what a worker says when it starts"
        (first, *_) = worker.family
        here.feed(events[EVENTS // 3 : EVENTS // 2])
        worker.kill_child()
        here.feed(events[EVENTS // 2 :])
        assert here.drain() is None, here.logs()
        assert (worker.log.stat().st_size, sink.log.stat().st_size) == logged, "the disk was not full"
        (second, *_) = worker.family
        assert second.pid != first.pid
        assert second.rlimit(psutil.RLIMIT_FSIZE) == (0, 0)
        assert worker.alive
        assert sink.alive
        _, differences, conservation = here.audit()
    assert conservation.holds, conservation
    assert conservation.accepted == EVENTS
    assert differences == []
