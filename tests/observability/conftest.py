"""One installation that has seen a world, and a Prometheus that scrapes it, for all tests here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from infra.stack import StackInfo
from tests.harness import Installation, installation
from tests.observability.watchers import Prometheus, eventually, prometheus, telemetry_port
from tests.observability.world import RULES, world


@dataclass(frozen=True)
class Living:
    """An installation with the real files in it, scraped."""

    here: Installation
    worker: str
    sink: str
    prometheus: Prometheus


@pytest.fixture(scope="session")
def living(stack: StackInfo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Living]:
    """Real files through a real worker and sink; a few bad records and a duplicate; scraped while they come."""
    folder = tmp_path_factory.mktemp("living")
    rules = folder / "rules.toml"
    rules.write_text(RULES)
    with installation(stack, folder, campaigns=str(rules)) as here:
        records = world()
        here.feed(records)  # before the worker starts: no partition falls silent while another is being filled
        worker, sink = here.start("worker"), here.start("sink")
        addresses = [f"127.0.0.1:{telemetry_port(process)}" for process in (worker, sink)]
        targets = {"juice-worker": addresses[:1], "juice-sink": addresses[1:]}
        with prometheus(folder / "prometheus", targets) as watching:
            left = here.drain()
            assert left is None, f"{left}\n{here.logs()}"
            here.feed([b"{", b"[]", b'{"id":"d","type":"dance","time":1620464400000,"actor":"a"}', records[-1]])
            assert here.drain() is None
            # The lookout asks every half minute; what it says must be of the whole world, and scraped.
            since = time.time()
            eventually(
                lambda: watching.query(f"min(juice_look_last_success_timestamp_seconds) > {since}"), 120, here.logs()
            )
            yield Living(here, addresses[0], addresses[1], watching)
