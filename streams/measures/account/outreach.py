"""Outreach, 0 to 100: what you do for others.

- Definition: the form of `influence` on what was given to distinct people. A mention or a tag of somebody
  with whom there was no exchange asks and gives nothing. Self-promotion beyond the healthy share lowers it.
- Formula: B = Σ weight(gᵢ), gᵢ = faded effort spent on person i (what was made for something in return at a
  quarter, undisclosed at nothing); O = faded occasions of giving; evidence √(B · min(B, O)), without doubt:
  giving to one person is giving. points · (1 − max(0, r − h)), r = promo posts / posts of the last 30 days, h
  = 0.2.
- Units: points. Source: Kred keeps what others do for you and what you do for others apart; so do we.
- Fooled by: giving that is worth nothing to who receives it, such as likes sprayed over strangers.
"""

from __future__ import annotations

from math import fsum
from typing import Final

from schemas.rows.table import Column
from streams.measures.account.measure import StandingMeasure, StandingView
from streams.measures.account.memory import UNIT, recalled
from streams.measures.account.score import evidence, points, statement, weight


def outreach(view: StandingView) -> tuple[float, ...]:
    """Return outreach and its three parts.

    >>> from streams.measures.account.measure import Day
    >>> from streams.measures.account.person import Person
    >>> from streams.measures.account.rhythm import Rhythm
    >>> helped = [Person(out_earned=1440, given_fast=1000, given_slow=1000) for _ in range(16)]
    >>> rhythm = Rhythm(gave=1440, gave_fast=2000, gave_slow=2000)
    >>> outreach(StandingView(now=1440, people=helped, rhythm=rhythm, days={0: Day(posts=2, promo=1)}))
    (14.407052, 17.47406, 3.107443, -6.174451)
    """
    settings, now = view.settings, view.now
    weights = []
    for person in view.people:
        if person.given_slow:
            given = person.out_earned if person.out_earned > person.out_bought else person.out_bought
            effort = recalled(person.given_fast, person.given_slow, now - given, settings)
            weights.append(weight(effort, settings))
    rhythm = view.rhythm
    if not weights or not rhythm.gave:
        return (0.0, 0.0, 0.0, 0.0)
    breadth = fsum(weights) * view.scale
    age = now - rhythm.gave
    found = points(evidence(breadth, recalled(rhythm.gave_fast, rhythm.gave_slow, age, settings)), settings)
    since = view.today - 29
    posts = promo = 0
    for number, day in view.days.items():
        if number >= since:
            posts += day.posts
            promo += day.promo
    excess = max(0.0, promo / posts - settings.healthy_promo) if posts > 0 else 0.0
    return statement(
        (
            points(evidence(breadth, recalled(UNIT, UNIT, age, settings)), settings),
            found,
            found * (1.0 - min(excess, 1.0)),
        )
    )


PARTS: Final = (
    ("outreach_people", "people engaged with, lately, each counting less the more it got"),
    ("outreach_consistency", "the same again on other occasions"),
    ("outreach_self_promotion", "self-promotion beyond the healthy share of posts"),
)
"""The lines of the statement: column, and what it says."""

MEASURE: Final = StandingMeasure(
    (
        Column("outreach", "Float64", "what the account does for others, 0 to 100: the sum of the three parts"),
        *(Column(name, "Float64", f"points: {says}") for name, says in PARTS),
    ),
    outreach,
)
