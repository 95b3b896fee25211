"""Reach of a cascade: how many people may have seen it."""

from __future__ import annotations

from array import array
from typing import Final

from streams.measures.cascade.names import NOBODY
from streams.measures.cascade.tree import SPILLED

MOST: Final = (1 << 32) - 1
"""Followers beyond this count as this; there are not that many people on any network."""


class Reach:
    """Sum of followers over distinct {author, amplifiers}: an upper bound of the people reached, in accounts.

    Definition: potential reach = Σ followers(a) over the accounts a that wrote or amplified the post, each
    once, with the most followers it had at any of its shares. Unknown counts as 0.

    Fooled by: audiences that overlap (hence a bound), bought followers, followers who were not there.

    The columns go with the slots of the cascade's tree. Of nodes that the tree does not keep, an account is
    not remembered: there, one that shares again counts again, and the bound is a looser one.

    >>> reach = Reach()
    >>> for slot, (account, followers) in enumerate([(7, 100), (8, 50), (7, 120)]):
    ...     reach.put(slot, account, followers)
    >>> reach.people, reach.with_author(9, 1_000)
    (2, 1170)
    >>> reach.drop(2), reach.with_author(8, 60)
    (None, 160)
    """

    __slots__ = ("_most", "accounts", "followers", "often", "people", "total")

    def __init__(self) -> None:
        """Nobody."""
        self.accounts, self.followers = array("Q"), array("I")
        self.people = self.total = 0
        self._most: dict[int, int] | None = None
        self.often: dict[int, tuple[int, int]] = {}
        """Accounts in more than one slot → in how many, and the most followers."""

    @classmethod
    def stored(
        cls,
        accounts: array[int],
        followers: array[int],
        people: int,
        total: int,
        often: dict[int, tuple[int, int]],
    ) -> Reach:
        """Return the reach that was stored as these."""
        reach = cls()
        reach.accounts, reach.followers, reach.people, reach.total = accounts, followers, people, total
        reach.often = often
        return reach

    def put(self, slot: int, account: int, followers: int) -> None:
        """Add what `account`, with `followers`, did in `slot` of the tree."""
        if self._most is None:
            self._open()
        assert self._most is not None
        followers = min(max(followers, 0), MOST)
        before = self._most.get(account)
        if slot == SPILLED:
            if before is None:
                self.people += 1
                self.total += followers
            return
        if slot == len(self.accounts):
            self.accounts.append(account)
            self.followers.append(followers)
        else:
            self.accounts[slot], self.followers[slot] = account, followers
        if before is None:
            self._most[account] = followers
            self.people += 1
            self.total += followers
        else:
            most = max(followers, before)
            self.often[account] = (self.often[account][0] + 1 if account in self.often else 2, most)
            self._most[account] = most
            self.total += most - before

    def drop(self, slot: int, account: int = NOBODY, followers: int = 0) -> None:
        """Take back what was put into `slot`; of a node that is not kept, say who it was."""
        if self._most is None:
            self._open()
        assert self._most is not None
        if slot == SPILLED:
            if account not in self._most:
                self.people -= 1
                self.total -= min(max(followers, 0), MOST)
            return
        account = self.accounts[slot]
        self.accounts[slot] = self.followers[slot] = NOBODY
        self.total -= self._most.pop(account)
        times = self.often.pop(account, (1, 0))[0] - 1
        if not times:
            self.people -= 1
            return
        pairs = zip(self.accounts, self.followers, strict=True)
        most = max(followers for other, followers in pairs if other == account)
        self._most[account] = most
        self.total += most
        if times > 1:
            self.often[account] = (times, most)

    def with_author(self, author: int, followers: int) -> int:
        """Return the reach, with the author's own followers when the author is known and not an amplifier
        too.
        """
        if not author:
            return self.total
        if self._most is None:
            self._open()
        assert self._most is not None
        return self.total + max(min(max(followers, 0), MOST) - self._most.get(author, 0), 0)

    def _open(self) -> None:
        """Build what finds an account, which is not stored."""
        self._most = dict(zip(self.accounts, self.followers, strict=True))
        self._most.pop(NOBODY, None)
        for account, (_, most) in self.often.items():
            self._most[account] = most
