"""Fixtures that every test may use: one real stack, and beside it one installation that has seen a world."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler.loadscope import LoadScopeScheduling

from infra import stack as local
from infra.stack import StackInfo
from tests import world
from tests.harness import Installation, installation
from tests.observability.watchers import Prometheus, eventually, free_port, prometheus, telemetry_port

# Properties are tried on the same examples each time, however slow the machine; HYPOTHESIS_PROFILE=search looks for others.
settings.register_profile("steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


LIVING = ("tests/documents/", "tests/observability/", "tests/page/", "tests/integration/test_trends.py")
"""Where the tests are that share the living world."""
LONG = (
    "tests/integration/test_chaos.py",
    *LIVING,
    "tests/integration/test_crash_points.py",
    "tests/integration/test_faults.py",
    "tests/integration/test_upgrade.py",
    "tests/stack/",
    "tests/security/",
    "tests/integration/",
)
"""Tests that take longest begin first, so that no process is left with one of them while the others have none."""


class Together(LoadScopeScheduling):  # type: ignore[misc]
    """Where several tests run at a time: those of a file one after the other, and all that share the living world."""

    def _split_scope(self, nodeid: str) -> str:
        return "living" if nodeid.startswith(LIVING) else nodeid.partition("::")[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long ones first, and leave the order of the others."""
    items.sort(key=lambda item: next((n for n, place in enumerate(LONG) if item.nodeid.startswith(place)), len(LONG)))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    """Say in which process a test runs."""
    return Together(config, log)


HOME = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Choose where the stack of this run lives; processes that xdist starts are told by the one that starts them."""
    told: dict[str, str] | None = getattr(config, "workerinput", None)
    config.stash[HOME] = Path(told["home"] if told else tempfile.mkdtemp(prefix="juice-test-"))


def pytest_configure_node(node: Any) -> None:
    """Tell a process where the stack is."""
    node.workerinput["home"] = str(node.config.stash[HOME])


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the stack, once no process is left that could use it."""
    if not hasattr(config, "workerinput") and (home := config.stash.get(HOME, None)) is not None:
        local.down(home, wipe=True)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> StackInfo:
    """One real Kafka and ClickHouse for the whole run, whatever processes it has, on ports of their own.

    They are shared: a test keeps to topics and databases with names of its own, and leaves the servers alone.
    """
    return local.up(request.config.stash[HOME], kafka_port=0, clickhouse_port=0)


WORLD = pytest.StashKey[ExitStack]()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End the living world with the last test that looks at it: five servers that nobody asks cost the others time."""
    over = nextitem is None or not nextitem.nodeid.startswith(LIVING)
    if over and item.nodeid.startswith(LIVING) and (ends := item.config.stash.get(WORLD, None)) is not None:
        ends.close()


LAST = 200
"""Events of the world that come last."""


@dataclass(frozen=True)
class Living:
    """An installation with the world in it, a worker and a sink that go on, and a Prometheus that scrapes them.

    Loading it takes long, so all tests share it. They may read, and append what happens after the world's end.
    """

    here: Installation
    worker: str
    sink: str
    prometheus: Prometheus
    home: Path
    """The folder of the stack it runs on."""
    since: float
    """When everything had come, by the wall clock, in seconds."""


@pytest.fixture(scope="session")
def living(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Living]:
    """Real events through a real worker and sink; a few bad records and a duplicate; scraped while they come.

    On servers of its own, for a test takes ClickHouse away from the page.
    """
    folder = tmp_path_factory.mktemp("living")
    rules = folder / "rules.toml"
    rules.write_text(world.RULES)
    home = folder / "stack"
    with request.config.stash.setdefault(WORLD, ExitStack()) as ends:
        ends.callback(local.down, home, wipe=True)
        stack = local.up(home, kafka_port=0, clickhouse_port=0)
        here = ends.enter_context(installation(stack, folder, campaigns=str(rules), serve_port=str(free_port())))
        records = world.events()
        # Before the worker starts, so that no partition falls silent while another is being filled. The last come when
        # everybody looks: what is a rate needs to be seen twice.
        here.feed(records[:-LAST])
        worker, sink = here.start("worker"), here.start("sink")
        addresses = [f"127.0.0.1:{telemetry_port(process)}" for process in (worker, sink)]
        targets = {"juice-worker": addresses[:1], "juice-sink": addresses[1:]}
        watching = ends.enter_context(prometheus(folder / "prometheus", targets))
        left = here.drain()
        assert left is None, f"{left}\n{here.logs()}"
        bad = [b"{", b"[]", b'{"id":"d","type":"dance","time":1341360000000,"actor":"a"}']
        here.feed([*records[-LAST:], *bad, records[-1]])
        assert here.drain() is None
        yield Living(here, addresses[0], addresses[1], watching, home, time.time())


@dataclass(frozen=True)
class Served:
    """A page that is served: where, from what, and the folder of the stack, whose ClickHouse may be frozen."""

    url: str
    here: Installation
    home: Path


@pytest.fixture(scope="session")
def served(living: Living) -> Served:
    """Serve the page from the world."""
    here = living.here
    here.start("serve")
    url = f"http://127.0.0.1:{here.settings.serve_port}/"
    eventually(lambda: _opens(f"{url}api/windows"), 120, here.logs())
    return Served(url, here, living.home)


def _opens(url: str) -> bool:
    try:
        return httpx.get(url, timeout=20).status_code == 200
    except httpx.TransportError:
        return False
