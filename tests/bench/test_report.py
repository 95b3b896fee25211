"""From runs to figures and pages."""

from __future__ import annotations

import json

import pytest

from infra.bench.measure import Run
from infra.bench.page import page
from infra.bench.peers import PEERS
from infra.bench.peers.ceiling import Ceiling
from infra.bench.peers.juice import Juice
from infra.bench.peers.plain_faust import PlainFaust
from infra.bench.peers.quix import Quix
from infra.bench.report import Report
from infra.bench.rounds import Result
from infra.bench.summary import tables
from infra.bench.verdict import Verdict
from infra.bench.workload import Workload

WORK = Workload(records=1_000)
RIGHT = Verdict(cells=9, missing=0, invented=0, different=0, surplus=0)
WRONG = Verdict(cells=9, missing=2, invented=0, different=0, surplus=-5)
OURS, FAUST, QUIX, CEILING = Juice(), PlainFaust(), Quix(), Ceiling()


def result(peer: object, rate: float, number: int = 0, verdict: Verdict | None = RIGHT) -> Result:
    """Return a run of one second at `rate`, with half a second of CPU time."""
    run = Run(records=rate, seconds=1.0, cpu_seconds=0.5, memory=10 << 20, verdict=verdict)
    return Result(peer=peer, workload=WORK, round=number, run=run)  # type: ignore[arg-type]


def results() -> list[Result]:
    """Return three rounds of ours, the ceiling and a right peer; one round of a wrong one that is fastest."""
    return [
        *[result(OURS, rate, number) for number, rate in enumerate((290.0, 310.0, 300.0))],
        *[result(FAUST, rate, number) for number, rate in enumerate((90.0, 100.0, 200.0))],
        *[result(CEILING, 600.0, number, None) for number in range(3)],
        result(QUIX, 900.0, verdict=WRONG),
    ]


def test_median_and_spread_over_rounds() -> None:
    """A line holds the median, the slowest and the fastest round, and the median per CPU second."""
    (table,) = tables(results())
    line = next(line for line in table.lines if line.peer is FAUST)
    assert (line.rate, line.slowest, line.fastest, line.per_cpu, line.rounds) == (100, 90, 200, 200, 3)


def test_a_wrong_peer_is_not_the_best() -> None:
    """Being fast and wrong is listed, and compared with nobody."""
    (table,) = tables(results())
    assert table.best is not None
    assert table.best.peer is FAUST
    wrong = next(line for line in table.lines if line.peer is QUIX)
    assert not wrong.valid
    assert table.of_best(wrong) is None
    assert wrong.counts == "wrong in 2 of 9 cells (-5 actions)"


def test_ratios_are_to_the_best_peer_and_to_the_ceiling() -> None:
    """Ours is compared with the best peer that is not ours, and with the ceiling, which is no peer."""
    (table,) = tables(results())
    ours = next(line for line in table.lines if line.peer is OURS)
    assert table.of_best(ours) == 3.0
    assert table.of_ceiling(ours) == 0.5


def test_a_peer_that_failed_has_its_reason_for_a_figure() -> None:
    """A failure in any round is said, and the peer is not valid, whatever its other rounds gave."""
    failed = Result(peer=FAUST, workload=WORK, round=1, failure="stalled while it worked\nlast words")
    (table,) = tables([result(FAUST, 100.0), failed])
    (line,) = table.lines
    assert line.counts == "stalled while it worked"
    assert not line.valid
    assert table.best is None


@pytest.fixture
def report() -> Report:
    """Return a report of `results`."""
    return Report(
        date="2025-01-01",
        machine={"processor": "abacus"},
        rounds=3,
        tables=tables(results()),
        absent={"Bytewax": "no wheel"},
        busy=0.1,
    )


def test_the_page_names_everyone(report: Report) -> None:
    """The document holds a line per peer, the machine, and who could not take part and why."""
    text = page(report)
    for words in (
        "Faust, plain",
        "| 100 | 90 – 200 |",
        "abacus",
        "did not take part: no wheel",
        "wrong in 2",
    ):
        assert words in text


def test_json_holds_every_figure(report: Report) -> None:
    """What `--json` prints can be read back, with ratios for the valid and null for the others."""
    (workload,) = json.loads(report.to_json())["workloads"]
    found = {peer["peer"]: peer for peer in workload["peers"]}
    assert found["juice"]["of_best_peer"] == 3.0
    assert found["quix"]["of_best_peer"] is None
    assert workload["record_bytes"] == 250


def test_every_peer_says_what_it_is() -> None:
    """Names are unique and usable in topic names; how and how safely each works is said."""
    names = [peer.name for peer in PEERS]
    assert len(set(names)) == len(names)
    for peer in PEERS:
        assert peer.name.replace("-", "").isalnum()
        assert peer.title
        assert peer.form
        assert peer.durable
        assert 0 < peer.share <= 1
