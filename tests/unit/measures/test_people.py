"""People: exact while few, a fair sample beyond, the same in any order."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.subjects.account_journal import (
    CAPACITY,
    MAX_TIMES,
    POSTS,
    Entries,
    entries,
    is_kept,
    journal_of,
    level_for,
    older,
    pack,
    size_of,
)
from streams.subjects.account_settle import sampled
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


Net = dict[tuple[int, int, int, int], int]
"""Minute, slot, hash, followers → times."""
entry_keys = st.tuples(
    st.integers(0, 1 << 31), st.integers(0, 127), st.integers(0, (1 << 64) - 1), st.integers(-1, 10**12)
)
few_keys = st.tuples(*[st.integers(0, 1)] * 4)
"""Of which like ones come together."""


def written(net: Net) -> bytes:
    """Return a journal in which everything happened by itself, in no order."""
    return b"".join(
        pack(minute, slot, who, -1 if times < 0 else 1, followers)
        for (minute, slot, who, followers), times in net.items()
        for _ in range(abs(times))
    )


def net_of(found: Entries) -> Net:
    """Return entries as a plain dict, in their order."""
    return {(minute, slot, who, followers): times for minute, slot, who, times, followers in found.tolist()}


@given(nets=st.lists(st.dictionaries(entry_keys | few_keys, st.integers(-3, 3).filter(bool), max_size=20), max_size=4))
def test_what_journals_come_to_is_what_was_written(nets: list[Net]) -> None:
    """Of each, in order, however many are read together; and it is read again as it was."""
    found = entries([written(net) for net in nets])
    assert [net_of(each) for each in found] == nets
    assert all(list(net_of(each)) == sorted(net) for each, net in zip(found, nets, strict=True))
    assert [net_of(each) for each in entries([journal_of(each) for each in found])] == nets


@given(net=st.dictionaries(entry_keys | few_keys, st.integers(-5, 5).filter(bool), max_size=20))
def test_opposite_journals_cancel(net: Net) -> None:
    """What was done and taken back is not there, whichever came first, and nobody else notices."""
    there, back = written(net), written({key: -times for key, times in net.items()})
    assert [net_of(each) for each in entries([there, there + back, back + there])] == [net, {}, {}]


@pytest.mark.parametrize("times", [MAX_TIMES, MAX_TIMES + 1, -2 * MAX_TIMES, 100_000, -100_000])
def test_more_than_an_entry_can_hold_is_several(times: int) -> None:
    """Something may happen often in a minute; its neighbours stay as they are."""
    net = {(7, 1, 5, -1): 2, (7, 1, 6, -1): times, (8, 1, 5, -1): -3}
    (found,) = entries([b"".join(journal_of(each) for each in entries([written(net)]))])
    assert net_of(found) == net
    parts = -(-abs(times) // MAX_TIMES)
    assert len(journal_of(found)) * len(found) == size_of(found) * (len(found) - 1 + parts)


def test_what_is_older_than_a_minute_is_not_of_that_minute() -> None:
    """An hour that is still open stays open to its first minute."""
    nets = [{(minute, 1, 5, -1): 1 for minute in minutes} for minutes in ((9, 10, 11), (), (10,), (8, 9))]
    assert older(entries([written(net) for net in nets]), 10) == [1, 0, 0, 2]


@given(chunks=st.lists(st.sets(st.integers(0, (1 << 64) - 1), max_size=2 * POSTS), min_size=1, max_size=4))
@settings(max_examples=40)
def test_posts_are_the_same_sample_whenever_one_looks(chunks: list[set[int]]) -> None:
    """At the lowest level at which there is room, however often the sample was taken on the way."""
    everything = {post: [1, 0] for chunk in chunks for post in chunk}
    kept, level = dict[int, list[int]](), 0
    for chunk in chunks:
        kept, level = sampled(kept | {post: [1, 0] for post in chunk}, level)
        kept, level = sampled(kept, level)
    assert (kept, level) == sampled(everything, 0)


def test_many_posts_fill_their_room() -> None:
    """However often more come: they are not thinned further than there is need."""
    rng, kept, level = Random(3), dict[int, list[int]](), 0
    for _ in range(12):
        kept, level = sampled(kept | {rng.getrandbits(64): [1, 0] for _ in range(600)}, level)
    assert POSTS // 4 < len(kept) <= POSTS
    assert level <= 6


@given(hashes=st.sets(st.integers(0, (1 << 64) - 1), max_size=60), capacity=st.integers(1, 20))
@settings(max_examples=60)
def test_the_level_is_the_lowest_that_fits(hashes: set[int], capacity: int) -> None:
    """The level keeps no more than fit, and one lower would keep more."""
    level = level_for(hashes, capacity, 0)
    assert sum(is_kept(each, level) for each in hashes) <= capacity
    if level:
        assert sum(is_kept(each, level - 1) for each in hashes) > capacity
