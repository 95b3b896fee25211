"""Where the heavy pieces lie that `make setup` installs: in the Python environment, for all stacks."""

from __future__ import annotations

import sys
from pathlib import Path

from infra.stack.errors import NotInstalled

KAFKA = "4.1.1"
CLICKHOUSE = "26.7.3-stable.1"  # the version of libchdb's package; earlier ones serve no HTTP

# One environment serves many stacks (each test session has its own), so it holds the pieces once.
FOLDER = Path(sys.prefix) / "share" / "juice"


def kafka_folder() -> Path:
    """The folder of Kafka's jars."""
    return FOLDER / f"kafka-{KAFKA}"


def clickhouse_folder() -> Path:
    """The folder npm installs libchdb's package into."""
    return FOLDER / f"clickhouse-{CLICKHOUSE}"


def kafka_jars() -> list[Path]:
    """Every jar of Kafka and of what it needs. Raises NotInstalled."""
    jars = sorted(kafka_folder().glob("*.jar"))
    if not jars:
        raise NotInstalled(f"Kafka {KAFKA} is not installed: run `make setup`")
    return jars


def clickhouse_library() -> Path:
    """The shared library with ClickHouse in it. Raises NotInstalled."""
    for found in clickhouse_folder().glob("node_modules/@chdb/*/libchdb.so"):
        return found
    raise NotInstalled(f"ClickHouse {CLICKHOUSE} is not installed: run `make setup`")
