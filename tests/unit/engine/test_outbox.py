"""Sends are done when all are acknowledged, and keep their order."""

from __future__ import annotations

import asyncio

import pytest

from streams.engine.outbox import Send, send_all
from tests.unit.engine.world import Broker


def test_all_arrive_in_the_order_of_their_partition() -> None:
    """Many records, in few batches, each partition's in the order given; the size is told."""

    async def run() -> None:
        broker = Broker()
        sends = [Send("t", n % 2, None, b"%03d" % n) for n in range(200)]
        assert await send_all(broker, sends) == 600
        for partition in (0, 1):
            assert [int(value) for _, value in broker.logs["t", partition]] == list(range(partition, 200, 2))
        assert broker.batches < 20

    asyncio.run(run())


def test_it_waits_for_every_acknowledgement() -> None:
    """Nothing is done while a single batch is not acknowledged."""

    async def run() -> None:
        broker = Broker()
        broker.pause.clear()
        sending = asyncio.ensure_future(send_all(broker, [Send("t", 0, b"k", b"v"), Send("u", 0, None, None)]))
        done, _ = await asyncio.wait([sending], timeout=0.05)
        assert not done
        broker.pause.set()
        await sending
        assert broker.logs == {("t", 0): [(b"k", b"v")], ("u", 0): [(None, None)]}

    asyncio.run(run())


def test_what_is_refused_raises() -> None:
    """A refusal is not passed over, or it would count as done."""

    async def run() -> None:
        broker = Broker()
        broker.refuse = "u"
        with pytest.raises(OSError, match="refused"):
            await send_all(broker, [Send("t", 0, None, b"v"), Send("u", 0, None, b"v")])

    asyncio.run(run())


@pytest.mark.parametrize("refused", [1, 2, 3])
def test_nothing_is_sent_behind_what_is_refused(refused: int) -> None:
    """Of a partition whatever came before is there, and nothing that comes after: not even of what was cut from one message."""

    async def run() -> None:
        broker = Broker()
        broker.refuse_batch = refused
        with pytest.raises(OSError, match="refused"):
            await send_all(broker, [Send("t", 0, None, b"%060d" % n) for n in range(5)])
        await asyncio.sleep(0.05)
        assert [int(value) for _, value in broker.logs["t", 0]] == list(range(refused - 1))

    asyncio.run(run())


def test_what_fits_nowhere_raises() -> None:
    """A record too large for any batch is named."""

    async def run() -> None:
        with pytest.raises(ValueError, match="20000 bytes"):
            await send_all(Broker(), [Send("t", 0, None, b"first"), Send("t", 0, None, bytes(20_000))])

    asyncio.run(run())
