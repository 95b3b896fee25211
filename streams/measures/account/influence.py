"""Influence, 0 to 100: what others do because of you.

- Definition: engagement of distinct people, weighted by effort, lately, unasked, on many occasions; less what
  one person alone could have made.
- Formula, as of a time T, with fading as in `memory`: eᵢ = faded effort of person i that was earned, answers
  to one's own turning to them at half, plus disclosed incentivised effort at a quarter (undisclosed at
  nothing); breadth B = Σ weight(eᵢ), weight(e) = 2e / (e + 1); occasions O = faded number of stretches of 3 h
  with earned engagement; evidence E = √(B · min(B, O)) − 2, as 2 is the most that one person can weigh;
  influence = 100 · ln(1 + E) / ln(1 + 10,000), less 20 % while a follower jump is flagged. The statement puts
  in one of these after the other, so its parts add up to the score.
- Units: points. Followers add nothing.
- Source: docs/decisions/0005-influence.md, where it is tried on what came next.
- Fooled by: many accounts of one person that act on several occasions. Undone engagement counts nothing.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from schemas.rows.table import Column
from streams.measures.account.columns import Flags, Floats, exact_sums, rounded, within
from streams.measures.account.follower_jumps import flagged
from streams.measures.account.measure import StandingMeasure
from streams.measures.account.memory import Fading
from streams.measures.account.score import evidence, points, statement, weight
from streams.measures.account.views import StandingViews


def influence(views: StandingViews) -> tuple[Floats, ...]:
    """Return influence, its six parts in the order of the columns, and the evidence before doubt.

    >>> from streams.measures.account.person import Person
    >>> from streams.measures.account.rhythm import Rhythm
    >>> from streams.measures.account.views import account
    >>> fans = [Person(in_earned=1440, fast=1000, slow=1000, warm=1) for _ in range(16)]
    >>> rhythm = Rhythm(engaged=1440, engaged_fast=1000, engaged_slow=1000)
    >>> MEASURE.rows(account(now=1440, people=fans, rhythm=rhythm))  # √16 − 2, people less doubt
    [(11.927902, 17.47406, 0.0, 0.0, 0.0, -5.546158, 0.0, 4.0)]
    >>> MEASURE.rows(account(now=1440, people=fans[:1], rhythm=rhythm))[0][0]
    0.0
    """
    row = np.zeros((8, len(views.now)))
    settings, rhythm = views.settings, views.rhythm
    people = (views.people.slow != 0) | (views.people.bought_slow != 0)
    bounds = within(people, views.bounds)
    some = np.flatnonzero((bounds[1:] > bounds[:-1]) & (rhythm.engaged != 0))
    if len(some):
        weights = _weights(views, people)
        unprompted, wanted, breadth = ((exact_sums(each, bounds) * views.scale)[some] for each in weights)
        fading = Fading((views.now - rhythm.engaged)[some], settings)
        latest = fading.one
        found = evidence(breadth, fading.recalled(rhythm.engaged_fast[some], rhythm.engaged_slow[some]))
        score = points(found - settings.one_person, settings)
        row[:7, some] = statement(
            (
                points(evidence(unprompted, latest), settings),
                points(evidence(wanted, latest), settings),
                points(evidence(breadth, latest), settings),
                points(found, settings),
                score,
                np.where(flagged(views)[some], score * (1.0 - settings.jump_share), score),
            )
        )
        row[7, some] = rounded(found)
    return tuple(row)


def _weights(views: StandingViews, who: Flags) -> tuple[Floats, Floats, Floats]:
    """Return what each of the people `who` counts: unasked, with answers cut, with what was got for something."""
    settings, people = views.settings, views.people
    fading = Fading(views.now[views.whose[who]] - np.maximum(people.in_earned, people.in_bought)[who], settings)
    unasked = fading.recalled(people.fast[who], people.slow[who])
    answers = fading.recalled(people.answer_fast[who], people.answer_slow[who])
    bought = fading.recalled(people.bought_fast[who], people.bought_slow[who])
    earned = unasked - (1.0 - settings.answer_share) * answers
    everything = earned + settings.incentivised_share * bought
    return weight(unasked, settings), weight(earned, settings), weight(everything, settings)


PARTS: Final = (
    ("influence_people", "people who acted on it lately; one who acts often counts less each time"),
    ("influence_answers", "taken off: people it had turned to first, who only answered"),
    ("influence_incentivised", "what was done for something in return and says so, at a quarter"),
    ("influence_consistency", "it happened on many occasions, not on one"),
    ("influence_doubt", "taken off: as much as one keen person could do alone"),
    ("influence_follower_jump", "taken off: followers that look bought"),
)
"""The lines of the statement: column, and what it says."""

MEASURE: Final = StandingMeasure(
    (
        Column(
            "influence",
            "Float64",
            "what others do because of the account, 0 to 100: the sum of the six parts",
        ),
        *(Column(name, "Float64", f"points: {says}") for name, says in PARTS),
        Column("influence_evidence", "Float64", "geometric mean of people and occasions before doubt, not scaled"),
    ),
    influence,
)
