"""The tree that links make (`streams.campaigns.links`), over a whole campaign: size, depth, breadth, reach.
Pure.

- *members*: accounts that were brought in; those who bring in without having been brought are *roots*, at
  depth 0.
- *depth*: links from a root to the farthest member. *breadth*: most members at one depth.
- *reach*: followers of everybody who acted, each as it was when first said: an upper bound, audiences
  overlap.
- *refused*: members that had been sponsors before the first who names or tags them, so their link would close
  a loop.

A link always joins a member to a sponsor that is in its place already (it had to become a member before it
sponsored), so depth is final once it is known, and a few numbers per account are all there is to keep: some
30 bytes, by hash, for up to MAX_ACCOUNTS; of a larger campaign the tree is `partial`, and `campaign_links`
has all of it.
"""

from __future__ import annotations

from itertools import groupby
from typing import Final, NamedTuple

import msgspec

from streams.campaigns.ids import short_hash

MAX_ACCOUNTS: Final = 10_000
MAX_OPEN_BYTES: Final = 1_500_000
"""Of links of about the last hour, 10,000 with names of 60 bytes; beyond it the tree is `partial`."""


class Shape(NamedTuple):
    """What the tree looks like; see the module's docstring."""

    members: int
    roots: int
    depth: int
    breadth: int
    reach: int
    refused: int
    partial: bool


class Joined(NamedTuple):
    """`sponsor` brought in `member` at `at` (ms), as its `nth`."""

    at: int
    sponsor: str
    member: str
    nth: int


class Tree(msgspec.Struct, array_like=True, omit_defaults=True):
    """The settled tree as numbers, and the events that may still change."""

    open: dict[tuple[int, str, str, int], int] = {}
    """(time, sponsor, member, followers of who acted or -1) → events that stand"""
    depths: dict[int, int] = {}
    """account → 2 × depth, plus 1 if it has sponsored; members and roots"""
    brought: dict[int, int] = {}
    """sponsor → members"""
    levels: dict[int, int] = {}
    """depth → members"""
    reach: dict[int, int] = {}
    """account that acted → followers"""
    refused: dict[int, int] = {}
    """member → 1"""
    partial: bool = False
    open_bytes: int = 0
    """About how many bytes the open events take."""

    def add(self, time: int, sponsor: str, member: str, actor: str, followers: int, sign: int) -> None:
        """Add an event in which `sponsor` brings in `member` and `actor`, one of the two, acts; or take it
        back.
        """
        link = (time, sponsor, member, followers if actor == sponsor else -2 - max(followers, -1))
        if link not in self.open:
            if sign > 0 and self.open_bytes > MAX_OPEN_BYTES:
                self.partial = True
                return
            self.open_bytes += _bytes(link)
        self.open[link] = self.open.get(link, 0) + sign

    def rename(self, account: str, stand_in: str) -> None:
        """Let another name stand for an account in what is not settled; of the rest there are hashes."""

        def name(one: str) -> str:
            return stand_in if one == account else one

        self.open = {(at, name(by), name(of), said): n for (at, by, of, said), n in self.open.items()}

    def shape(self) -> Shape:
        """Return the shape with all that has come so far."""
        whole = Tree(
            self.open,
            dict(self.depths),
            dict(self.brought),
            dict(self.levels),
            dict(self.reach),
            dict(self.refused),
            self.partial,
        )
        whole.settle(None)
        members = sum(whole.levels.values())
        roots = sum(1 for code in whole.depths.values() if code == 1)
        return Shape(
            members,
            roots,
            max(whole.levels, default=0),
            max(whole.levels.values(), default=0),
            sum(whole.reach.values()),
            len(whole.refused),
            whole.partial,
        )

    def settle(self, floor: int | None) -> list[Joined]:
        """Make final what came before `floor` (None: everything); return the links that count, in order."""
        links = sorted(link for link, count in self.open.items() if count > 0 and (floor is None or link[0] < floor))
        joined = []
        for at, group in groupby(links, key=lambda link: link[0]):
            now = list(group)
            before = {sponsor: self._sponsor(short_hash(sponsor)) for _, sponsor, _, _ in now}
            for _, sponsor, member, said in now:
                self._audience(sponsor if said >= -1 else member, said if said >= -1 else -2 - said)
                if (nth := self._join(short_hash(member), short_hash(sponsor), before[sponsor])) is not None:
                    joined.append(Joined(at, sponsor, member, nth))
        self.open = {link: n for link, n in self.open.items() if floor is not None and link[0] >= floor}
        self.open_bytes = sum(map(_bytes, self.open))
        return joined

    def _sponsor(self, account: int) -> int:
        """Note that an account sponsors; return its depth."""
        code = self.depths.get(account, 0)
        if account in self.depths or self._room():
            self.depths[account] = code | 1
        return code >> 1

    def _join(self, member: int, sponsor: int, depth: int) -> int | None:
        """Put a member below its sponsor if it is to be; return how many the sponsor has brought by then."""
        code = self.depths.get(member)
        if code is not None:
            if code == 1:
                self.refused[member] = 1
            return None
        if not self._room():
            return None
        self.depths[member] = 2 * (depth + 1)
        self.levels[depth + 1] = self.levels.get(depth + 1, 0) + 1
        nth = self.brought[sponsor] = self.brought.get(sponsor, 0) + 1
        return nth

    def _audience(self, account: str, followers: int) -> None:
        """Note the followers of who acted, the first time they are said."""
        if followers > 0 and len(self.reach) < MAX_ACCOUNTS:
            self.reach.setdefault(short_hash(account), followers)

    def _room(self) -> bool:
        """Return whether another account can be remembered."""
        self.partial = self.partial or len(self.depths) >= MAX_ACCOUNTS
        return len(self.depths) < MAX_ACCOUNTS


def _bytes(link: tuple[int, str, str, int]) -> int:
    """Return about how many bytes an open event takes."""
    return 30 + len(link[1].encode()) + len(link[2].encode())
