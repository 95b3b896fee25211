"""One broker or three, each behind a proxy, ClickHouse behind another, one worker and one sink, and what must be true."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from kafka.admin import KafkaAdminClient

from infra import stack as local
from infra.stack import StackInfo
from infra.stack.plan import KAFKA_PORT
from infra.stack.ports import is_free
from streams.cli.check import run_audit
from tests.faults.flow import APART, JULY, REWARDED, Flow
from tests.harness import Installation, Running
from tests.proxy import Proxy

if TYPE_CHECKING:
    from tests.faults.catalogue import Fault, Hold

OUTSIDE = "127.0.0.2"
"""Where clients find the proxies: brokers listen on 127.0.0.1 with the same ports."""
PATIENCE = 120.0
"""Seconds to wait for something that must happen."""
RULES = """
[[campaign]]
id = "photos"
kind = "post_with_media"
name = "A photo"
start = 2012-07-01T00:00:00Z
end = 2013-07-01T00:00:00Z
prize = "a frame"
media = ["photo"]
hashtags = ["juice"]
"""


def wait(what: str, true: Callable[[], object]) -> None:
    """Wait until something is true; it must be in the end."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.05)


@dataclass(frozen=True)
class Outcome:
    """What came of one fault: how it is known to have happened, how long until all was right, and whether it was."""

    fault: str
    fired: str
    seconds: float
    """From when the fault was lifted until everything published could be queried."""
    events: int
    wrong: str = ""


class World:
    """An installation that faults happen to."""

    def __init__(self, home: Path, info: StackInfo, here: Installation, brokers: list[Proxy], house: Proxy) -> None:
        self.home, self.info, self.here = home, info, here
        self.brokers, self.house = brokers, house
        self.worker, self.sink = here.start("worker"), here.start("sink")
        self.sent = 0
        wait("the worker is ready", lambda: "event='ready'" in self.worker.said())

    def admin(self) -> KafkaAdminClient:
        """Return a client that goes round the proxies."""
        return KafkaAdminClient(bootstrap_servers=self.info.kafka_internal)

    def start(self, name: str) -> Running:
        """Start a worker or a sink in place of the one there was."""
        process = self.here.start(name)
        setattr(self, name, process)
        return process

    def round(self, fault: Fault, hold: Hold, *, rate: float) -> Outcome:
        """Let `fault` happen, kept up by `hold`, while `rate` events a second flow, then wait and count."""
        first = self.sent
        with Flow(self.here, first, rate) as flow:
            fired = fault.happen(self, hold)
            lifted = time.monotonic()
        self.sent += flow.sent
        left = self.here.drain(600)
        took = time.monotonic() - lifted
        wrong = self.wrong(first) if left is None else f"still to do: {left}"
        return Outcome(fault.name, fired, took, self.sent - first, wrong)

    def wrong(self, first: int = 0) -> str:
        """Return what is not as it must be, or nothing: conservation, each reward once, every pane since event `first`."""
        since = datetime.fromtimestamp((JULY + first * APART) / 1000, UTC).date()
        _, differences, conservation = run_audit(self.here.settings, since)
        if differences:
            return f"{len(differences)} panes differ, as {differences[0]}"
        if not conservation.holds or conservation.accepted != self.sent:
            return f"{conservation}, of {self.sent} sent"
        expected = len(range(0, self.sent, REWARDED))
        [rewards] = self.here.query(
            "SELECT count(), uniqExact(account), uniqExact(id), countIf(revoked_at IS NOT NULL) FROM {db}.rewards"
        )
        if rewards != (expected, expected, expected, 0):
            return f"rewards {rewards}, expected {expected} each once"
        if not (self.worker.alive and self.sink.alive):
            return "a process is gone"
        return ""

    def wrong_at_the_end(self) -> str:
        """Return what is not as it must be of everything that was ever sent: each event there, and there once."""
        [found] = self.here.query("SELECT count(), uniqExact(id) FROM {db}.events")
        if found != (self.sent, self.sent):
            return f"{found[0]:,} events, {found[1]:,} of them different, of {self.sent:,} sent"
        return self.wrong()


def _ports() -> int:
    """Return the first of three ports in a row that are free; anywhere, for another world may look at the same moment."""
    places = range(KAFKA_PORT + 2_000, 32_000, 7)
    for first in random.sample(places, len(places)):
        if all(is_free(first + n) for n in range(3)):
            return first
    raise AssertionError("no three free ports in a row")


@contextmanager
def world(folder: Path, count: int, **settings: str) -> Iterator[World]:
    """Give a world with so many brokers, one or three, and more settings; leave nothing of it running."""
    home, first = folder / "home", _ports()
    rules = folder / "rules.toml"
    rules.write_text(RULES)
    properties = {
        "advertised.listeners": f"CLIENT://{OUTSIDE}:{{port}},INTERNAL://127.0.0.1:{{internal}}",
        "log.cleaner.backoff.ms": "500",
    }
    with ExitStack() as stack:
        stack.callback(local.down, home, wipe=True)
        info = local.up(home, kafka_port=first, clickhouse_port=0, brokers=count, kafka_properties=properties)
        brokers = [stack.enter_context(Proxy(first + n, host=OUTSIDE, port=first + n)) for n in range(count)]
        house = stack.enter_context(Proxy(int(info.clickhouse.rpartition(":")[2])))
        outside = msgspec.structs.replace(
            info,
            kafka=",".join(f"{OUTSIDE}:{proxy.port}" for proxy in brokers),
            clickhouse=f"http://127.0.0.1:{house.port}",
        )
        here = Installation(outside, folder, replication=str(count), campaigns=str(rules), **settings)
        stack.callback(here.close)
        yield World(home, info, here, brokers, house)
