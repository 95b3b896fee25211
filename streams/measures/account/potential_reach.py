"""Potential reach: how many could have seen it, at most.

- Definition: followers of the account (last known, all networks) and, for each distinct person who amplified
  it in the window, theirs at the last amplification that said them.
- Formula: Σ followers over distinct {author, amplifiers}; the author counts once anything was amplified or
  posted.
- Units: followers.
- Source: the upper bound that is sold as "reach" or "potential impressions"; hence the name.
- Fooled by: overlap of audiences, sleeping and bought followers. It bounds from above and says no more.
  Beyond 512 people it is scaled up from a sample, and one amplifier with a huge audience more or less in it
  moves it a lot.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from schemas.fact import POST, QUOTE, REPLY
from streams.measures.account.columns import Ints
from streams.measures.account.measure import WindowMeasure, split
from streams.measures.account.views import WindowViews

_LIMIT: Final = 1 << 62
"""More than all followers there can be: what is scaled up beyond it is cut."""


def potential_reach(views: WindowViews) -> tuple[Ints, ...]:
    """Return the reach through all amplifiers, through those who earned it, through incentivised ones.

    >>> from streams.measures.account.person import Person
    >>> from streams.measures.account.views import window
    >>> ada, bob = Person(amplified_earned=100, followers=50), Person(amplified_bought=99, followers=7)
    >>> MEASURE.rows(window(people=(ada, bob), start=90, followers=1000))
    [(1057, 1050, 1007)]
    """
    people, since, given = views.people, views.since, views.given
    earned, bought = people.amplified_earned >= since, people.amplified_bought >= since
    amplified = earned | bought
    wrote = (given[POST] > 0) | (given[REPLY] > 0) | (given[QUOTE] > 0)
    own = np.where((views.followers > 0) & (wrote | (views.count(amplified) > 0)), views.followers, 0)
    through = (views.total(people.followers * who) for who in (amplified, earned, bought))
    return tuple(own + np.minimum(reach, _LIMIT // views.scale) * views.scale for reach in through)


MEASURE: Final = WindowMeasure(
    split("potential_reach", "UInt64", "followers of the account and of distinct amplifiers, an upper bound"),
    potential_reach,
)
