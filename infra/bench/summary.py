"""From runs to figures: median and spread per peer and workload, and the ratios that count."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from infra.bench.peer import Peer
from infra.bench.rounds import Result
from infra.bench.workload import Workload


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One peer on one workload, over all rounds. Without a run every figure is 0."""

    peer: Peer
    rounds: int
    rate: float
    """Median, records per second."""
    slowest: float
    fastest: float
    per_cpu: float
    """Median, records per CPU second."""
    memory: int
    """Largest resident set of any round, bytes."""
    counts: str
    """What its counts were worth: `exact`, what was wrong with them, or why there are none."""

    @property
    def valid(self) -> bool:
        """True when it did the work, and right; only then may it be compared with others."""
        return self.rounds > 0 and self.counts in ("exact", NOT_COUNTED)


NOT_COUNTED = "–"


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """All peers on one workload."""

    workload: Workload
    lines: tuple[Line, ...]

    @property
    def best(self) -> Line | None:
        """The fastest valid peer that is not ours."""
        rivals = [line for line in self.lines if line.valid and line.peer.peer and not line.peer.ours]
        return max(rivals, key=lambda line: line.rate, default=None)

    @property
    def ceiling(self) -> Line | None:
        """The line that fetches and decodes only."""
        return next((line for line in self.lines if line.valid and not line.peer.counts), None)

    def of_best(self, line: Line) -> float | None:
        """Return how many times as fast as the best peer it is."""
        return line.rate / self.best.rate if self.best and line.valid else None

    def of_ceiling(self, line: Line) -> float | None:
        """Return its part of the ceiling."""
        return line.rate / self.ceiling.rate if self.ceiling and line.valid else None


def tables(results: Sequence[Result]) -> list[Table]:
    """Return one table per workload, in the order first measured, its lines from fast to slow."""
    found = []
    for workload in dict.fromkeys(result.workload for result in results):
        here = [result for result in results if result.workload == workload]
        peers = dict.fromkeys(result.peer for result in here)
        lines = [_line(peer, [result for result in here if result.peer is peer]) for peer in peers]
        lines.sort(key=lambda line: -line.rate)
        found.append(Table(workload=workload, lines=tuple(lines)))
    return found


def _line(peer: Peer, results: Sequence[Result]) -> Line:
    runs = [result.run for result in results if result.run]
    failures = [result.failure.splitlines()[0] for result in results if result.run is None]
    wrong = [str(run.verdict) for run in runs if run.verdict and not run.verdict.exact]
    rates = [run.rate for run in runs] or [0.0]
    return Line(
        peer=peer,
        rounds=len(runs),
        rate=statistics.median(rates),
        slowest=min(rates),
        fastest=max(rates),
        per_cpu=statistics.median([run.rate_per_cpu for run in runs] or [0.0]),
        memory=max((run.memory for run in runs), default=0),
        counts=next(iter([*failures, *wrong]), "exact" if peer.counts else NOT_COUNTED),
    )
