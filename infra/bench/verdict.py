"""Whether a peer's counts are right: a peer that is fast and wrong is reported as such."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from infra.bench.workload import Counts


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """A peer's counts against the truth, in cells of account and minute and in actions."""

    cells: int
    """In the truth."""
    missing: int
    """Cells the peer does not have."""
    invented: int
    """Cells only the peer has."""
    different: int
    """Cells both have, with different counts."""
    surplus: int
    """Actions the peer counted, less those there were."""

    @property
    def exact(self) -> bool:
        """True when every cell is right and there is no other."""
        return not (self.missing or self.invented or self.different)

    def __str__(self) -> str:
        """Say it in a few words."""
        if self.exact:
            return "exact"
        wrong = self.missing + self.invented + self.different
        return f"wrong in {wrong:,} of {self.cells:,} cells ({self.surplus:+,} actions)"


def compare(truth: Counts, counted: Counts) -> Verdict:
    """Hold `counted` against `truth`."""
    both = truth.keys() & counted.keys()
    return Verdict(
        cells=len(truth),
        missing=len(truth) - len(both),
        invented=len(counted) - len(both),
        different=sum(truth[cell] != counted[cell] for cell in both),
        surplus=sum(counted.values()) - sum(truth.values()),
    )


def read_counts(file: Path) -> Counts:
    """Read what a program left (`programs/task.py`); a cell said twice is the sum, as a double count would
    be.

    Raises FileNotFoundError when it left nothing, ValueError when it is not what was agreed.
    """
    counts: Counts = {}
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            account, minute, actions = line.split("\t")
            cell = account, int(minute)
            counts[cell] = counts.get(cell, 0) + int(actions)
    return counts
