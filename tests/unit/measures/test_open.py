"""What is remembered of open journals changes nothing but the time it takes."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.fact import Fact
from streams.subject import DAY, HOUR, MINUTE
from streams.subjects import account_open
from streams.subjects.account_journal import CAPACITY
from tests.unit.measures.test_windows import dealings
from tests.unit.measures.world import NOON, World, act

Batch = tuple[list[Fact], int, int]
"""What happens, and then the moment as of which somebody looks, and the floor."""


@pytest.fixture(autouse=True)
def no_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have it remember all accounts, also those that are told quickly."""
    monkeypatch.setattr(account_open, "FEW", 0)


def undone(fact: Fact) -> Fact:
    """Return the fact that takes one back."""
    return msgspec.structs.replace(fact, sign=-fact.sign)


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
        found.append((facts + [undone(fact) for fact in back if fact.time >= floor], now, floor))
    return found


def says_the_same(happenings: Sequence[Batch]) -> Iterator[World]:
    """Look at one world that remembers and at one that does not; yield the one that does after each look."""
    remembers, forgets = World(), World()
    for facts, now, floor in happenings:
        for world in (remembers, forgets):
            world.happen(*facts)
        forgets.accounts.forget()
        remembers.look(now, floor=floor)
        forgets.look(now, floor=floor)
        assert remembers.rows == forgets.rows
        assert remembers.stored == forgets.stored
        assert remembers.due == forgets.due
        yield remembers


@given(batches())
def test_it_comes_out_as_if_nothing_was_remembered(happenings: list[Batch]) -> None:
    """Late, taken back, settled meanwhile, or looked at twice."""
    for _ in says_the_same(happenings):
        pass


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
        found.append((facts + [undone(fact) for fact in back], now, now - 75 * MINUTE))
    return found


@pytest.mark.parametrize("room", [account_open.ROOM, 600], ids=["all", "one at a time"])
def test_the_famous_as_well(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    """Samples, hours that are settled one after the other, and room for fewer than are looked at."""
    monkeypatch.setattr(account_open, "ROOM", room)
    for world in says_the_same(crowded(7)):
        past = world.accounts._open
        assert past._size == sum(map(len, past._memories.values())) <= room
    assert len(world.rows) > 1_000, "and all who dealt with ada"


def test_who_has_done_nothing_new_is_not_told_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a thousand people who turned to ada, the one who comes back is told again, and nobody else."""
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
