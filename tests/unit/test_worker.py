"""What a worker sees of itself."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from kafka import TopicPartition

from infra.settings import load
from streams import worker
from streams.engine.faults import Exit
from streams.engine.runtime import LONG_TURN, TURN
from streams.worker import Watch

TP = TopicPartition("social.events", 0)


class Ended(Exception):
    """In place of the end of the process."""


class Watched:
    """A watch over an app that a test plays, with a clock that it sets."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        """Nothing is assigned yet."""
        self.clock, self.done, self.waiting = 0.0, 7, 5
        self.late: list[Any] = []
        patch.setattr(worker, "monotonic", lambda: self.clock)
        patch.setattr(worker, "die", self._die)
        table = SimpleNamespace(recovered_records=0)
        stage = SimpleNamespace(next_offset=lambda _: self.done, table=table)
        self.consumer = SimpleNamespace(begins={}, waiting=lambda _: self.waiting)
        self.consumer.pacing = SimpleNamespace(late=lambda: self.late)
        self.consumer.lease = SimpleNamespace(silent=lambda: self.silent)
        self.silent = 0.5
        self.consumer.is_ready = lambda: bool(self.consumer.begins) or self.spare
        self.spare = False
        self.app: Any = SimpleNamespace(consumer=self.consumer, stages={TP.topic: stage}, rebalancing=False)
        self.watch = Watch(self.app, load({"JUICE_RECOVERY_DEADLINE": "20s", "JUICE_STALL_DEADLINE": "10s"}))

    @staticmethod
    def _die(code: Exit, why: str) -> NoReturn:
        raise Ended(code, why)

    def look(self, after: float = 0) -> bool:
        """Look after so many seconds; return whether it is ready."""
        self.clock += after
        self.watch.look()
        ready: bool = self.watch.health()["ready"]
        return ready


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    """Give a watch, and threads their turns back."""
    before = sys.getswitchinterval()
    yield Watched(monkeypatch)
    sys.setswitchinterval(before)


def test_threads_take_long_turns_on_a_backlog_only(watched: Watched) -> None:
    """Not while partitions move either: then it is others whose answers are waited for."""

    def turn() -> float:
        watched.look()
        return sys.getswitchinterval()

    watched.late.append(TP)
    assert turn() == pytest.approx(TURN), "nothing is assigned yet"
    watched.consumer.begins = {TP: 0}
    assert turn() == pytest.approx(LONG_TURN)
    watched.late.clear()
    assert turn() == pytest.approx(TURN)
    watched.late.append(TP)
    watched.consumer.begins, watched.app.rebalancing = {}, True
    assert turn() == pytest.approx(TURN)


def test_a_recovery_without_end_ends_the_process(watched: Watched) -> None:
    """The deadline is counted anew from each rebalance."""
    assert not watched.look(19)
    watched.consumer.begins = {TP: 0}
    assert watched.look()
    watched.consumer.begins, watched.app.rebalancing = {}, True
    assert not watched.look()
    assert not watched.look(19)
    with pytest.raises(Ended) as ended:
        watched.look(2)
    assert ended.value.args == (Exit.RECOVERY, "not ready after 21 s")


def test_who_has_no_partition_has_nothing_to_recover(watched: Watched) -> None:
    """A spare worker is ready for as long as it takes."""
    watched.spare = True
    assert all(watched.look(60) for _ in range(10))


@pytest.mark.parametrize("spare", [True, False], ids=["without partitions", "with some"])
def test_who_may_have_lost_its_partitions_is_not_ready(watched: Watched, spare: bool) -> None:
    """No heartbeat was answered for a session; that is said, and ends nothing by itself."""
    watched.spare, watched.consumer.begins, watched.waiting = spare, {} if spare else {TP: 0}, 0
    assert watched.look()
    watched.silent = 11
    assert not watched.look(60)
    said = watched.watch.health()
    assert (said["live"], said["seconds_since_heartbeat"]) == (True, 11)
    watched.silent = 0.5
    assert watched.look()


def test_input_that_waits_while_nothing_moves_ends_the_process(watched: Watched) -> None:
    """Not while anything moves, nor where nothing waits."""
    watched.consumer.begins = {TP: 0}
    for _ in range(5):
        watched.done += 1
        assert watched.look(9)
    watched.waiting = 0
    assert watched.look(60)
    watched.waiting = 5
    assert watched.look(9)
    with pytest.raises(Ended) as ended:
        watched.look(2)
    assert ended.value.args == (Exit.STALLED, "5 records wait and nothing moved for 11 s")


def test_a_worker_that_is_told_to_stop_says_nothing_of_what_ticked() -> None:
    """Nothing is left for asyncio to complain of, and what ticks has ended before the app is stopped."""
    did: list[str] = []

    async def tick() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            did.append("ended")

    async def stop() -> None:
        did.append("stopped")

    async def told() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, said: did.append(said["message"]))
        ticking = asyncio.gather(tick(), tick())
        await asyncio.sleep(0)
        await worker._stop(SimpleNamespace(stop=stop), ticking)  # type: ignore[arg-type]
        del ticking
        gc.collect()

    asyncio.run(told())
    assert did == ["ended", "ended", "stopped"]
