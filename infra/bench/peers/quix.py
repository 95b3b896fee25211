"""Quix Streams."""

from __future__ import annotations

from typing import ClassVar

from infra.bench.peer import PythonPeer


class Quix(PythonPeer):
    """Python over librdkafka, state in RocksDB."""

    name = "quix"
    title = "Quix Streams"
    form = "its tumbling window, counted, every update emitted; RocksDB, a checkpoint a second"
    durable = "the changelog is written, the offsets are committed, the consumer has left"
    program: ClassVar[str] = "quix"
    requirements: ClassVar[tuple[str, ...]] = ("quixstreams==3.28.1",)
