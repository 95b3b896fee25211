"""A peer's counts held against the truth."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.bench.programs.task import Task, write_counts
from infra.bench.verdict import compare, read_counts

TRUTH = {("ada", 60_000): 3, ("ada", 120_000): 1, ("bob", 60_000): 2}


def test_the_truth_is_exact() -> None:
    """Counts equal to the truth are exact, and said to be."""
    assert compare(TRUTH, dict(TRUTH)).exact
    assert str(compare(TRUTH, dict(TRUTH))) == "exact"


@pytest.mark.parametrize(
    ("counted", "missing", "invented", "different", "surplus"),
    [
        ({("ada", 60_000): 3, ("ada", 120_000): 1}, 1, 0, 0, -2),
        (TRUTH | {("eve", 60_000): 1}, 0, 1, 0, 1),
        (TRUTH | {("ada", 60_000): 4, ("bob", 60_000): 1}, 0, 0, 2, 0),
        ({}, 3, 0, 0, -6),
    ],
)
def test_what_is_wrong_is_told_apart(
    counted: dict[tuple[str, int], int], missing: int, invented: int, different: int, surplus: int
) -> None:
    """Lost, invented and different cells are counted each, also when the total happens to be right."""
    verdict = compare(TRUTH, counted)
    assert not verdict.exact
    assert (verdict.missing, verdict.invented, verdict.different) == (missing, invented, different)
    assert verdict.surplus == surplus
    assert str(verdict).startswith("wrong in ")


def test_counts_come_back_as_they_were_written(tmp_path: Path) -> None:
    """What a program writes is what the bench reads, names of any script included."""
    task = _task(tmp_path)
    write_counts(task, [("ада", 60_000, 3), ("bob", 120_000, 1)])
    assert read_counts(Path(task.result)) == {("ада", 60_000): 3, ("bob", 120_000): 1}


def test_a_cell_written_twice_is_counted_twice(tmp_path: Path) -> None:
    """A peer that gives two parts of one count must have meant their sum."""
    task = _task(tmp_path)
    write_counts(task, [("ada", 60_000, 3), ("ada", 60_000, 3)])
    assert read_counts(Path(task.result)) == {("ada", 60_000): 6}


@pytest.mark.parametrize("shuffle", [True, False])
def test_a_task_survives_the_command_line(tmp_path: Path, shuffle: bool) -> None:
    """A program reads from its arguments the task it was given."""
    task = _task(tmp_path, shuffle=shuffle)
    assert Task.from_arguments(task.arguments()) == task


def _task(folder: Path, shuffle: bool = False) -> Task:
    return Task(
        broker="127.0.0.1:9092",
        topic="t",
        partitions=4,
        records=11,
        expected=10,
        shuffle=shuffle,
        name="run",
        folder=str(folder),
        result=str(folder / "counts=.tsv"),
    )
