"""Standings, links, entries, signals and rewards of campaigns are what a recount of the accepted events finds."""

from __future__ import annotations

import random

import pytest

from streams.campaigns.rulebook import Rulebook
from streams.subjects.registry import chosen
from tests.recount.campaigning import campaigning
from tests.recount.campaigns import Campaign
from tests.recount.log import Crashing, read_by, seeds, unequal

SHOWN = {
    "campaign_entries": lambda row: row["stands"],
    "campaign_points": lambda row: row["points"] or row["disclosed"] or row["undisclosed"],
    "campaign_links": lambda row: row["sponsor"],
    "campaign_trees": lambda row: row["members"] or row["refused"],
}


@pytest.mark.parametrize("seed", seeds(30))
def test_campaigns_are_those_of_the_events(seed: int) -> None:
    """Whatever stands at any moment; rewards and signals when all is over."""
    world, rules = campaigning(seed)
    rulebook = Rulebook(rules)
    pipe = Crashing(
        sources=world.sources,
        subjects=lambda: chosen(["mayors", "campaigns", "entrants"], rulebook=rulebook),
        rng=random.Random(seed),
    )
    for known in read_by(pipe, world.parts()):
        recounted = [Campaign(rule, known.events(), known.now) for rule in rules]
        for table, shown in SHOWN.items():
            said = {key: row for key, row in pipe.rows(table).items() if shown(row)}
            name = table.removeprefix("campaign_")
            found = {key: row for each in recounted for key, row in getattr(each, name)().items()}
            assert unequal(said, found) == []
    rewards = [row for row in pipe.rows("rewards").values() if not row["reason"]]
    assert {(row["campaign"], row["account"], row["at"], row["which"]) for row in rewards} == {
        reward for each in recounted for reward in each.rewards()
    }
    signals = {key: row["count"] for key, row in pipe.rows("campaign_signals").items() if row["count"]}
    assert signals == {key: count for each in recounted for key, count in each.signals().items()}
    points = pipe.rows("campaign_points").values()
    assert all(row["final"] for row in points if SHOWN["campaign_points"](row))
    assert points
