"""Who is ahead in a contest, over all its entrants: the leaders, exact, and a size that is bounded. Pure.

One key of the stream sees all entries of a campaign, so its state must stay small (a record of Kafka holds
about a megabyte, and it is written once per flush). Up to LIMIT bytes, some twenty thousand entries,
everybody is on the board. Beyond that the entrants with fewest points are taken off, and each time the most
points that any of them had is added to what anybody may be missing: nobody has more points than the board
says plus that (the idea of the Space-Saving sketch; Metwally, Agrawal, El Abbadi 2005). A winner is named
only if the lead over the next place is greater, so a name on the board is right or it is missing;
`campaign_standings`, which counts each entrant on a key of its own, is exact at any size.

Law: the order of entries plays no part while nobody has been taken off. Ranks are by points, then by who
reached them first, then by name.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Final, NamedTuple

import msgspec

from streams.campaigns.rule import Caps
from streams.campaigns.tally import Score, Tally

LIMIT: Final = 700_000


class Place(NamedTuple):
    """An entrant's place, from 1; `certain` says that nobody who was taken off the board can have it."""

    place: int
    account: str
    score: Score
    certain: bool


class Board(msgspec.Struct, array_like=True, omit_defaults=True):
    """The entrants that are remembered, and what is known of the others."""

    entrants: dict[str, Tally] = {}
    dropped: int = 0
    """Entrants taken off, each as often as that happened."""
    missing: int = 0
    """Most points that anybody can have had taken off."""

    def add(self, account: str, time: int, unit: int, sign: int) -> None:
        """Add an entry of `account`, or take it back."""
        tally = self.entrants.get(account)
        if tally is None:
            tally = self.entrants[account] = Tally()
        tally.add(time, unit, sign)

    def trim(self, caps: Caps, limit: int = LIMIT) -> None:
        """Take off who has least while there is more than `limit` bytes to remember; a third goes at once."""
        size = self._size()
        if size <= limit:
            return
        ranks = self._ranks(caps)
        lost = 0
        while ranks and size > limit - limit // 3:
            _, _, account, score = ranks.pop()
            size -= len(account.encode()) + self.entrants.pop(account).size
            self.dropped += 1
            lost = max(lost, score.points)
        self.missing += lost

    def settle(self, floor: int, caps: Caps) -> None:
        """Make final what came before `floor`, and forget whom nothing is left of."""
        for account in list(self.entrants):
            tally = self.entrants[account]
            tally.settle(floor, caps)
            if not tally.open and not tally.done:
                del self.entrants[account]

    def leaders(self, places: int, caps: Caps, disqualified: Container[str] = ()) -> list[Place]:
        """Return the first `places`, without the `disqualified` and those without a point."""
        ranks = [rank for rank in self._ranks(caps) if rank[2] not in disqualified and rank[3].points]
        found = []
        certain = True
        for place, (_, _, account, score) in enumerate(ranks[:places], start=1):
            if self.dropped:
                behind = ranks[place][3].points if place < len(ranks) else 0
                certain = certain and score.points > behind + self.missing
            found.append(Place(place, account, score, certain))
        return found

    def _ranks(self, caps: Caps) -> list[tuple[int, int, str, Score]]:
        """Return everybody, the leader first."""
        return sorted(
            (-score.points, score.reached, account, score)
            for account, tally in self.entrants.items()
            for score in (tally.score(caps),)
        )

    def _size(self) -> int:
        """Return about how many bytes this takes."""
        return sum(len(account.encode()) + tally.size for account, tally in self.entrants.items())
