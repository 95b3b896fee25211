"""The on-call dashboard shows each fault of a short chaos run as it happens: a panel departs from what it showed before."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from tests.faults.catalogue import FAULTS
from tests.faults.world import World, world
from tests.observability.test_dashboards import BOARDS, VALUES, panels
from tests.observability.watchers import Prometheus, eventually, free_port, prometheus

SECONDS = 3.0
"""How long a fault is kept up; targets are scraped every second."""
EVENTS = 60

Series = list[dict[str, Any]]


def absent(job: str) -> Callable[[Series, int], bool]:
    """Tell whether a process of `job` was not ready, or not there, at some second of so many."""

    def seen(series: Series, steps: int) -> bool:
        ready = [
            value for each in series if each["metric"]["job"] == job for _, value in each["values"] if value != "0"
        ]
        return len(ready) < steps

    return seen


def above(limit: float) -> Callable[[Series, int], bool]:
    """Tell whether anything was above a limit at some second."""
    return lambda series, steps: any(float(value) > limit for each in series for _, value in each["values"])


SHOWN: dict[str, tuple[str, str, Callable[[Series, int], bool]]] = {
    "ClickHouse killed, and back": ("Inserts", "B", above(0)),
    "connections to ClickHouse cut": ("Inserts", "B", above(0)),
    "insert done, its answer lost": ("Inserts", "B", above(0)),
    "ClickHouse frozen": ("Inserts", "A", above(1)),
    "sink killed": ("Processes ready", "A", absent("juice-sink")),
    "worker killed": ("Processes ready", "A", absent("juice-worker")),
    "the broker killed, and back": ("Processes ready", "A", absent("juice-worker")),
    "worker frozen beyond its session": ("Processes ready", "A", absent("juice-worker")),
}
"""Fault → panel, query, and what is seen there. Not tried yet: slow connections, those to Kafka cut, compaction, clocks."""


def expression(title: str, ref: str) -> str:
    """Return what a panel of the dashboard asks, with the shortest interval."""
    [found] = [
        target["expr"]
        for panel in panels(BOARDS["pipeline.json"])
        if panel["title"] == title
        for target in panel["targets"]
        if target["refId"] == ref
    ]
    return re.sub(r"\$(\w+)", lambda m: VALUES[m[1]], found.replace("$__rate_interval", "5s"))


def looked(watching: Prometheus, expr: str, begin: float) -> tuple[Series, int]:
    """Return what a panel shows since `begin`, second by second, and how many seconds that are."""
    end = time.time()
    found = watching.get("query_range", query=expr, start=f"{begin:.0f}", end=f"{end:.0f}", step="1")
    return found["result"], round(end) - round(begin) + 1


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Give a world and a Prometheus that scrapes its worker and sink."""
    folder = tmp_path_factory.mktemp("seen")
    ports = {"worker_port": str(free_port()), "sink_port": str(free_port())}
    targets = {f"juice-{name}": [f"127.0.0.1:{ports[name + '_port']}"] for name in ("worker", "sink")}
    with world(folder, 1, **ports) as here, prometheus(folder / "prometheus", targets) as watching:
        eventually(lambda: len(watching.query("up == 1")) == len(targets), 60, "Prometheus sees nobody")
        yield here, watching


@pytest.mark.parametrize("name", SHOWN)
def test_the_dashboard_shows_the_fault(watched: tuple[World, Prometheus], name: str) -> None:
    """The panel is calm before it, and not while it lasts; afterwards every count is exact."""
    here, watching = watched
    title, ref, departs = SHOWN[name]
    expr = expression(title, ref)

    def calm() -> bool:
        with suppress(AssertionError):  # a query that Prometheus refuses is asked again, until time is over
            series, steps = looked(watching, expr, time.time() - 3)
            return bool(series) and not departs(series, steps)
        return False

    eventually(calm, 60, f"{title} is not calm before: {name}")
    begin = time.time()
    outcome = here.round(next(fault for fault in FAULTS if fault.name == name), seconds=SECONDS, count=EVENTS)
    assert outcome.wrong == "", f"{outcome}\n{here.here.logs()}"
    why = f"{title} showed nothing of: {name} ({outcome.fired})"
    eventually(lambda: departs(*looked(watching, expr, begin)), 10, why)
