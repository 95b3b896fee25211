"""Brokers, ClickHouse, connections, changelogs and clocks fail while events flow: every count is exact afterwards."""

from __future__ import annotations

from pathlib import Path

from tests.faults.catalogue import FAULTS
from tests.faults.world import world

SECONDS = 0.5
"""How long a fault is kept up here; `make chaos` keeps them up longer, and has three brokers too."""
SEEN_ELSEWHERE = ("worker killed", "worker frozen beyond its session", "sink killed")
"""test_chaos.py kills and freezes processes at random."""
EVENTS = 150


def test_exact_after_every_fault(tmp_path: Path) -> None:
    """Each fault is seen to fire; then the audit is exact, every event counts once and every reward is there once."""
    with world(tmp_path, 1) as here:
        for fault in (fault for fault in FAULTS if fault.brokers == 1 and fault.name not in SEEN_ELSEWHERE):
            outcome = here.round(fault, seconds=SECONDS, count=EVENTS)
            assert outcome.wrong == "", f"{outcome}\n{here.here.logs()}"
            assert outcome.fired
