"""Rows of cascades are what a recount of the accepted events finds, share by share."""

from __future__ import annotations

import random

import pytest

from streams.subjects.cascades import Cascades
from tests.recount.cascades import rows
from tests.recount.log import DAY, Crashing, read_by, seeds, unequal
from tests.recount.passing import passing


@pytest.mark.parametrize("seed", seeds(8))
def test_cascades_are_those_of_the_events(seed: int) -> None:
    """Every episode at any moment: size, shape, reach, tempo exactly, the forecast but for the minutes shares are grouped by.

    Silence counts from the last share, also from one that was undone if it was ever seen, so `as_of` of the end may be later.
    """
    world = passing(seed)
    pipe = Crashing(sources=world.sources, subjects=lambda: [Cascades()], rng=random.Random(seed))
    for known in read_by(pipe, world.parts(quietly=True)):
        said = {key: row for key, row in pipe.rows("cascade_episodes").items() if row["size"]}
        found = rows(known.events(), known.now, known.floor)
        for key in found.keys() & said.keys():
            if found[key]["final"] and 0 <= said[key]["as_of"] - found[key]["as_of"] < 3 * DAY // 1000:
                found[key]["as_of"] = said[key]["as_of"]
        assert unequal(said, found, loose=("forecast_size",), relatively=1e-5) == []
