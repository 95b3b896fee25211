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

from typing import Final

import numpy as np

from schemas.rows.table import Column
from streams.measures.account.columns import Floats, exact_sums, ratio, sums, within
from streams.measures.account.measure import StandingMeasure
from streams.measures.account.memory import Fading
from streams.measures.account.score import evidence, points, statement, weight
from streams.measures.account.views import StandingViews


def outreach(views: StandingViews) -> tuple[Floats, ...]:
    """Return outreach and its three parts.

    >>> from streams.measures.account.person import Person
    >>> from streams.measures.account.rhythm import Rhythm
    >>> from streams.measures.account.views import account
    >>> helped = [Person(out_earned=1440, given_fast=1000, given_slow=1000) for _ in range(16)]
    >>> rhythm = Rhythm(gave=1440, gave_fast=2000, gave_slow=2000)
    >>> days = [{"number": 0, "posts": 2, "promo": 1}]
    >>> MEASURE.rows(account(now=1440, people=helped, rhythm=rhythm, days=days))
    [(14.407052, 17.47406, 3.107443, -6.174451)]
    """
    row = np.zeros((4, len(views.now)))
    settings, people, rhythm = views.settings, views.people, views.rhythm
    helped = people.given_slow != 0
    bounds = within(helped, views.bounds)
    some = np.flatnonzero((bounds[1:] > bounds[:-1]) & (rhythm.gave != 0))
    if len(some):
        given = np.maximum(people.out_earned, people.out_bought)[helped]
        effort = Fading(views.now[views.whose[helped]] - given, settings).recalled(
            people.given_fast[helped], people.given_slow[helped]
        )
        breadth = (exact_sums(weight(effort, settings), bounds) * views.scale)[some]
        fading = Fading((views.now - rhythm.gave)[some], settings)
        found = points(evidence(breadth, fading.recalled(rhythm.gave_fast[some], rhythm.gave_slow[some])), settings)
        row[:, some] = statement(
            (
                points(evidence(breadth, fading.one), settings),
                found,
                found * (1.0 - np.minimum(_excess(views)[some], 1.0)),
            )
        )
    return tuple(row)


def _excess(views: StandingViews) -> Floats:
    """Return the share of self-promotion in posts of the last 30 days beyond what is healthy."""
    days, whose, count = views.days, views.day_of, len(views.now)
    late = days.number >= (views.today - 29)[whose]
    promo, posts = sums(days.promo * late, whose, count), sums(days.posts * late, whose, count)
    return np.maximum(np.nan_to_num(ratio(promo, posts)) - views.settings.healthy_promo, 0.0)


PARTS: Final = (
    ("outreach_people", "people it acted on lately; the same one counts less each time"),
    ("outreach_consistency", "it happened on many occasions, not on one"),
    ("outreach_self_promotion", "taken off: posts that promote itself, beyond a healthy share"),
)
"""The lines of the statement: column, and what it says."""

MEASURE: Final = StandingMeasure(
    (
        Column("outreach", "Float64", "what the account does for others, 0 to 100: the sum of the three parts"),
        *(Column(name, "Float64", f"points: {says}") for name, says in PARTS),
    ),
    outreach,
)
