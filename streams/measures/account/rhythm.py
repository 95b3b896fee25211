"""When an account acts and is acted upon: occasions, the gaps between actions, the first sight of it."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Final

import msgspec

from streams.measures.account.memory import UNIT, faded
from streams.measures.account.settings import ScoreSettings
from streams.subject import MINUTES_PER_DAY

ENGAGED: Final = 1
GAVE: Final = 2
ACTED: Final = 4
"""What happened in a minute: earned engagement, engagement with others, own actions."""
FORGOTTEN_AFTER: Final = 60
"""So many days (of UTC) after the last on which there was anything an account is forgotten, and a person or a post of one."""


class Rhythm(msgspec.Struct, array_like=True, gc=False):
    """Told in the order of event time (`beat`). Times in minutes since the epoch, 0 for never.

    An occasion is a stretch of `ScoreSettings.occasion` minutes in which anything happened; occasions fade as
    engagement does, so their sum says on how many occasions, lately, people acted because of the account, or
    the account for others: the lasting kind has many.
    """

    first: int = 0
    """First minute in which anything happened."""
    acted: int = 0
    """Last minute in which the account itself acted."""
    engaged: int = 0
    engaged_fast: int = 0
    engaged_slow: int = 0
    """Start of the last occasion of earned engagement, and the sums of such occasions as of then."""
    gave: int = 0
    gave_fast: int = 0
    gave_slow: int = 0
    """Start of the last occasion of engagement with others, and the sums as of then."""
    seen: int = 0
    """Last minute in which anything happened."""
    anew: int = 0
    """Minute in which it began anew after a long silence: what was before is forgotten."""

    def beat(self, minutes: Mapping[int, int], settings: ScoreSettings) -> list[tuple[int, int]]:
        """Note what happened in which minutes (ENGAGED | GAVE | ACTED); return the gaps between own actions that they end, each
        as the minute in which it ended and how many it lasted. They are later than any told before, in whatever order; one
        that was told already ends no gap.

        >>> rhythm, both = Rhythm(), ENGAGED | ACTED
        >>> rhythm.beat({1000: both, 1010: both, 1720: both}, ScoreSettings())
        [(1010, 10), (1720, 710)]
        >>> rhythm.engaged, rhythm.engaged_fast  # 1010 is no occasion of its own
        (1720, 1500)
        """
        occasion = settings.occasion
        seen, acted = self.seen, self.acted
        engaged, gave = self.engaged // occasion, self.gave // occasion
        gaps = []
        for minute in sorted(minutes):
            what = minutes[minute]
            if seen and minute // MINUTES_PER_DAY - seen // MINUTES_PER_DAY >= FORGOTTEN_AFTER:
                # Whoever looked in between has released the account; whoever did not shall say the same.
                self.first = self.engaged = self.gave = acted = engaged = gave = 0
                self.engaged_fast = self.engaged_slow = self.gave_fast = self.gave_slow = 0
                self.anew = minute
            if minute > seen:
                seen = minute
            if not self.first:
                self.first = minute
            if what & ENGAGED and minute // occasion > engaged:
                engaged = minute // occasion
                sums = self.engaged_fast, self.engaged_slow
                self.engaged_fast, self.engaged_slow = _one_more(*sums, minute - self.engaged, settings)
                self.engaged = minute
            if what & GAVE and minute // occasion > gave:
                gave = minute // occasion
                self.gave_fast, self.gave_slow = _one_more(self.gave_fast, self.gave_slow, minute - self.gave, settings)
                self.gave = minute
            if what & ACTED:
                if acted and minute != acted:
                    gaps.append((minute, minute - acted))
                acted = minute
        self.seen, self.acted = seen, acted
        return gaps

    def copy(self) -> Rhythm:
        """Return a rhythm that can be changed without changing this one."""
        return copy(self)


def _one_more(fast: int, slow: int, age: int, settings: ScoreSettings) -> tuple[int, int]:
    """Return the sums of occasions with one more, `age` minutes after the last."""
    return faded(fast, age, settings.fast) + UNIT, faded(slow, age, settings.slow) + UNIT
