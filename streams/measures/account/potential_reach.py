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

from schemas.fact import POST, QUOTE, REPLY
from streams.measures.account.measure import WindowMeasure, WindowView, split


def potential_reach(view: WindowView) -> tuple[int, int, int]:
    """Return the reach through all amplifiers, through those who earned it, through incentivised ones.

    >>> from streams.measures.account.person import Person
    >>> ada, bob = Person(amplified_earned=100, followers=50), Person(amplified_bought=99, followers=7)
    >>> potential_reach(WindowView(people=(ada, bob), start=90, followers=1000))
    (1057, 1050, 1007)
    """
    start = view.start
    everyone = earned = bought = amplifiers = 0
    for person in view.people:
        by_earned, by_bought = person.amplified_earned >= start, person.amplified_bought >= start
        if by_earned or by_bought:
            amplifiers += 1
            everyone += person.followers
            if by_earned:
                earned += person.followers
            if by_bought:
                bought += person.followers
    given = view.given
    own = view.followers
    if own <= 0 or not (amplifiers or given[POST] > 0 or given[REPLY] > 0 or given[QUOTE] > 0):
        own = 0
    scale = view.scale
    return (own + everyone * scale, own + earned * scale, own + bought * scale)


MEASURE: Final = WindowMeasure(
    split("potential_reach", "UInt64", "followers of the account and of distinct amplifiers, an upper bound"),
    potential_reach,
)
