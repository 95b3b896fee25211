"""What juice is built on, used as its documentation teaches."""

from __future__ import annotations

from typing import ClassVar

from infra.bench.peer import PythonPeer


class PlainFaust(PythonPeer):
    """Faust without any of juice's engine room."""

    name = "plain-faust"
    title = "Faust, plain"
    form = "one event at a time into a table keyed by account and minute, memory store"
    durable = "the changelog is written"
    share = 0.1
    program: ClassVar[str] = "plain_faust"
    requirements: ClassVar[tuple[str, ...]] = (
        "faust-streaming==0.15.3",
        "aiokafka==0.14.0",
        "orjson==3.13.0",
    )
