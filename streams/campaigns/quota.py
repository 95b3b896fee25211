"""Rewards of which there are only so many: who comes first in event time is served, once nobody can come
before. Pure.

A claim is an account and what it is for (a period, a newcomer). Claims wait until they are settled, since an
earlier one may still come late, or one be undone; then they are served in order of time, account and what
for, as far as the caps allow. So a reward of a capped campaign is said later (by lateness and horizon) but
never taken back, but for a disqualification.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any, Final, NamedTuple

import msgspec

from streams.campaigns.ids import short_hash
from streams.campaigns.rule import Caps
from streams.subject import DAY

MAX_OPEN: Final = 1_500_000
"""Bytes of what waits, 15,000 claims with names of 64 bytes, so more than a cap may be: beyond it the latest give way, which had
the least hope."""
MAX_AWARDS: Final = 1_500_000
"""Bytes of what is remembered in case of a disqualification: beyond it the oldest can no longer be taken back."""


class Award(NamedTuple):
    """`account` has the reward for `which`, claimed at `at` (ms); `lost` if that was taken back."""

    account: str
    which: str
    at: int
    lost: bool = False


class Quota(msgspec.Struct, array_like=True, omit_defaults=True):
    """What waits, and what has been given out."""

    open: dict[tuple[int, str, str], int] = {}
    """(time, account, what for) → claims that stand; 0 or less where undone"""
    taken: dict[int, int] = {}
    """account and what for, hashed → 1"""
    accounts: dict[int, tuple[int, int, int]] = {}
    """account, hashed → rewards, day of the last, rewards on that day"""
    total: int = 0
    day: int = -1
    day_total: int = 0
    awards: list[Award] = []

    def add(self, at: int, account: str, which: str, sign: int) -> None:
        """Add a claim, or take it back."""
        self.open[at, account, which] = self.open.get((at, account, which), 0) + sign

    def settle(self, floor: int, caps: Caps) -> list[Award]:
        """Serve the claims made before `floor`; return what is new."""
        due = sorted(claim for claim in self.open if claim[0] < floor)
        served = [self._serve(*claim, caps) for claim in due if self.open.pop(claim) > 0]
        found = [award for award in served if award is not None]
        if found:
            kept = dict.fromkeys(range(len(self.awards)))
            names = [(award.account, award.which) for award in self.awards]
            _cut(kept, list(reversed(kept)), lambda n: _bytes(*names[n]), MAX_AWARDS)
            self.awards = [self.awards[n] for n in kept]
        return found

    def rename(self, account: str, stand_in: str, *, also_claimed: bool) -> None:
        """Let what an account was given count for its stand-in; it may be what is claimed for if that is `also_claimed`."""

        def names(who: str, which: str) -> tuple[str, str]:
            return stand_in if who == account else who, stand_in if also_claimed and which == account else which

        if (known := self.accounts.pop(short_hash(account), None)) is not None:
            self.accounts[short_hash(stand_in)] = known
        for _, *claim in self.open:
            if (renamed := names(*claim)) != tuple(claim) and self.taken.pop(_claim(*claim), 0):
                self.taken[_claim(*renamed)] = 1
        self.open = {(at, *names(*claim)): count for (at, *claim), count in self.open.items()}
        for n, award in enumerate(self.awards):
            who, which = names(award.account, award.which)
            self.awards[n] = award._replace(account=who, which=which)

    def trim(self) -> None:
        """Forget the latest claims if too many wait."""
        if len(self.open) > 50:
            _cut(self.open, sorted(self.open), lambda claim: _bytes(*claim[1:]), MAX_OPEN)

    def changed(self, disqualified: Container[str]) -> list[Award]:
        """Return the awards that the `disqualified` lose, and those that others get back; remember it."""
        found = []
        for n, award in enumerate(self.awards):
            lost = award.account in disqualified
            if lost != award.lost:
                self.awards[n] = award._replace(lost=lost)
                found.append(self.awards[n])
        return found

    def _serve(self, at: int, account: str, which: str, caps: Caps) -> Award | None:
        """Give out a reward if there is one left for this claim."""
        what, who, today = _claim(account, which), short_hash(account), at // DAY
        if today != self.day:
            self.day, self.day_total = today, 0
        count, day, on_day = self.accounts.get(who, (0, today, 0))
        if day != today:
            on_day = 0
        limits = (
            (self.total, caps.total),
            (self.day_total, caps.per_day),
            (count, caps.per_account),
            (on_day, caps.per_account_day),
        )
        if what in self.taken or any(cap is not None and given >= cap for given, cap in limits):
            return None
        self.taken[what] = 1
        self.accounts[who] = (count + 1, today, on_day + 1)
        self.total += 1
        self.day_total += 1
        self.awards.append(Award(account, which, at))
        return Award(account, which, at)


def _claim(account: str, which: str) -> int:
    return short_hash(f"{account}\0{which}")


def _bytes(*names: str) -> int:
    """Return about how many bytes names take with what goes with them."""
    return 20 + sum(len(name.encode()) for name in names)


def _cut(items: dict[Any, Any], order: list[Any], size: Callable[[Any], int], left: int) -> None:
    """Keep of `items` the first in `order` that fit into so many bytes."""
    for item in order:
        left -= size(item)
        if left < 0:
            del items[item]
