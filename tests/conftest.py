"""Fixtures that every test may use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra import stack as local
from infra.stack import StackInfo


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackInfo]:
    """One real Kafka and ClickHouse for the whole session, in a folder and on ports of its own.

    They are shared: a test keeps to topics and databases with names of its own, and leaves the servers alone.
    """
    home = tmp_path_factory.mktemp("stack")
    try:
        yield local.up(home, kafka_port=0, clickhouse_port=0)
    finally:
        local.down(home, wipe=True)
