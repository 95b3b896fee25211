"""Who has won a contest that is over: all its entrants, counted a piece at a time. Pure.

Each entrant is kept exactly, on a key of its own, however many there are. When the contest is over they change no more, so
they can be looked at in any order and at any pace, and a crash in between means to begin again. Of those seen so far the
best are kept, as many as there are places.

Ranks are by points, then by who reached them first, then by name.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from heapq import nsmallest
from typing import Final

from streams.campaigns.tally import Score

PIECE: Final = 2_000
"""Entrants looked at in one go: some 10 ms."""

_Rank = tuple[int, int, str]
"""Points, negative; when they were reached; the account."""


class Count:
    """The count of a contest that is under way."""

    def __init__(self, terms: int, entrants: Iterable[bytes]) -> None:
        """Begin to count `entrants`; `terms` stand for the rules by which they are."""
        self.terms = terms
        self._left = list(entrants)
        self._best: list[_Rank] = []

    def go_on(
        self,
        places: int,
        disqualified: Container[str],
        score: Callable[[bytes], Score],
        name: Callable[[bytes], str],
    ) -> list[str] | None:
        """Count a piece; when all are counted return the first `places`, those without a point left out."""
        piece, self._left[-PIECE:] = self._left[-PIECE:], []
        found = list(self._best)
        for entrant in piece:
            points, reached, _, _ = score(entrant)
            if points and (account := name(entrant)) not in disqualified:
                found.append((-points, reached, account))
        self._best = nsmallest(places, found)
        return None if self._left else [account for _, _, account in self._best]
