"""Titles of venues are what a recount of the accepted check-ins finds."""

from __future__ import annotations

import random

import pytest

from streams.subjects.mayors import Mayors
from tests.recount.log import Crashing, read_by, seeds
from tests.recount.mayors import rows
from tests.recount.visiting import visiting


@pytest.mark.parametrize("seed", seeds(6))
def test_mayors_are_those_of_the_check_ins(seed: int) -> None:
    """Every title from when until when, at any moment."""
    world = visiting(seed)
    pipe = Crashing(sources=world.sources, subjects=lambda: [Mayors()], rng=random.Random(seed))
    for known in read_by(pipe, world.parts()):
        said = {key: row["titles"] for key, row in pipe.rows("venue_titles").items() if row["titles"]}
        assert {key: [tuple(title) for title in some] for key, some in said.items()} == rows(known.events(), known.now)
    assert sum(map(len, said.values())) > 3
