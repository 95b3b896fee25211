"""Rows of accounts, every column of every window, are what a recount of the accepted events finds."""

from __future__ import annotations

import random

import pytest

from streams.subjects.accounts import Accounts
from streams.tables import ALL_TABLES
from tests.recount.accounts import scores
from tests.recount.chatter import chatter
from tests.recount.log import Crashing, read_by, seeds, unequal


@pytest.mark.parametrize("seed", seeds(8))
def test_scores_are_those_of_the_events(seed: int) -> None:
    """At any moment; points but for the thousandths to which faded sums are rounded again and again."""
    world = chatter(seed)
    pipe = Crashing(sources=world.sources, subjects=lambda: [Accounts()], rng=random.Random(seed))
    for known in read_by(pipe, world.parts()):
        said, found = pipe.rows("account_scores"), scores(known.events(), known.now)
        assert unequal(said, found, loose=("influence", "outreach"), loosely=0.02) == []
        assert not found or set(next(iter(found.values()))) == set(ALL_TABLES["account_scores"].names)
