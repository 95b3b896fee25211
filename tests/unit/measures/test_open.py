"""What is remembered of open journals changes nothing but the time it takes."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Sequence
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.fact import Fact
from streams.subject import DAY, HOUR, MINUTE
from streams.subjects import account_open, accounts
from streams.subjects.account_journal import CAPACITY
from tests.unit.measures.test_windows import dealings
from tests.unit.measures.world import NOON, World, act
from tests.unit.test_subject_laws import changed

Batch = tuple[list[Fact], int, int]
"""What happens, and then the moment as of which somebody looks, and the floor."""


@st.composite
def batches(draw: st.DrawFn) -> list[Batch]:
    """Draw what happens between looks, some of it taken back later, and when one looks: each time later."""
    found: list[Batch] = []
    before: list[Fact] = []
    now, floor = NOON + MINUTE, 0
    for facts in draw(st.lists(st.lists(dealings(), max_size=6), min_size=2, max_size=6)):
        facts = [fact for fact in facts if fact.time >= floor]
        back = draw(st.lists(st.sampled_from(before), max_size=2, unique_by=lambda fact: fact.id)) if before else []
        before = [fact for fact in before if fact not in back and fact.time >= floor] + facts
        now += draw(st.sampled_from((0, MINUTE, 20 * MINUTE, 2 * HOUR, DAY)))
        floor = max(floor, now - draw(st.sampled_from((75 * MINUTE, 3 * DAY, 50 * DAY))))
        found.append((facts + [changed(fact, sign=-1) for fact in back if fact.time >= floor], now, floor))
    return found


def says_the_same(happenings: Sequence[Batch], few: int) -> Iterator[World]:
    """Look at one world that remembers accounts with more entries than `few`, and at one that remembers none; yield the one that
    does after each look.
    """
    remembers, forgets = World(), World()
    for facts, now, floor in happenings:
        for world, entries in ((remembers, few), (forgets, sys.maxsize)):
            world.happen(*facts)
            with patch.object(account_open, "FEW", entries):
                world.look(now, floor=floor)
        assert not forgets.accounts._open._memories
        assert remembers.rows == forgets.rows
        assert remembers.stored == forgets.stored
        assert remembers.due == forgets.due
        yield remembers


@given(batches(), st.sampled_from((0, 1, 3)))
def test_it_comes_out_as_if_nothing_was_remembered(happenings: list[Batch], few: int) -> None:
    """Late, taken back, settled meanwhile, or looked at twice, with accounts that are remembered among others that are not."""
    for _ in says_the_same(happenings, few):
        pass


@given(batches(), st.integers(0, 4))
def test_nor_does_it_matter_what_was_looked_at_for_nothing(happenings: list[Batch], lost: int) -> None:
    """What a look left is thrown away, and what happened comes again, in other parts, to states that are older than what is
    remembered.
    """
    last = min(lost, len(happenings) - 1)
    with patch.object(account_open, "FEW", 0):
        world = World()
        for facts, now, floor in happenings[: last + 1]:
            before = world.stored.copy()
            world.happen(*facts)
            world.look(now, floor=floor)
        facts, now, floor = happenings[last]
        world.stored, other = before.copy(), World()
        other.stored = before.copy()
        for each in (world, other):
            each.happen(*facts[::2])
            each.look(now, floor=floor)
            each.happen(*facts[1::2])
            each.look(now + MINUTE, floor=floor)
        assert world.stored == other.stored
        assert {key: world.rows[key] for key in other.rows} == other.rows


def crowded(seed: int) -> list[Batch]:
    """Return a day in which more people turn to ada than she has room for, some of them late, some of them sorry."""
    rng = random.Random(seed)
    found, before = [], list[Fact]()
    for number in range(120):
        now = NOON + (number + 1) * 12 * MINUTE
        facts = [
            act(
                rng.choice(("like", "share", "quote", "mention", "follow")),
                *rng.choice(((f"fan{rng.randrange(3 * CAPACITY)}", "ada"), ("ada", f"fan{rng.randrange(40)}"))),
                at=now - 1 - rng.randrange(rng.choice((MINUTE, 12 * MINUTE, HOUR))),
                object=f"post{rng.randrange(400)}",
            )
            for _ in range(rng.choice((0, 5, 60)))
        ]
        back = [fact for fact in rng.sample(before, min(len(before), 3)) if fact.time > now - 74 * MINUTE]
        before = [fact for fact in before if fact not in back] + facts
        found.append((facts + [changed(fact, sign=-1) for fact in back], now, now - 75 * MINUTE))
    return found


@pytest.mark.parametrize("tidy", [accounts.TIDY_BEYOND, 200], ids=["rarely", "often"])
@pytest.mark.parametrize("few", [0, account_open.FEW])
def test_the_famous_as_well(monkeypatch: pytest.MonkeyPatch, few: int, tidy: int) -> None:
    """Samples, hours that are settled one after the other, and folds that tidy."""
    monkeypatch.setattr(accounts, "TIDY_BEYOND", tidy)
    for world in says_the_same(crowded(7), few):
        past = world.accounts._open
        assert past._size == sum(memory.size for memory in past._memories.values()) <= account_open.ROOM
    assert len(world.rows) > 1_000, "and all who dealt with ada"
    world.accounts.forget()
    assert (past._size, past._memories) == (0, {})


def fans(*names: str, at: int = NOON) -> list[Fact]:
    """Return likes that a hundred fans give each."""
    return [act("like", f"fan{number}", name, at=at + number) for name in names for number in range(100)]


def test_who_was_looked_at_last_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is not room for all, those of whom nothing was asked for longest go; who alone is too much moves nobody."""
    world = World()
    past = world.accounts._open
    world.happen(*fans("ada"))
    world.look(NOON + MINUTE, only="ada")
    monkeypatch.setattr(account_open, "ROOM", past._size * 5 // 2)
    for number, name in enumerate(("bob", "ada", "cy")):
        world.happen(*fans(name, at=NOON + number * MINUTE))
        world.look(NOON + (number + 1) * MINUTE, only=name)
    assert list(past._memories) == ["ada", "cy"]
    world.happen(*(act("like", f"fan{number}", "dee", at=NOON) for number in range(400)))
    world.look(NOON + 4 * MINUTE, only="dee")
    assert list(past._memories) == ["ada", "cy"]


def test_who_has_done_nothing_new_is_not_told_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 400 people who turned to ada, the one who comes back is told again, and nobody else."""
    told = []
    tell = account_open.tell
    monkeypatch.setattr(account_open, "tell", lambda *given: (told.append(len(given[3])), tell(*given)))
    world = World()
    world.happen(*(act("like", f"fan{n}", "ada", at=NOON + n) for n in range(400)))
    world.look(NOON + MINUTE, only="ada")
    world.happen(act("share", "fan7", "ada", at=NOON + 5 * MINUTE))
    world.look(NOON + 6 * MINUTE, only="ada")
    world.look(NOON + 12 * MINUTE, only="ada")
    assert told == [400, 2, 0]
