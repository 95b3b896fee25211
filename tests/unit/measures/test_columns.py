"""What is worked out for many at once is what it is for one, to the last digit."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from math import fsum
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.fact import Fact
from schemas.rows.table import encode_rows
from streams.measures.account.columns import FEW, bounds_of, exact_sums, rounded
from streams.measures.account.score import statement
from streams.subject import HOUR, MINUTE, Now, Rows
from streams.subjects import account_rows, accounts
from streams.subjects.account_state import Account
from streams.subjects.accounts import Accounts
from tests.unit.measures.test_windows import dealings
from tests.unit.measures.world import NOON, World, act

numbers = st.floats(-1e12, 1e12) | st.floats(-100, 100) | st.integers(-(10**9), 10**9).map(lambda n: n / 10**6 + 5e-7)


@given(values=st.lists(numbers, min_size=1, max_size=FEW))
def test_many_are_rounded_as_one_is(values: list[float]) -> None:
    """Few or many, numbers are rounded to the digit that Python rounds them to, halves included."""
    expected = [round(value, 6) for value in values]
    assert rounded(np.array(values)).tolist() == expected
    assert rounded(np.array(values * (FEW + 1))).tolist() == expected * (FEW + 1)


@given(data=st.data(), groups=st.lists(st.lists(st.floats(0, 1e9), max_size=5), max_size=8))
def test_sums_do_not_depend_on_the_order(data: st.DataObject, groups: list[list[float]]) -> None:
    """Each sum is the true one, rounded once, in whatever order its parts come."""
    shuffled = [data.draw(st.permutations(group)) for group in groups]
    bounds = bounds_of(map(len, groups), len(groups))
    assert exact_sums(np.array(list(chain.from_iterable(shuffled))), bounds).tolist() == [
        fsum(group) for group in groups
    ]


@given(levels=st.lists(st.floats(0, 100), min_size=1, max_size=6))
def test_a_statement_adds_up(levels: list[float]) -> None:
    """The parts that are shown add up to the score that is shown."""
    score, *parts = statement([np.array([level]) for level in levels])[:, 0].tolist()
    assert score == round(levels[-1], 6)
    assert sum(parts) == pytest.approx(score, abs=1e-9)


@given(
    facts=st.lists(dealings(), min_size=1, max_size=30, unique_by=lambda fact: fact.id),
    room=st.sampled_from((1, 4, 20_000)),
    journals=st.sampled_from((1, 200, 1 << 20)),
    later=st.integers(1, 40 * 24),
)
@settings(max_examples=40, deadline=None)
def test_accounts_together_say_what_each_says_alone(facts: list[Fact], room: int, journals: int, later: int) -> None:
    """However many accounts are looked at together, and in portions of whatever size, rows and states are the same."""
    together, alone = World(), World()
    for world in (together, alone):
        world.happen(*facts, act("share", "zoe", "yan"), act("post", "zoe", at=NOON - HOUR))
    now = Now(NOON + later * HOUR, NOON + later * HOUR - 75 * MINUTE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(account_rows, "TOGETHER", room)
        patch.setattr(accounts, "JOURNALS", journals)
        states = [(key, together._state(key)) for key in sorted(together.stored)]
        rows = Rows()
        dues = together.accounts.present_many(states, now, rows)
    said = {row[0]: encode_rows([row]) for row in rows.listed().get("account_scores", ())}
    for (key, state), due in zip(states, dues, strict=True):
        one, own = alone._state(key), Rows()
        assert alone.accounts.present(key, one, now, own) == due
        assert alone.accounts.dump(one) == together.accounts.dump(state)
        assert [encode_rows([row]) for row in own.listed().get("account_scores", ())] == [said[key]]


@pytest.mark.parametrize(("sizes", "runs"), [([], []), ([9], [[9]]), ([3, 1, 2, 9, 1, 1], [[3, 1], [2], [9], [1, 1]])])
def test_few_journals_are_read_at_a_time(
    sizes: list[int], runs: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as fit; one that does not fit alone is read alone."""
    monkeypatch.setattr(accounts, "JOURNALS", 4)
    items = [(str(number), Account(journal=bytes(size))) for number, size in enumerate(sizes)]
    seen: list[list[int]] = []

    def present(self: Accounts, some: Sequence[tuple[str, Account]], *_: Any) -> list[int]:
        seen.append([len(state.journal) for _, state in some])
        return [0] * len(some)

    monkeypatch.setattr(Accounts, "_present_run", present)
    assert Accounts().present_many(items, Now(0, 0), Rows()) == [0] * len(items)
    assert seen == runs
