"""What an account keeps of one other person.

For everything that people are counted by, the time it last happened is kept. Every window ends now, so a
person belongs to a window exactly when that time lies in it: one number serves all windows, and merging two
records is taking the later.
"""

from __future__ import annotations

from copy import copy
from typing import Final

import msgspec

from schemas.fact import (
    AMPLIFYING,
    EARNED,
    FOLLOW,
    INCENTIVISED,
    LIKE,
    MENTION,
    QUOTE,
    RECOMMEND,
    SHARE,
    TAG,
    UNFOLLOW,
)
from streams.measures.account.memory import UNIT, faded
from streams.measures.account.settings import ScoreSettings
from streams.subject import MINUTES_PER_DAY, MINUTES_PER_HOUR

RETURN_WITHIN: Final = 7 * MINUTES_PER_DAY
"""What is given has come back when the other acts towards one within this."""
VISIT_GAP: Final = MINUTES_PER_HOUR
"""Who comes back after at least this much silence comes again."""
SWAP_WITHIN: Final = 10
"""Applause that is returned this soon is a swap."""
SWAPS: Final = 3
"""So many swaps with one person look like quid pro quo."""

ASKING: Final = frozenset({MENTION, TAG, FOLLOW})
"""Given kinds that want something of who receives them."""
APPLAUDING: Final = frozenset({LIKE, SHARE, QUOTE, RECOMMEND})
"""Kinds worth trading; replies are conversation, however quick."""
AUDIENCE: Final = frozenset({FOLLOW, UNFOLLOW})


class Person(msgspec.Struct, array_like=True, gc=False):
    """One other person. Times in minutes since the epoch, 0 for never; sums of effort as in `memory`.

    Must be told what happened in the order of event time (`receive`, `give`); within a minute, what is
    received comes before what is given, and then by kind.
    """

    in_earned: int = 0
    """Last engagement from them that was earned."""
    in_bought: int = 0
    """Last engagement from them made for something in return."""
    amplified_earned: int = 0
    amplified_bought: int = 0
    followers: int = 0
    """Of theirs, at their last amplification that says so."""
    visited: int = 0
    """Last engagement that they came back from, after a silence."""
    out_earned: int = 0
    """Last engagement with them, for nothing in return."""
    out_bought: int = 0
    returned: int = 0
    """Last engagement with them that came back within RETURN_WITHIN."""
    asked: int = 0
    """Last time they were mentioned, tagged or followed."""
    cold: int = 0
    """Last time they were asked with no exchange before."""
    warm: int = 0
    """1 once there was an exchange: they engaged, or were given more than a request."""
    swaps: int = 0
    swapped: int = 0
    """Times applause was returned within SWAP_WITHIN, and the last of them."""
    fast: int = 0
    slow: int = 0
    """Effort of theirs, earned; as of their last engagement."""
    answer_fast: int = 0
    answer_slow: int = 0
    """Of it, what answered one's own turning to them."""
    bought_fast: int = 0
    bought_slow: int = 0
    """Effort of theirs that was made for something in return and said so."""
    given_fast: int = 0
    given_slow: int = 0
    """Effort spent on them; as of the last engagement with them."""

    @property
    def seen(self) -> int:
        """Return when anything last happened."""
        return max(self.in_earned, self.in_bought, self.out_earned, self.out_bought, self.asked)

    def receive(self, minute: int, kind: int, klass: int, times: int, followers: int, settings: ScoreSettings) -> None:
        """Note engagement from them: `kind` is none of AUDIENCE, `times` is positive, `followers` may be
        unknown."""
        last = self.in_earned if self.in_earned > self.in_bought else self.in_bought
        given = self.out_earned if self.out_earned > self.out_bought else self.out_bought
        self.warm = 1
        if given:
            if minute - given <= RETURN_WITHIN:
                self.returned = given
            if minute - given <= SWAP_WITHIN and kind in APPLAUDING:
                self.swaps += 1
                self.swapped = minute
        if last:
            if minute - last >= VISIT_GAP:
                self.visited = last
            if minute > last:
                self._fade(minute - last, settings)
        effort = round(settings.effort[kind] * UNIT) * times
        if klass == EARNED:
            self.in_earned = minute
            self.fast += effort
            self.slow += effort
            if given and minute - given <= settings.answer_within:
                self.answer_fast += effort
                self.answer_slow += effort
        else:
            self.in_bought = minute
            if klass == INCENTIVISED:
                self.bought_fast += effort
                self.bought_slow += effort
        if kind in AMPLIFYING:
            if klass == EARNED:
                self.amplified_earned = minute
            else:
                self.amplified_bought = minute
            if followers >= 0:
                self.followers = followers

    def give(self, minute: int, kind: int, klass: int, times: int, settings: ScoreSettings) -> None:
        """Note engagement with them, or a follow of them (no unfollow)."""
        cold = False
        if kind in ASKING:
            self.asked = minute
            if not self.warm:
                self.cold = minute
                cold = True
            if kind == FOLLOW:
                return
        else:
            self.warm = 1
        last = self.in_earned if self.in_earned > self.in_bought else self.in_bought
        if last and minute - last <= SWAP_WITHIN and kind in APPLAUDING:
            self.swaps += 1
            self.swapped = minute
        given = self.out_earned if self.out_earned > self.out_bought else self.out_bought
        age = minute - given
        if self.given_slow and age:
            self.given_fast = faded(self.given_fast, age, settings.fast)
            self.given_slow = faded(self.given_slow, age, settings.slow)
        effort = 0 if cold else round(settings.effort[kind] * UNIT) * times
        if klass == EARNED:
            self.out_earned = minute
        else:
            self.out_bought = minute
            effort = round(effort * settings.incentivised_share) if klass == INCENTIVISED else 0
        self.given_fast += effort
        self.given_slow += effort

    def _fade(self, age: int, settings: ScoreSettings) -> None:
        fast, slow = settings.fast, settings.slow
        if self.slow:
            self.fast, self.slow = faded(self.fast, age, fast), faded(self.slow, age, slow)
        if self.answer_slow:
            self.answer_fast = faded(self.answer_fast, age, fast)
            self.answer_slow = faded(self.answer_slow, age, slow)
        if self.bought_slow:
            self.bought_fast = faded(self.bought_fast, age, fast)
            self.bought_slow = faded(self.bought_slow, age, slow)

    def copy(self) -> Person:
        """Return a record that can be changed without changing this one."""
        return copy(self)
