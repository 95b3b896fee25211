"""How fast and how fresh: the whole product on real events, measured from outside.

A stack, a worker and a sink are started for the occasion. *Throughput*: the events are all in Kafka before the worker
starts; the clock runs from the first look that finds it working, all workers where there are several, until everything can
be queried. *Freshness*: events come at a rate; the newest that can be queried is looked up again and again, and its age is
how far ClickHouse lags behind Kafka. Between two inserts that age grows, so it is no less than what any event waits. How long
scores take is seen of probes: accounts that are there for nothing else, and act once each.
"""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from statistics import quantiles
from typing import Any, Final
from urllib.request import urlopen

import msgspec
import psutil

from infra.clock import monotonic, wall
from infra.database import connect
from infra.settings import Settings
from streams.names import Names
from streams.operations.drain import Drain
from streams.replay.publish import Publisher

COPY_SPAN = 3 * 86_400_000
"""Milliseconds of event time from one copy of the file to the next."""
PATIENCE = 900.0
POLL = 0.1


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What a process spent while the clock ran."""

    cpu_seconds: float
    rss: int
    """Bytes resident at the end."""


class Throughput(msgspec.Struct, frozen=True, kw_only=True):
    """A backlog worked off. Seconds and rates count from the start of work."""

    events: int
    counted_seconds: float
    """Until every event was in the state of every measure."""
    seconds: float
    """Until everything could be queried, scores included."""
    costs: dict[str, Cost]
    bytes_per_event: float
    """Written to Kafka: the events themselves, and what the stages make of them, state included."""
    keys: int
    """Accounts, ties, posts and others that state is kept of at the end."""

    @property
    def cpu_per_event(self) -> dict[str, float]:
        """CPU seconds per event of workers, sink, brokers and ClickHouse."""
        found: dict[str, float] = {}
        for name, cost in self.costs.items():
            kind = re.split(r"[ -]", name)[0]
            found[kind] = found.get(kind, 0.0) + cost.cpu_seconds / self.events
        return found

    @property
    def rate(self) -> float:
        """Events per second, through to ClickHouse."""
        return self.events / self.seconds

    @property
    def counted_rate(self) -> float:
        """Events per second into the state of every measure."""
        return self.events / self.counted_seconds


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """How seconds are spread."""

    p50: float
    p99: float
    worst: float


class Waits(Spread, frozen=True, kw_only=True):
    """Seconds from an event's append to scores of its actor, over `probes`."""

    probes: int
    open: int
    """How many had none when the stream ended. They are waited for, and what they wait then is less than in a stream."""


class Freshness(Spread, frozen=True, kw_only=True):
    """How old the newest event was that could be queried, in seconds, over `looks` looks at a steady rate."""

    rate: float
    """Events per second that came, by the broker's clock."""
    looks: int
    scores: Waits
    """What scores took."""


class BenchError(Exception):
    """There is no figure, and why."""


HOT: Final = "everybody's darling"


def copies(
    path: Path, count: int, hot: float = 0.0, crowd: int = 1, *, together: bool = False, live: bool = False
) -> Iterator[bytes]:
    """Yield the events of a file of events `count` times, each time three days later and under new ids.

    With `together` it is the same three days each time, which then have so many times as many events. If `live`, they are of the
    moment in which they are asked for, and each copy is somewhere else in the three days, so that a moment's events are as
    different as those of a day. A part `hot` of them, evenly spread, is done to one and the same account. In a `crowd`
    everybody has so many namesakes, among whom the events go round.
    """
    heat = 0.0
    events = [msgspec.json.decode(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    size = len(events)
    every = ((copy, event) for copy in range(count) for event in events)
    if together or live:
        apart = size if live else 0
        every = ((copy, events[(at + copy * apart // count) % size]) for at in range(size) for copy in range(count))
    for number, (copy, event) in enumerate(every, 1):
        time = round(wall() * 1000) if live else _instant(event["time"]) + (0 if together else copy * COPY_SPAN)
        later = {"id": f"{copy}-{event['id']}", "time": time}
        if crowd > 1:
            later |= _namesakes(event, f"~{number % crowd}")
        heat += hot
        if heat >= 1.0:
            heat -= 1.0
            later |= {"targets": [HOT]} if "targets" in event else {"object_author": HOT}
        yield msgspec.json.encode(event | later)


def _namesakes(event: Mapping[str, Any], suffix: str) -> dict[str, Any]:
    """Return who did an event, and to whom, with the suffix to their names."""
    names = {field: event[field] + suffix for field in ("actor", "object_author") if field in event}
    return names | ({"targets": [name + suffix for name in event["targets"]]} if "targets" in event else {})


def _instant(time: str | int) -> int:
    """Return an event's time as epoch milliseconds."""
    return time if isinstance(time, int) else round(msgspec.convert(time, datetime).timestamp() * 1000)


PROBE: Final = "probe of the bench "
PROBES: Final = 4.0
"""Probes per second, where that is no more than one of SPARSE events."""
SPARSE: Final = 20


def probed(events: Iterator[bytes], rate: float) -> Iterator[bytes]:
    """Yield events that come at `rate`, some of them again by probes, who do what was just done."""
    every = max(round(rate / PROBES), SPARSE)
    for number, event in enumerate(events, 1):
        yield event
        if not number % every:
            name = f"{PROBE}{number}"
            yield msgspec.json.encode(msgspec.json.decode(event) | {"id": name, "actor": name})


def publish(here: Settings, events: Iterator[bytes], rate: float = 0.0) -> tuple[int, int]:
    """Append events to the partitions in turn, at `rate` per second or as fast as it goes; return how many, and bytes."""
    number, size, started = 0, 0, monotonic()
    with Publisher(here, here.kafka, Names.of(here).events) as publisher:
        for number, event in enumerate(events, 1):
            publisher.send(number % here.partitions, event)
            size += len(event)
            if rate and (ahead := number / rate - (monotonic() - started)) > 0.01:
                time.sleep(ahead)
        publisher.finish()
    return number, size


def throughput(
    here: Settings,
    events: int,
    size: int,
    ports: Sequence[int],
    processes: Callable[[], Mapping[str, psutil.Process]],
    check: Callable[[], None],
    show: Callable[[int], None] = lambda done: None,
    *,
    sink: bool = True,
) -> Throughput:
    """Follow workers and a sink that were just started until `events`, of `size` bytes together, can be queried.

    Without a `sink`, until all rows are in Kafka. `ports` are those of the workers' telemetry; `processes` returns those
    whose cost is counted; `check` raises when one has ended; `show` is told how many events are done.
    """
    deadline = monotonic() + PATIENCE
    while not under_way(done := [_finished([port]) for port in ports], events):
        check()
        _in_time(deadline)
        time.sleep(POLL / 4)
    started, begin = monotonic(), sum(done)
    costly = processes()
    before = {name: _cpu(process) for name, process in costly.items()}
    counted = shown = 0.0
    with Drain(here, here.kafka) as way:
        while (left := way.left()) is not None and (sink or left.stage != "sink"):
            check()
            _in_time(deadline)
            if not counted and (left.stage == "sink" or (left.stage == "accumulate" and not left.records)):
                counted = monotonic()
            if monotonic() - shown > 1.0:  # to say it costs the workers time
                show(_finished(ports))
                shown = monotonic()
            time.sleep(POLL)
    ended = monotonic()
    costs = {
        name: Cost(cpu_seconds=_cpu(process) - before[name], rss=_rss(process)) for name, process in costly.items()
    }
    written = sum(_total(port, "juice_(?:sent|changelog)_bytes_total") for port in ports)
    return Throughput(
        events=events - begin,
        counted_seconds=(counted or ended) - started,
        seconds=ended - started,
        costs=costs,
        bytes_per_event=(size + written) / events,
        keys=round(sum(_total(port, "juice_state_keys") for port in ports)),
    )


def under_way(done: Sequence[int], events: int) -> bool:
    """Tell whether all workers are at work, given how many of the `events` each has decided on; who is not when a tenth is done
    has come too late, or has no partition.

    >>> under_way([5, 0], 100), under_way([5, 1], 100), under_way([11, 0], 100), under_way([0], 100)
    (False, True, True, False)
    """
    return all(done) or sum(done) > events / 10


def idle(processes: Mapping[str, psutil.Process], seconds: float) -> dict[str, float]:
    """Return which part of a core each process takes in the next `seconds`, while nothing comes."""
    before = {name: _cpu(process) for name, process in processes.items()}
    time.sleep(seconds)
    return {name: (_cpu(process) - before[name]) / seconds for name, process in processes.items()}


def ready(port: int) -> None:
    """Wait until the worker at `port` says that it is ready; raise BenchError when it does not within a minute."""
    deadline = monotonic() + 60
    while monotonic() < deadline:
        try:
            with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):  # loopback
                return
        except OSError:
            time.sleep(POLL)
    raise BenchError("the worker was not ready within a minute")


def freshness(here: Settings, stop: Callable[[], bool]) -> Freshness:
    """Look ten times a second, until `stop` says so, how old the newest event is that can be queried, and who has scores."""
    client = connect(here)

    def query(text: str) -> Sequence[Any]:
        parameters = {"db": here.database, "probe": PROBE, "begun": begun}
        return client.query(text, parameters=parameters).result_rows

    newest = "SELECT toUnixTimestamp64Milli(max(received_at)) FROM {db:Identifier}.events_store"
    scored = "SELECT account FROM {db:Identifier}.account_scores_store WHERE startsWith(account, {probe:String})"
    came = """
        SELECT actor, toUnixTimestamp64Milli(min(received_at)) AS at FROM {db:Identifier}.events_store
        WHERE startsWith(actor, {probe:String}) GROUP BY actor HAVING at >= {begun:Int64}
    """
    counted = """
        SELECT count(), (toUnixTimestamp64Milli(max(received_at)) - {begun:Int64}) / 1000 FROM {db:Identifier}.events_store
        WHERE toUnixTimestamp64Milli(received_at) >= {begun:Int64}
    """
    begun = round(wall() * 1000)
    ages = []
    first: dict[str, float] = {}

    def look() -> None:
        """Note which probes have scores. That is all, and it is little: what is measured has the same two cores."""
        for (account,) in query(scored):
            first.setdefault(account, wall())

    while not stop():
        time.sleep(POLL)
        ages.append(wall() - query(newest)[0][0] / 1000)
        look()
    appended: dict[str, int] = dict(query(came))
    number, seconds = query(counted)[0]
    missing = appended.keys() - first.keys()
    deadline = monotonic() + PATIENCE
    while appended.keys() - first.keys():
        _in_time(deadline)
        time.sleep(POLL)
        look()
    waits = [first[account] - at / 1000 for account, at in appended.items()]
    if len(ages) < 2 or len(waits) < 2:
        raise BenchError("too short to see anything; give more --seconds")
    scores = Waits(probes=len(waits), open=len(missing), **_spread(waits))
    return Freshness(rate=number / seconds, looks=len(ages), scores=scores, **_spread(ages))


def _spread(ages: Sequence[float]) -> dict[str, float]:
    cuts = quantiles(ages, n=100, method="inclusive")
    return {"p50": cuts[49], "p99": cuts[98], "worst": max(ages)}


def _finished(ports: Sequence[int]) -> int:
    """Return how many events the workers have decided on, as their telemetry says."""
    return round(sum(_total(port, "juice_events_total") for port in ports))


def _total(port: int, counters: str) -> float:
    """Return the sum of the counters that match at a worker's port; 0 while it does not answer."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:  # loopback
            text = answer.read().decode()
    except OSError:
        return 0.0
    return sum(float(number) for number in re.findall(rf"^{counters}{{.*}} (\S+)$", text, re.MULTILINE))


def _in_time(deadline: float) -> None:
    if monotonic() > deadline:
        raise BenchError(f"not done after {PATIENCE:.0f} s")


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _rss(process: psutil.Process) -> int:
    return int(process.memory_info().rss)
