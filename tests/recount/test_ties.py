"""Ties by day are what a recount of the accepted events finds, at any moment."""

from __future__ import annotations

import random

import pytest

from streams.subjects.ties import Ties
from tests.recount.chatter import chatter
from tests.recount.log import Crashing, read_by, seeds, unequal
from tests.recount.ties import ties


@pytest.mark.parametrize("seed", seeds(12))
def test_ties_are_those_of_the_events(seed: int) -> None:
    """Counts to the last one; weights but for the millionths to which each action is rounded."""
    world = chatter(seed)
    pipe = Crashing(sources=world.sources, subjects=lambda: [Ties()], rng=random.Random(seed))
    for number, known in enumerate(read_by(pipe, world.parts())):
        if number % 10 == 0:
            assert unequal(pipe.rows("ties"), ties(known.events()), within=1e-5) == []
    assert unequal(pipe.rows("ties"), ties(known.events()), within=1e-5) == []
    assert len(pipe.rows("ties")) > 50
