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

from schemas.rows.table import Column
from streams.measures.account.follower_jumps import flagged
from streams.measures.account.measure import StandingMeasure, StandingView
from streams.measures.account.memory import recalled
from streams.measures.account.score import evidence, points, statement, weight


def influence(view: StandingView) -> tuple[float, ...]:
    """Return influence, its six parts in the order of the columns, and the evidence before doubt.

    >>> from streams.measures.account.person import Person
    >>> from streams.measures.account.rhythm import Rhythm
    >>> fans = [Person(in_earned=1440, fast=1000, slow=1000, warm=1) for _ in range(16)]
    >>> rhythm = Rhythm(engaged=1440, engaged_fast=1000, engaged_slow=1000)
    >>> influence(StandingView(now=1440, people=fans, rhythm=rhythm))  # √16 − 2, people less doubt
    (11.927901, 17.47406, 0.0, 0.0, 0.0, -5.546159, 0.0, 4.0)
    >>> influence(StandingView(now=1440, people=fans[:1], rhythm=rhythm))[0]
    0.0
    """
    settings, now = view.settings, view.now
    kept = 1.0 - settings.answer_share
    unasked = earned = everything = 0.0
    for person in view.people:
        seen = person.in_earned if person.in_earned > person.in_bought else person.in_bought
        if not seen:
            continue
        age = now - seen
        effort = recalled(person.fast, person.slow, age, settings)
        unasked += weight(effort, settings)
        if person.answer_slow:
            effort -= kept * recalled(person.answer_fast, person.answer_slow, age, settings)
        earned += weight(effort, settings)
        if person.bought_slow:
            bought = recalled(person.bought_fast, person.bought_slow, age, settings)
            effort += settings.incentivised_share * bought
        everything += weight(effort, settings)
    if everything <= 0.0:
        return _NOTHING
    scale, rhythm = view.scale, view.rhythm
    age = now - rhythm.engaged
    latest = recalled(1000, 1000, age, settings) if rhythm.engaged else 0.0
    occasions = recalled(rhythm.engaged_fast, rhythm.engaged_slow, age, settings)
    found = evidence(everything * scale, occasions)
    score = points(found - settings.one_person, settings)
    levels = (
        points(evidence(unasked * scale, latest), settings),
        points(evidence(earned * scale, latest), settings),
        points(evidence(everything * scale, latest), settings),
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
        Column(
            "influence_evidence", "Float64", "geometric mean of people and occasions before doubt, not scaled"
        ),
    ),
    influence,
)
