"""Servers, connections, processes, changelogs and clocks fail while events flow: the on-call dashboard shows each fault
while it lasts, and every count is exact afterwards.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.faults.catalogue import FAULTS
from tests.faults.world import World, world
from tests.observability.test_dashboards import BOARDS, VALUES, panels
from tests.observability.watchers import Prometheus, eventually, free_port, prometheus

RATE = 30.0
"""Events per second while a fault lasts."""
PATIENCE = 30
"""Seconds after which a fault that no panel shows counts as not seen."""
STEP = 0.5
"""Seconds between scrapes, and between the points of a panel."""
FOUR_SCRAPES = "2s"
"""What Grafana makes of $__rate_interval."""

RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"

Series = list[dict[str, Any]]
Departs = Callable[[Series, int], bool]
"""Tells whether series of so many steps show a fault."""


def absent(job: str) -> Departs:
    """Tell whether a process of `job` was not ready, or not there, at some step."""

    def seen(series: Series, steps: int) -> bool:
        of_job = [each for each in series if each["metric"]["job"] == job]
        return sum(value != "0" for each in of_job for _, value in each["values"]) < steps

    return seen


def above(limit: float) -> Departs:
    """Tell whether anything was above a limit at some step."""
    return lambda series, steps: any(float(value) > limit for each in series for _, value in each["values"])


class Sight(NamedTuple):
    """Where a fault is seen: panel, query, and how it departs from a calm one."""

    panel: str
    ref: str
    departs: Departs


SEEN = {
    "connections to Kafka slow": Sight("Making a batch durable, 99 of 100", "A", above(0.15)),
    "connections to ClickHouse slow": Sight("Inserts", "A", above(0.3)),
    "connections to ClickHouse cut": Sight("Inserts", "B", above(0)),
    "ClickHouse killed, and back": Sight("Inserts", "B", above(0)),
    "insert done, its answer lost": Sight("Inserts", "B", above(0)),
    "ClickHouse frozen": Sight("Inserts", "C", above(1)),
    "connections to Kafka cut": Sight("Connections to Kafka lost", "A", above(0)),
    "clock of a worker jumps": Sight("Clocks", "A", above(60)),
    "changelogs compacted, worker killed": Sight("Processes ready", "A", absent("juice-worker")),
    "worker killed": Sight("Processes ready", "A", absent("juice-worker")),
    "sink killed": Sight("Processes ready", "A", absent("juice-sink")),
    "the broker killed, and back": Sight("Processes ready", "A", absent("juice-worker")),
    "worker frozen beyond its session": Sight("Processes ready", "A", absent("juice-worker")),
}
"""Where each fault of a world with one broker is seen. The last leaves a worker behind that nobody scrapes."""


def expression(sight: Sight) -> str:
    """Return what the panel asks, with the shortest interval."""
    [found] = [
        target["expr"]
        for panel in panels(BOARDS["pipeline.json"])
        if panel["title"] == sight.panel
        for target in panel["targets"]
        if target["refId"] == sight.ref
    ]
    return re.sub(r"\$(\w+)", lambda m: VALUES[m[1]], found.replace("$__rate_interval", FOUR_SCRAPES))


def shows(watching: Prometheus, sight: Sight, begin: float) -> bool | None:
    """Tell whether the panel has shown something since `begin`; None while it has no data, or is not answered."""
    end = time.time()
    with suppress(AssertionError):  # a query that Prometheus refuses is asked again, until time is over
        found = watching.get("query_range", query=expression(sight), start=f"{begin:.3f}", end=f"{end:.3f}", step=STEP)
        if found["result"]:
            return sight.departs(found["result"], int((end - begin) / STEP) + 1)
    return None


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Prometheus]]:
    """Give a world and a Prometheus that scrapes its worker and sink."""
    folder: Path = tmp_path_factory.mktemp("seen")
    ports = {"worker_port": str(free_port()), "sink_port": str(free_port())}
    targets = {f"juice-{name}": [f"127.0.0.1:{ports[name + '_port']}"] for name in ("worker", "sink")}
    with (
        world(folder, 1, **ports) as here,
        prometheus(folder / "prometheus", targets, every=f"{STEP * 1000:.0f}ms") as watching,
    ):
        yield here, watching


def test_no_fault_is_left_out() -> None:
    """Each fault that needs no more than one broker is tried below, and the runbook names its panel.

    Not those that last long, and not the joining and leaving of workers, which test_chaos.py has.
    """
    short = {fault.name for fault in FAULTS if fault.brokers == 1 and not fault.lasts}
    assert set(SEEN) == short - {"workers: 1, 3, 1"}
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$", RUNBOOK.read_text(), re.MULTILINE)
    assert {name: sight.panel for name, sight in SEEN.items()}.items() <= dict(rows).items()


@pytest.mark.parametrize("name", SEEN)
def test_seen_while_it_lasts_and_exact_afterwards(watched: tuple[World, Prometheus], name: str) -> None:
    """The panel is calm before; the fault is kept up until the panel shows it; then every event and reward counts once."""
    here, watching = watched
    sight = SEEN[name]
    eventually(
        lambda: shows(watching, sight, time.time() - 2) is False, 60, f"{sight.panel} is not calm before: {name}"
    )
    begin = time.time()

    def hold() -> None:
        eventually(lambda: shows(watching, sight, begin), PATIENCE, f"{sight.panel} shows nothing of: {name}")

    outcome = here.round(next(fault for fault in FAULTS if fault.name == name), hold, rate=RATE)
    assert outcome.wrong == "", f"{outcome}\n{here.here.logs()}"
    assert outcome.fired


def test_exact_at_the_end(watched: tuple[World, Prometheus]) -> None:
    """After all of them together, each event is there, and there once, and every pane is right."""
    assert watched[0].wrong_at_the_end() == ""
