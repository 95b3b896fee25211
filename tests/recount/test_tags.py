"""Rises of hashtags are what a recount of the accepted events finds, bucket by bucket."""

from __future__ import annotations

import random

import pytest

from streams.subjects.tags import Tags
from tests.recount.log import Crashing, read_by, seeds, unequal
from tests.recount.tags import rises
from tests.recount.talking import talking


@pytest.mark.parametrize("seed", seeds(8))
def test_rises_are_those_of_the_events(seed: int) -> None:
    """Every rise at any moment, and none that was withdrawn; numbers to the thousandths that are said."""
    world = talking(seed)
    pipe = Crashing(sources=world.sources, subjects=lambda: [Tags()], rng=random.Random(seed))
    for known in read_by(pipe, world.parts()):
        said = {key: row for key, row in pipe.rows("trends").items() if row["raised_at"]}
        assert unequal(said, rises(known.events(), known.now), within=0.0006) == []
