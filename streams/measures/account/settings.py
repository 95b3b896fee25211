"""What the scores weigh, and how fast they forget. Passed in; the values here are the defaults.

Where the figures come from is in docs/decisions/0005-influence.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from schemas.event import KINDS
from schemas.fact import CLICK, LIKE, MENTION, QUOTE, RECOMMEND, REFERRAL, REPLY, SHARE, TAG
from streams.subject import MINUTES_PER_DAY, MINUTES_PER_HOUR


def _efforts() -> tuple[float, ...]:
    efforts = {
        LIKE: 0.25,
        CLICK: 0.25,
        REPLY: 0.5,
        MENTION: 0.5,
        SHARE: 1.0,
        QUOTE: 1.0,
        TAG: 1.0,
        RECOMMEND: 1.5,
        REFERRAL: 1.5,
    }
    return tuple(efforts.get(kind, 0.0) for kind in range(len(KINDS)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreSettings:
    """Settings of influence and outreach. Times in minutes."""

    effort: tuple[float, ...] = _efforts()
    """What an action of each kind costs who does it; a share is 1."""
    fast: int = 12 * MINUTES_PER_HOUR
    """Half-life of what is talked about."""
    slow: int = 14 * MINUTES_PER_DAY
    """Half-life of what is remembered."""
    slow_share: float = 0.3
    """How much of an action is remembered rather than talked about."""
    zeal: float = 1.0
    """Effort at which one person counts half as much as it ever can; see `one_person`."""
    occasion: int = 3 * MINUTES_PER_HOUR
    """Engagement within the same so many minutes is one occasion."""
    answer_within: int = MINUTES_PER_DAY
    """Engagement that comes this soon after having turned to somebody is an answer."""
    answer_share: float = 0.5
    """What of an answer counts: nobody was moved unasked."""
    incentivised_share: float = 0.25
    """What of an engagement counts that was made for something in return and says so; undisclosed counts
    nothing."""
    jump_share: float = 0.2
    """What a flagged follower jump takes off the influence while it is in the last 30 days."""
    healthy_promo: float = 0.2
    """Share of self-promotion among posts that takes nothing off the outreach."""
    ceiling: float = 10_000.0
    """Evidence at which a score is 100."""

    @property
    def one_person(self) -> float:
        """Return the most that one person can ever count, in fresh shares of one person."""
        return 1.0 + self.zeal


DEFAULTS: Final = ScoreSettings()
