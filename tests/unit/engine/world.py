"""The engine without a network: the real app of a worker, a broker in memory, and ends that can be caught."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple, NoReturn

import pytest

from infra.settings import load
from streams.campaigns.rulebook import Rulebook
from streams.engine.consumer import GuardedConsumer
from streams.engine.faults import Exit
from streams.topology import Juice, build


class Record(NamedTuple):
    """What is read of a Kafka record."""

    offset: int
    value: bytes | None = b""
    key: bytes | None = None
    topic: str = "t"
    partition: int = 0
    timestamp: int = 0
    timestamp_type: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()


class Builder:
    """A batch under way, as aiokafka's: it takes the first record whatever its size, up to a limit."""

    def __init__(self, room: int) -> None:
        self.room, self.records, self.size, self.closed = room, list[Any](), 0, False
        self.headers: list[tuple[tuple[str, bytes], ...]] = []

    def append(self, *, key: Any, value: Any, timestamp: Any, headers: Any) -> object | None:
        """Add a record; None when there is no room."""
        assert not self.closed
        size = len(key or b"") + len(value or b"")
        if size > 100 * self.room or (self.records and self.size + size > self.room):
            return None
        self.records.append((key, value))
        self.headers.append(tuple(headers))
        self.size += size
        return object()

    def close(self) -> None:
        """Take no more."""
        self.closed = True


class Broker:
    """Logs in memory, which acknowledge a little later, or refuse."""

    def __init__(self, room: int = 100) -> None:
        self.room = room
        self.logs: dict[tuple[str, int], list[Any]] = defaultdict(list)
        self.headers: dict[tuple[str, int], list[Any]] = defaultdict(list)
        """Those of the records in `logs`, in their order."""
        self.batches = 0
        self.refuse = ""
        self.refuse_batch = 0
        """Which batch is refused, counted from 1; 0 for none."""
        self.pause = asyncio.Event()
        self.pause.set()

    def create_batch(self) -> Builder:
        """Begin a batch."""
        return Builder(self.room)

    async def send_batch(self, builder: Builder, topic: str, *, partition: int) -> asyncio.Future[None]:
        """Send a batch; the future is done when it is durable."""
        assert builder.closed
        self.batches += 1
        return asyncio.ensure_future(self._acknowledge(builder, topic, partition, self.batches))

    async def _acknowledge(self, builder: Builder, topic: str, partition: int, number: int) -> None:
        await asyncio.sleep(0.001)
        await self.pause.wait()
        if topic == self.refuse or number == self.refuse_batch:
            raise OSError("refused")
        self.logs[topic, partition].extend(builder.records)
        self.headers[topic, partition].extend(builder.headers)


class Died(Exception):
    """The process would have ended with this code, saying why."""

    def __init__(self, code: Exit, why: str) -> None:
        super().__init__(why)
        self.code = code


def caught(monkeypatch: pytest.MonkeyPatch, module: Any) -> None:
    """Let `die` in a module raise `Died` instead of ending the tests."""

    def die(code: Exit, why: str) -> NoReturn:
        raise Died(code, why)

    monkeypatch.setattr(module, "die", die)


class World:
    """An app, its consumer, and a broker."""

    def __init__(self) -> None:
        self.app: Juice = build(load({}), kafka="127.0.0.1:1", sources=2, rulebook=Rulebook())
        self.broker = Broker()
        self.app.producer = type("Producer", (), {"_producer": self.broker})()
        self.consumer: GuardedConsumer = self.app.consumer  # type: ignore[assignment]
        self.stage = self.app.stages["juice.routed"]
        self.table = self.stage.table


def in_world(test: Callable[[World], Coroutine[Any, Any, None]]) -> None:
    """Run a test in a world of its own."""

    async def run() -> None:
        await test(World())

    asyncio.run(run())
