"""Whom one account has brought in, and what it has got for it, once nobody can have come before. Pure.

Whether a link counts is known where its member is kept (`streams.campaigns.links`), however large the campaign; here the
links of one sponsor wait until they are settled, and then count in order of time and member. So a reward that depends on
how many were brought before is said later (by lateness and horizon), but never taken back, but for a disqualification.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple

import msgspec

from streams.campaigns.rule import Caps, Referral, Rule, TagChain

DAY: Final = 86_400_000
MAX_BYTES: Final = 200_000
"""Of links that wait: some 4,000; beyond it more are not counted but reported as a flood."""
MAX_AWARDS: Final = 100_000
"""Bytes of the rewards that are remembered in case of a disqualification: beyond it the oldest are kept for good."""


class Award(NamedTuple):
    """A reward for what was brought at `at` (ms): for `member`, "" where it is for their number."""

    at: int
    member: str


class Brought(msgspec.Struct, array_like=True, omit_defaults=True):
    """What is kept of a sponsor."""

    open: dict[tuple[int, str], int] = {}
    """(time, member) → events that stand; 0 or less where undone, remembered until settled"""
    open_bytes: int = 0
    members: int = 0
    """Members brought in, settled."""
    granted: int = 0
    day: int = -1
    """Day of the last reward,"""
    on_day: int = 0
    """and how many there were on it."""
    awards: list[Award] = []
    lost: bool = False
    """The account is disqualified, as was said."""

    def add(self, time: int, member: str, sign: int) -> bool:
        """Add an event in which `member` is brought in, or take it back; return False if there is no room for it."""
        link = (time, member)
        if link not in self.open:
            if self.open_bytes > MAX_BYTES:
                return False
            self.open_bytes += _bytes(member)
        self.open[link] = self.open.get(link, 0) + sign
        return True

    def due(self, floor: int) -> list[tuple[int, str]]:
        """Return the links before `floor` that stand."""
        return [link for link, count in self.open.items() if count > 0 and link[0] < floor]

    def settle(self, floor: int, counts: Collection[tuple[int, str]], rule: Rule) -> list[Award]:
        """Make final what came before `floor`, of which `counts` count; return the rewards for them."""
        found = [award for at, member in sorted(counts) if (award := self._join(at, member, rule)) is not None]
        self.open = {link: count for link, count in self.open.items() if link[0] >= floor}
        self.open_bytes = sum(_bytes(member) for _, member in self.open)
        self.awards += found
        size = sum(_bytes(award.member) for award in self.awards)
        while size > MAX_AWARDS:
            size -= _bytes(self.awards.pop(0).member)
        return found

    def _join(self, at: int, member: str, rule: Rule) -> Award | None:
        """Count a member, and return what there is for it."""
        self.members += 1
        if isinstance(rule, TagChain):
            return Award(at, "") if self.members == rule.tagged else None
        if not by_sponsor(rule):
            return None
        if at // DAY != self.day:
            self.day, self.on_day = at // DAY, 0
        most, daily = rule.caps.per_account, rule.caps.per_account_day
        if (most is not None and self.granted >= most) or (daily is not None and self.on_day >= daily):
            return None
        self.granted, self.on_day = self.granted + 1, self.on_day + 1
        return Award(at, member)


def by_sponsor(rule: Rule) -> bool:
    """Tell whether rewards depend on what the sponsor has brought before, and on nobody else."""
    return isinstance(rule, TagChain) or (isinstance(rule, Referral) and rule.caps != Caps() and not rule.caps.shared)


def _bytes(member: str) -> int:
    """Return about how many bytes a member takes with what goes with it."""
    return 20 + len(member.encode())
