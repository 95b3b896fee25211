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

from math import fsum
from typing import Final

from schemas.rows.table import Column
from streams.measures.account.follower_jumps import flagged
from streams.measures.account.measure import StandingMeasure, StandingView
from streams.measures.account.memory import UNIT, recalled
from streams.measures.account.score import evidence, points, statement, weight


def influence(view: StandingView) -> tuple[float, ...]:
    """Return influence, its six parts in the order of the columns, and the evidence before doubt.

    >>> from streams.measures.account.person import Person
    >>> from streams.measures.account.rhythm import Rhythm
    >>> fans = [Person(in_earned=1440, fast=1000, slow=1000, warm=1) for _ in range(16)]
    >>> rhythm = Rhythm(engaged=1440, engaged_fast=1000, engaged_slow=1000)
    >>> influence(StandingView(now=1440, people=fans, rhythm=rhythm))  # √16 − 2, people less doubt
    (11.927902, 17.47406, 0.0, 0.0, 0.0, -5.546158, 0.0, 4.0)
    >>> influence(StandingView(now=1440, people=fans[:1], rhythm=rhythm))[0]
    0.0
    """
    settings, now, rhythm = view.settings, view.now, view.rhythm
    answer_cut, bought_share = 1.0 - settings.answer_share, settings.incentivised_share
    unasked, earned, everything = [], [], []
    for person in view.people:
        fast, slow = person.fast, person.slow
        if slow or person.bought_slow:
            age = now - (person.in_earned if person.in_earned > person.in_bought else person.in_bought)
            effort = recalled(fast, slow, age, settings)
            counts = weight(effort, settings)
            unasked.append(counts)
            if person.answer_slow:
                answers = recalled(person.answer_fast, person.answer_slow, age, settings)
                effort -= answer_cut * answers
                counts = weight(effort, settings)
            earned.append(counts)
            if person.bought_slow:
                bought = recalled(person.bought_fast, person.bought_slow, age, settings)
                counts = weight(effort + bought_share * bought, settings)
            everything.append(counts)
    if not everything or not rhythm.engaged:
        return _NOTHING
    # fsum, because a plain sum would depend on the order of people.
    unprompted, wanted, breadth = (fsum(each) * view.scale for each in (unasked, earned, everything))
    age = now - rhythm.engaged
    latest = recalled(UNIT, UNIT, age, settings)
    occasions = recalled(rhythm.engaged_fast, rhythm.engaged_slow, age, settings)
    found = evidence(breadth, occasions)
    score = points(found - settings.one_person, settings)
    levels = (
        points(evidence(unprompted, latest), settings),
        points(evidence(wanted, latest), settings),
        points(evidence(breadth, latest), settings),
        points(found, settings),
        score,
        score * (1.0 - settings.jump_share) if score and flagged(view) else score,
    )
    return (*statement(levels), round(found, 6))


_NOTHING: Final = (0.0,) * 8

PARTS: Final = (
    ("influence_people", "people who acted, lately, each counting less the more it acts"),
    ("influence_answers", "of these, answers to one's own turning to them"),
    ("influence_incentivised", "engagement made for something in return that says so"),
    ("influence_consistency", "the same again on other occasions"),
    ("influence_doubt", "what one person alone could have made"),
    ("influence_follower_jump", "followers that look bought"),
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
