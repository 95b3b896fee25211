"""What can be seen of an installation's processes from outside."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from infra import stack as local
from infra.kafka import ends, reader
from streams.names import STAGES
from tests.harness import Installation, Running, installation


@contextmanager
def alone(**settings: str) -> Iterator[Installation]:
    """Give an installation on a Kafka and a ClickHouse of its own, and leave nothing of it."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        try:
            info = local.up(home, kafka_port=0, clickhouse_port=0)
            with installation(info, Path(folder), **settings) as here:
                yield here
        finally:
            local.down(home, wipe=True)


def changelog_records(here: Installation) -> int:
    """Return how many records the changelogs have, which a worker that starts reads anew."""
    with reader(here.settings, here.stack.kafka) as consumer:
        return sum(sum(ends(consumer, here.names.changelog(stage)).values()) for stage in STAGES)


def rss(process: Running) -> int:
    """Return the bytes resident of the process that does the work: of a worker, the supervisor's child."""
    return int(process.family[0].memory_info().rss)


def telemetry(process: Running) -> dict[str, float]:
    """Return the series of a worker or sink by name and labels; none while it does not answer."""
    ports = re.findall(r"telemetry='?http://[^:]+:(\d+)/metrics", process.said())
    try:
        with urlopen(f"http://127.0.0.1:{ports[-1]}/metrics", timeout=5) as answer:
            text = answer.read().decode()
    except (OSError, IndexError):
        return {}
    lines = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in lines}


def total(series: dict[str, float], name: str) -> float:
    """Return the sum of a series over its labels."""
    return sum(value for key, value in series.items() if key == name or key.startswith(f"{name}{{"))


def by_label(series: dict[str, float], name: str) -> dict[str, int]:
    """Return a series that has one label by that label's value."""
    return {key.split('"')[1]: int(value) for key, value in series.items() if key.startswith(f"{name}{{")}
