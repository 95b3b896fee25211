"""How the long runs judge what they saw; the runs themselves take minutes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import measured
from tests.endurance import keys, recovery
from tests.endurance.__main__ import main
from tests.endurance.memory import Look, Memory, table
from tests.simulator.plan import Plan

PLAN = Plan(events=24 * 3600, rate=1.0)


def seen(*sizes: tuple[float, int]) -> Memory:
    """Return a run of 24 hours in which the worker had so many MiB at these hours."""
    return Memory(PLAN, [Look(hours, size << 20, 100 << 20, {"ids": 5, "ties": 2}) for hours, size in sizes], 60.0)


def test_growth_is_that_from_two_hours_to_the_end() -> None:
    """At the median of the looks around each moment; what was before does not count, nor does one look that sticks out."""
    memory = seen((0.1, 10), (1.8, 100), (2.0, 900), (2.2, 100), (12, 300), (23.2, 119), (23.5, 120), (23.8, 121))
    assert memory.growth(lambda look: look.worker) == pytest.approx(0.2)
    assert memory.growth(lambda look: look.sink) == 0
    assert "| 24 | 120 | 100 | 7 |" in table(memory)


def test_a_moment_that_nobody_looked_at_has_the_look_nearest_to_it() -> None:
    """Where a batch passes over the hour, the next one stands for it."""
    assert seen((1.0, 7), (3.1, 9)).at(2.5, lambda look: look.worker) == 9 << 20


def test_recovery_says_records_a_second_only_where_there_are_many() -> None:
    """A rate of a handful of records says nothing."""
    few, many = recovery.Restart(3, 12, 0.1, 4.0, 90 << 20), recovery.Restart(10**6, 3 * 10**6, 6.0, 11.0, 900 << 20)
    lines = recovery.table([few, many]).splitlines()
    assert lines[2:] == ["| 3 | 12 | 0.1 | – | 4.0 | 90 |", "| 1,000,000 | 3,000,000 | 6.0 | 500,000 | 11.0 | 900 |"]


def test_keys_cost_what_the_slowest_loses_at_the_median() -> None:
    """One slow turn says nothing; nor does it when many keys are the faster."""
    few = [keys.Turn(10_000, 50_000, 1.5, rate, 80e-6, 100 << 20) for rate in (9_000.0, 10_000.0, 12_000.0)]
    turns = ((1_000.0, 1), (8_000.0, 2), (9_000.0, 4))
    many = [keys.Turn(10**6, part * 10**6, 10.0, rate, 90e-6, part * 100 << 20) for rate, part in turns]
    assert keys.loss([few, many]) == pytest.approx(0.2)
    assert keys.loss([many, few]) == 0
    lines = keys.table([few, many]).splitlines()[2:]
    assert lines[0] == "| 10,000 | 9,000 · 10,000 · 12,000 | 100% | 80 | 100 | 50,000 | 1.5 | – |"
    assert lines[1] == "| 1,000,000 | 1,000 · 8,000 · 9,000 | 80% | 90 | 400 | 2,000,000 | 10.0 | 200,000 |"


@pytest.mark.parametrize(
    "given",
    [
        ["memory", "--hours", "2"],
        ["recovery", "--keys", "0"],
        ["recovery", "--keys", "10", "20"],
        ["keys", "--keys", "9999", "10000"],
        ["keys", "--keys", "10000"],
        ["keys", "--keys", "20000", "10000"],
        ["backlog"],
    ],
)
def test_what_cannot_be_measured_is_refused(given: list[str]) -> None:
    """It ends with 2 at once, before anything is started."""
    with pytest.raises(SystemExit) as ended:
        main(given)
    assert ended.value.code == 2


def test_a_page_is_written_between_its_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nowhere else; some page has a place for everything that is measured."""
    pages = sorted(measured.FOLDER.glob("*.md"))
    monkeypatch.setattr(measured, "FOLDER", tmp_path)
    for name in ("measured", "memory", "recovery", "keys"):
        for page in pages:
            (tmp_path / page.name).write_text(page.read_text())
        measured.write(name, "what was \\1 seen")
        changed = [page for page in pages if (tmp_path / page.name).read_text() != page.read_text()]
        assert len(changed) == 1, name
        text = (tmp_path / changed[0].name).read_text()
        assert f"<!-- {name}: begin -->\nwhat was \\1 seen\n<!-- {name}: end -->" in text
        assert len(text.splitlines()) <= len(changed[0].read_text().splitlines())
