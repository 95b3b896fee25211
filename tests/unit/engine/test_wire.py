"""What is put together once is what aiokafka puts together."""

from __future__ import annotations

import gc
import tracemalloc
import weakref

import pytest
from aiokafka.protocol.produce import ProduceRequest

from streams.engine.wire import Joined

BATCHES = [("rows", [(0, b"a" * 1_000_000), (3, b"")]), ("añadido", [(1, b"b" * 300_000), (2, None)]), ("none", [])]


def request(topics: object = BATCHES) -> ProduceRequest:
    return ProduceRequest(required_acks=-1, timeout=40_000, topics=topics, transactional_id=None)


@pytest.mark.parametrize("version", range(8))
def test_every_version_of_a_request_is_the_same_bytes(version: int) -> None:
    versions = {0: (version, version)}
    plain, joined = request().prepare(versions), Joined(request()).prepare(versions)
    assert version == joined.API_VERSION
    assert joined.encode() == plain.encode()


def test_a_batch_is_copied_once() -> None:
    struct = Joined(request([("rows", [(0, bytes(8 << 20))])])).prepare({0: (7, 7)})
    tracemalloc.start()
    size = len(struct.encode())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size <= peak < 1.1 * size


def test_a_batch_is_gone_with_its_request() -> None:
    """Not when Python next looks for cycles, which a worker seldom does."""

    class Topics(list[object]):
        pass

    gc.disable()
    try:
        topics = Topics(BATCHES)
        struct = Joined(request(topics)).prepare({0: (7, 7)})
        struct.encode()
        seen = weakref.ref(topics)
        del topics, struct
        assert seen() is None
    finally:
        gc.enable()
