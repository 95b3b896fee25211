"""People: exact while few, a fair sample beyond, the same in any order."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.subjects.account_journal import CAPACITY, Entries, entries, is_kept, journal_of, level_for
from tests.unit.measures.test_influence import crowd
from tests.unit.measures.world import DAY, HOUR, MINUTE, NOON, World, act


def test_people_are_exact_up_to_capacity() -> None:
    """As many people as fit are counted one by one, with no error."""
    world = World()
    world.happen(*[act("like", f"fan{n}", "ada", at=NOON - n * 1000) for n in range(CAPACITY)])
    world.look(NOON + MINUTE, only="ada")
    row = world.read("ada")
    assert (row["people"], row["people_error"]) == (CAPACITY, 0.0)


def test_people_beyond_capacity_are_estimated_within_the_stated_error() -> None:
    """Of 40 crowds of 3,000, nearly all are estimated within two standard errors as stated, and without
    bias."""
    estimates, within = [], 0
    for seed in range(40):
        world = World()
        world.happen(*[act("like", f"{seed}-{n}", "ada", at=NOON - n * 1000) for n in range(3000)])
        world.look(NOON + MINUTE, only="ada")
        row = world.read("ada")
        assert 0 < row["people_error"] < 300
        estimates.append(row["people"])
        within += abs(row["people"] - 3000) <= 2 * row["people_error"]
    assert within >= 34
    assert abs(sum(estimates) / len(estimates) - 3000) < 100


@pytest.mark.parametrize("apart", [1_565, 20_000], ids=["in two hours", "in a day"])
def test_the_sample_does_not_depend_on_order_or_on_when_one_looks(apart: int) -> None:
    """Thousands of people in any order, looked at on the way or not, leave the same rows."""
    last = NOON + 40 * MINUTE
    facts = [act("share", f"fan{n}", "ada", at=last - n * apart, actor_followers=n) for n in range(5000)]
    end = Random(7).sample(facts, len(facts))
    once, often, shuffled = World(), World(), World()
    once.happen(*facts)
    for start in range(0, len(end), 333):
        shuffled.happen(*end[start : start + 333])
    arrival = {fact.id: fact.time + n % 2 * 45 * MINUTE for n, fact in enumerate(facts)}
    ordered = sorted(facts, key=lambda fact: arrival[fact.id])
    for start in range(0, len(ordered), 400):
        batch = ordered[start : start + 400]
        often.happen(*batch)
        arrived = min(arrival[batch[-1].id], last)
        often.look((arrived // MINUTE + 1) * MINUTE, floor=arrived - 46 * MINUTE, only="ada")
    for now in (last + MINUTE, last + 20 * MINUTE, last + DAY):
        for world in (once, often, shuffled):
            world.look(now, floor=now - HOUR, only="ada")
        for window in ("1h", "24h", "30d"):
            assert often.row("ada", window) == shuffled.row("ada", window) == once.row("ada", window)
    assert once.read("ada")["people_error"] > 0


def test_state_of_the_famous_is_bounded() -> None:
    """A hundred times the people does not take a hundred times the state."""
    world = World()
    for hour in range(20):
        at = NOON + hour * HOUR
        world.happen(*[act("share", f"{hour}-{n}", "ada", at=at + n * 1000) for n in range(2500)])
        world.look(at + HOUR, floor=at, only="ada")
        for other in list(world.stored.keys() - {"ada"}):
            del world.stored[other]
    assert len(world.stored["ada"]) < 60_000
    world.look(NOON + 30 * HOUR, floor=NOON + 29 * HOUR, only="ada")
    row = world.read("ada")
    assert abs(row["people"] - 50_000) < 4 * row["people_error"]


def test_narrow_windows_of_the_famous_are_exact() -> None:
    """Whoever has thousands of people over the days is still counted person by person in a quiet hour."""
    world = World()
    for hour in range(5):
        at = NOON - (40 - hour) * HOUR
        world.happen(*[act("share", f"{hour}-{n}", "ada", at=at + n * 1000) for n in range(2000)])
        world.look(at + HOUR, floor=at, only="ada")
    world.happen(*[act("like", f"now{n}", "ada", at=NOON - n * MINUTE) for n in range(40)])
    world.happen(*[act("reply", "ada", f"now{n}", at=NOON - n * MINUTE) for n in range(0, 40, 4)])
    world.look(NOON + MINUTE, floor=NOON - HOUR, only="ada")
    assert world.read("ada", "30d")["people_error"] > 0
    hour_row, five_row = world.read("ada", "1h"), world.read("ada", "5m")
    assert (hour_row["people"], hour_row["people_error"], hour_row["given_people"]) == (40, 0.0, 10)
    assert (five_row["people"], five_row["given_people"]) == (5, 2)


def test_influence_of_a_sample_is_close_to_that_of_the_whole() -> None:
    """Evidence scaled up from a sample grows as people do: four times the people at once is twice the
    evidence."""
    smaller, larger = World(), World()
    smaller.happen(*crowd(CAPACITY))
    larger.happen(*crowd(4 * CAPACITY))
    for world in (smaller, larger):
        world.look(NOON + MINUTE, only="ada")
    exact, sampled = smaller.read("ada"), larger.read("ada")
    assert 1.5 < sampled["influence_evidence"] / exact["influence_evidence"] < 3.0


entry_keys = st.tuples(
    st.integers(0, 1 << 31), st.integers(0, 127), st.integers(0, (1 << 64) - 1), st.integers(-1, 10**12)
)


@given(found=st.dictionaries(entry_keys, st.integers(-100_000, 100_000).filter(bool), max_size=20))
def test_a_journal_is_read_as_it_was_written(found: Entries) -> None:
    """Entries survive being written, also when something happened more often than an entry can hold."""
    assert entries(journal_of(found)) == found


@given(found=st.dictionaries(entry_keys, st.integers(-5, 5).filter(bool), max_size=20))
def test_opposite_journals_cancel(found: Entries) -> None:
    """What was done and taken back is not there, whichever came first."""
    opposite = journal_of({key: -times for key, times in found.items()})
    assert entries(journal_of(found) + opposite) == {}
    assert entries(opposite + journal_of(found)) == {}


@given(hashes=st.sets(st.integers(0, (1 << 64) - 1), max_size=60), capacity=st.integers(1, 20))
@settings(max_examples=60)
def test_the_level_is_the_lowest_that_fits(hashes: set[int], capacity: int) -> None:
    """The level keeps no more than fit, and one lower would keep more."""
    level = level_for(hashes, capacity, 0)
    assert sum(is_kept(each, level) for each in hashes) <= capacity
    if level:
        assert sum(is_kept(each, level - 1) for each in hashes) > capacity
