"""Who brought whom: the one link of a member to its sponsor, in referrals and in tag chains. Pure.

In a referral the newcomer (member) names who sent it (sponsor); in a tag chain a sponsor tags a member. Of
all links of a member the earliest counts, and only if the member has not been a sponsor before it: who brings
others in is no newcomer. That rule breaks every loop, at its latest link, although each member is judged by
itself: along a loop each sponsor would have to have become a member before it sponsored, so time would have
to run in a circle. Links at one instant are ordered by the sponsor's name. A link to oneself is none (facts
do not carry it).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

MAX_OPEN: Final = 100
"""Events of a member that may still change: the earliest are kept, since the first that stands is what
counts. Wrong only if all of them are undone."""


class Link(NamedTuple):
    """`sponsor` brought the member in at `at` (ms)."""

    at: int
    sponsor: str


class Links(msgspec.Struct, array_like=True, omit_defaults=True):
    """The links of one member, and since when it sponsors others."""

    open: dict[tuple[int, str], int] = {}
    """(time, sponsor) → events that stand; 0 or less where undone, remembered until settled"""
    settled: Link | None = None
    sponsoring: dict[int, int] = {}
    """time → events as a sponsor that stand"""
    since: int | None = None
    """First of them that is settled."""

    def add(self, time: int, sponsor: str, sign: int) -> None:
        """Add an event in which `sponsor` brings the member in, or take it back."""
        self.open[time, sponsor] = self.open.get((time, sponsor), 0) + sign
        if len(self.open) > 2 * MAX_OPEN:
            self.open = {link: self.open[link] for link in sorted(self.open)[:MAX_OPEN]}

    def sponsors(self, time: int, sign: int) -> None:
        """Add an event in which the member sponsors somebody, or take it back."""
        self.sponsoring[time] = self.sponsoring.get(time, 0) + sign
        if len(self.sponsoring) > 2 * MAX_OPEN:
            self.sponsoring = {at: self.sponsoring[at] for at in sorted(self.sponsoring)[:MAX_OPEN]}

    def link(self) -> Link | None:
        """Return the link that counts, if any."""
        first = self.settled or self._first()
        since = self.sponsor_since()
        return None if first is None or (since is not None and since <= first.at) else first

    def refused(self) -> Link | None:
        """Return the link that does not count because the member was a sponsor before it, as where a loop
        closes.
        """
        first = self.settled or self._first()
        return first if first is not None and self.link() is None else None

    @property
    def doubtful(self) -> bool:
        """Tell whether a link may have been refused that is not any more."""
        return bool(self.open) and (bool(self.sponsoring) or self.since is not None)

    def sponsor_since(self) -> int | None:
        """Return when the member first sponsored somebody, if it did."""
        times = [time for time, count in self.sponsoring.items() if count > 0]
        if self.since is not None:
            times.append(self.since)
        return min(times, default=None)

    def others(self) -> list[tuple[Link, bool]]:
        """Return the first link to each sponsor that is still open and does not count, and whether it was
        undone.
        """
        link = self.link()
        found: dict[str, tuple[Link, bool]] = {}
        for (time, sponsor), count in sorted(self.open.items(), key=lambda item: (item[1] <= 0, item[0])):
            if link is None or sponsor != link.sponsor:
                found.setdefault(sponsor, (Link(time, sponsor), count <= 0))
        return sorted(found.values())

    def settle(self, floor: int) -> None:
        """Make final what came before `floor`; nothing earlier must follow."""
        first = self._first()
        if self.settled is None and first is not None and first.at < floor:
            self.settled = first
        since = self.sponsor_since()
        if since is not None and since < floor:
            self.since = since
        self.open = {link: count for link, count in self.open.items() if link[0] >= floor}
        self.sponsoring = {time: count for time, count in self.sponsoring.items() if time >= floor}

    def _first(self) -> Link | None:
        """Return the earliest open link that stands."""
        return min((Link(*link) for link, count in self.open.items() if count > 0), default=None)
