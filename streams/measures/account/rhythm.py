"""When an account acts and is acted upon: occasions, the gaps between actions, the first sight of it."""

from __future__ import annotations

from copy import copy
from typing import Final

import msgspec

from streams.measures.account.memory import UNIT, faded
from streams.measures.account.settings import DAY, ScoreSettings

FORGOTTEN_AFTER: Final = 60
"""After so many days without anything an account is forgotten."""


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

    def beat(self, minute: int, engaged: bool, gave: bool, acted: bool, settings: ScoreSettings) -> int:
        """Note a minute with earned engagement, engagement with others, own actions; return the gap it ends,
        or 0.

        >>> rhythm, settings = Rhythm(), ScoreSettings()
        >>> [rhythm.beat(minute, True, False, True, settings) for minute in (1000, 1010, 1720)]
        [0, 10, 710]
        >>> rhythm.engaged, rhythm.engaged_fast  # 1010 is no occasion of its own
        (1720, 1500)
        """
        if minute // DAY - self.seen // DAY >= FORGOTTEN_AFTER and self.seen:
            # Whoever looked in between has released the account; whoever did not shall say the same.
            self.first = self.acted = self.engaged = self.gave = 0
            self.engaged_fast = self.engaged_slow = self.gave_fast = self.gave_slow = 0
            self.anew = minute
        self.seen = max(self.seen, minute)
        if not self.first:
            self.first = minute
        if engaged and minute // settings.occasion > self.engaged // settings.occasion:
            if self.engaged:
                age = minute - self.engaged
                self.engaged_fast = faded(self.engaged_fast, age, settings.fast)
                self.engaged_slow = faded(self.engaged_slow, age, settings.slow)
            self.engaged_fast += UNIT
            self.engaged_slow += UNIT
            self.engaged = minute
        if gave and minute // settings.occasion > self.gave // settings.occasion:
            if self.gave:
                age = minute - self.gave
                self.gave_fast = faded(self.gave_fast, age, settings.fast)
                self.gave_slow = faded(self.gave_slow, age, settings.slow)
            self.gave_fast += UNIT
            self.gave_slow += UNIT
            self.gave = minute
        if not acted:
            return 0
        gap = minute - self.acted if self.acted else 0
        self.acted = minute
        return gap

    def copy(self) -> Rhythm:
        """Return a rhythm that can be changed without changing this one."""
        return copy(self)
