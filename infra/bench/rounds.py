"""All peers, all rounds: the workload into Kafka once, then each peer over it, in an order that turns."""

from __future__ import annotations

import asyncio
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Protocol

from infra import stack
from infra.bench import topic
from infra.bench.measure import PeerFailed, Run, measure
from infra.bench.peer import Peer
from infra.bench.workload import Counts, Workload, draw, true_counts

PATIENCE_S: Final = 300.0
"""The longest a run may take, besides half a millisecond per record."""
SLOWEST: Final = 2_000
"""Records per second below which a run is given up."""


class Watcher(Protocol):
    """Who is told what goes on; see `cli.Screen`."""

    def phase(self, what: str) -> None:
        """Say that something begins."""

    def advance(self, part: float) -> None:
        """Say how much of it is done, 0 to 1."""

    def outcome(self, result: Result) -> None:
        """Show one run's result."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """One peer, one workload, one round: a run, or why there is none."""

    peer: Peer
    workload: Workload
    round: int
    run: Run | None = None
    failure: str = ""


@dataclass(kw_only=True)
class Bench:
    """One run of the bench, with servers of its own below `home`: it meets and harms nothing else."""

    home: Path
    watcher: Watcher
    name: str = field(default_factory=lambda: f"bench-{uuid.uuid4().hex[:6]}")
    _filled: dict[Workload, tuple[str, Counts]] = field(default_factory=dict)

    @property
    def _servers(self) -> Path:
        return self.home / self.name

    def run(self, peers: Sequence[Peer], workloads: Sequence[Workload], rounds: int) -> list[Result]:
        """Measure every peer on every workload `rounds` times; a peer that fails once is not tried again
        there.

        KeyboardInterrupt passes through, and nothing stays behind: no process, no topic, no server we
        started.
        """
        results: list[Result] = []
        with self._stack() as broker:
            for workload in workloads:
                out: set[str] = set()
                for number in range(rounds):
                    for peer in _turned(peers, number):
                        if peer.name in out or not (peer.shuffles or workload.keyed_by == "receiver"):
                            continue
                        result = self._one(peer, workload, number, broker)
                        self.watcher.outcome(result)
                        results.append(result)
                        if result.run is None:
                            out.add(peer.name)
                self._clear(broker, self.name)  # the next workload's disk
        return results

    def _one(self, peer: Peer, workload: Workload, number: int, broker: str) -> Result:
        given = replace(workload, records=max(1, round(workload.records * peer.share)))
        source, truth = self._fill(given, broker)
        what = f"{peer.title}, {workload.record_bytes} bytes, round {number + 1}"
        self.watcher.phase(what)
        task = f"{self.name}-{peer.name}-{uuid.uuid4().hex[:4]}"
        try:
            with self._clickhouse(peer) as (url, pid):
                run = measure(
                    peer,
                    broker=broker,
                    topic=source,
                    partitions=given.partitions,
                    records=given.records,
                    truth=truth,
                    shuffle=given.keyed_by != "receiver",
                    name=task,
                    patience=PATIENCE_S + given.records / SLOWEST,
                    clickhouse=url,
                    also=pid,
                    advance=self.watcher.advance,
                )
        except PeerFailed as failure:
            return Result(peer=peer, workload=workload, round=number, failure=str(failure))
        finally:
            self._clear(broker, task)
            self._clear(broker, source.removesuffix("social.events"), keep=source)  # what juice made beside it
        return Result(peer=peer, workload=workload, round=number, run=run)

    def _fill(self, workload: Workload, broker: str) -> tuple[str, Counts]:
        """Put the workload into a topic, the first time it is asked for; return the topic and the truth."""
        if workload not in self._filled:
            self.watcher.phase(f"{workload.records:,} records of {workload.record_bytes} bytes into Kafka")
            name = f"{self.name}-{uuid.uuid4().hex[:4]}.social.events"  # as juice would name it
            events = draw(workload)
            done = 0

            def advance(more: int) -> None:
                nonlocal done
                done += more
                self.watcher.advance(done / workload.records)

            asyncio.run(topic.fill(broker, name, workload, events, advance))
            self._filled[workload] = name, true_counts(events)
        return self._filled[workload]

    def _clear(self, broker: str, part: str, keep: str = "") -> None:
        gone = set(asyncio.run(topic.clear(broker, part, keep)))
        self._filled = {workload: found for workload, found in self._filled.items() if found[0] not in gone}

    @contextmanager
    def _stack(self) -> Iterator[str]:
        """Give the address of a broker of our own, which is gone afterwards with all it held.

        ClickHouse is put aside: it comes back for those that need it, and takes nothing from the others.
        """
        self.watcher.phase("Kafka and ClickHouse start")
        try:
            found = stack.up(self._servers, kafka_port=0, clickhouse_port=0)
            stack.stop(self._servers, "clickhouse")
            yield found.kafka
        finally:
            stack.down(self._servers, wipe=True)
            shutil.rmtree(self._servers, ignore_errors=True)

    @contextmanager
    def _clickhouse(self, peer: Peer) -> Iterator[tuple[str, int | None]]:
        """Give a ClickHouse's address and pid while a peer needs one, an empty address to the others."""
        if not peer.clickhouse:
            yield "", None
            return
        found = stack.start(self._servers, "clickhouse")
        try:
            yield found.clickhouse, found.pids["clickhouse"] if peer.charged else None
        finally:
            stack.stop(self._servers, "clickhouse")


def _turned(peers: Sequence[Peer], by: int) -> list[Peer]:
    """Return the peers in another order each round, so that none always comes first or after the same one."""
    by %= max(1, len(peers))
    return [*peers[by:], *peers[:by]]
