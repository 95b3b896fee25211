"""What is kept of a cascade, and how it is stored."""

from __future__ import annotations

from array import array
from typing import Final

import msgspec

from schemas.fact import EARNED, UNDISCLOSED, Fact
from streams.measures.cascade.names import number_of
from streams.measures.cascade.reach import Reach
from streams.measures.cascade.tempo import Tempo
from streams.measures.cascade.tree import SPILLED, Tree

FORMAT: Final = 1
MAX_CLAIMS: Final = 64
"""Statements about the root (posts with its id, names of its author) that are kept; mostly there is one."""
VIRAL_SHARES: Final = 20
"""Shares that a warning must rest on."""
UNKNOWN: Final = -1
"""`last` when the first and last share must be looked up."""


class Cascade:
    """The tree and what goes with its nodes, and what is known of the root. Times in ms."""

    __slots__ = (
        "authors",
        "debts",
        "doubtful",
        "ended_at",
        "first",
        "incentivised",
        "key",
        "last",
        "latest",
        "limit",
        "looked_at",
        "posts",
        "raised_at",
        "reach",
        "tempo",
        "touched",
        "tree",
        "undisclosed",
    )  # fmt: skip

    def __init__(self, key: str, limit: int) -> None:
        """Nothing is known of it; its tree will keep up to `limit` nodes."""
        self.key, self.limit = key, limit
        self.begin()

    def begin(self) -> None:
        """Begin with nothing, as for another episode."""
        self.tree, self.reach, self.tempo = Tree(self.limit), Reach(), Tempo()
        self.incentivised = self.undisclosed = 0
        self.first = self.last = 0
        """Times of the first and the latest share."""
        self.latest = 0
        """Time of the latest fact, undone or not: silence counts from here."""
        self.raised_at = self.ended_at = self.looked_at = 0
        """The first two in seconds; `looked_at`, up to when a rise was looked for, in ms."""
        self.doubtful = 0
        """1 where it has changed since it was last described, and 2 where a share was taken off after that, or the root's post
        came, so that a worker that died may have said what does not hold.
        """
        self.touched = False
        """Has there ever been a share? Of a post that nobody shared nothing is said."""
        self.posts: list[tuple[int, int, str, int]] = []
        """Time, id, author and followers of posts that are the root, earliest first."""
        self.authors: dict[str, int] = {}
        """Who shares say the author is → how many say so."""
        self.debts: dict[int, int] = {}
        """Ids that were undone before they came → when they were made."""

    @property
    def author(self) -> str:
        """Return who wrote the root, as far as anybody said; empty when nobody did."""
        if self.posts:
            return self.posts[0][2]
        named = [name for name, count in self.authors.items() if count > 0]
        return min(named, key=lambda name: (-self.authors[name], name), default="")

    @property
    def author_followers(self) -> int:
        """Return the followers that the root's post stated, 0 without one."""
        return self.posts[0][3] if self.posts else 0

    @property
    def started(self) -> int:
        """Return when the root was posted, or else first shared."""
        return self.posts[0][0] if self.posts else self.first

    def node(self, fact: Fact, *, id: int, ref: int, alias: int) -> None:
        """Add a node, or take it off, with everything that is counted of it."""
        tree, sign, time = self.tree, fact.sign, fact.time
        account = number_of(fact.actor or fact.id)  # whoever was erased is somebody, each time somebody else
        self.touched = True
        if sign > 0:
            if self.debts.pop(id, None) is not None:
                return
            slot: int | None = tree.add(id=id, ref=ref, alias=alias, time=time)
            assert slot is not None
            self.reach.put(slot, account, fact.followers)
            if tree.size >= VIRAL_SHARES and not self.doubtful:
                self.doubtful = 1
            if tree.size == 1:
                self.first = self.last = time
            elif self.last != UNKNOWN:
                self.first, self.last = min(self.first, time), max(self.last, time)
        else:
            self._doubt()
            slot = tree.remove(id, time)
            if slot is None:
                if not tree.remove_spilled(ref):
                    self.debts[id] = time
                    return
                slot = SPILLED
            self.reach.drop(slot, account, fact.followers)
            if time in (self.first, self.last):
                self.last = UNKNOWN
        self.tempo.add(time, fact.followers, sign)
        if fact.klass != EARNED:
            self.incentivised += sign
            if fact.klass == UNDISCLOSED:
                self.undisclosed += sign

    def post(self, fact: Fact) -> None:
        """Note the root's own post; the earliest holds, should several claim to be it."""
        self._doubt()
        id = number_of(fact.id)
        entry = (fact.time, id, fact.actor, max(fact.followers, 0))
        if fact.sign > 0:
            if self.debts.pop(id, None) is None:
                self.posts = sorted([*self.posts, entry])[:MAX_CLAIMS]
        elif entry in self.posts:
            self.posts.remove(entry)
        else:
            self.debts[id] = fact.time

    def _doubt(self) -> None:
        """Note that what follows may take away the reason of a rise."""
        if self.tree.size >= VIRAL_SHARES:
            self.doubtful = 2 if self.doubtful else 1

    def claim(self, author: str, sign: int) -> None:
        """Note that a share says who wrote the root, or take that back."""
        count = self.authors.get(author, 0) + sign
        if not count:
            del self.authors[author]
        elif author in self.authors or len(self.authors) < MAX_CLAIMS:
            self.authors[author] = count

    def settle(self) -> None:
        """Work out anew what changes have made stale."""
        self.tree.settle()
        if not self.tree.size:
            self.first = self.last = 0
        elif self.last == UNKNOWN:
            times = [self.tree.times[slot] for slot in self.tree.slots()]
            self.first, self.last = min(times, default=0), max(times, default=0)


_NUMBERS: Final = (
    *("incentivised", "undisclosed", "first", "last", "latest", "raised_at", "ended_at", "looked_at"),
    "doubtful",
)
_TYPECODES: Final = "QQQQiIIQI"
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(
    tuple[
        tuple[int, int, int, int, bool, bool],
        list[int],
        dict[int, int],
        tuple[int, int, dict[int, tuple[int, int]]],
        dict[int, list[int]],
        list[int],
        bool,
        list[tuple[int, int, str, int]],
        dict[str, int],
        dict[int, int],
        int,
    ]
).decode


def dumped(state: Cascade) -> bytes:
    """Return a head in msgpack, then the columns as in memory; one of a single value is that value."""
    tree, reach = state.tree, state.reach
    state.settle()
    columns = (*tree.columns, reach.accounts, reach.followers)
    head = _encode(
        (
            tree.sums,
            tree.levels,
            tree.spilled,
            (reach.people, reach.total, reach.often),
            state.tempo.minutes,
            [getattr(state, name) for name in _NUMBERS],
            state.touched,
            state.posts,
            state.authors,
            state.debts,
            len(tree.ids),
        )
    )
    return b"".join((bytes((FORMAT,)), len(head).to_bytes(4, "little"), head, *map(_packed, columns)))


def loaded(key: str, raw: bytes, limit: int) -> Cascade:
    """Return the state that was `dumped` as `raw`; raise ValueError on anything else."""
    if raw[0] != FORMAT:
        raise ValueError(f"not the state of a cascade: format {raw[0]}")
    end = 5 + int.from_bytes(raw[1:5], "little")
    head = _decode(raw[5:end])
    sums, levels, spilled, reached, minutes, numbers, touched, posts, authors, debts, slots = head
    columns: list[array[int]] = []
    for typecode in _TYPECODES:
        end = _unpack(raw, end, typecode, slots, columns)
    if end != len(raw):
        raise ValueError(f"not the state of a cascade: {len(raw) - end} bytes too many")
    state = Cascade(key, limit)
    state.tree = Tree.stored(limit, columns[:7], sums, levels, spilled)
    state.reach = Reach.stored(columns[7], columns[8], *reached)
    state.tempo = Tempo(minutes)
    for name, number in zip(_NUMBERS, numbers, strict=False):  # an older version stored fewer, those that come first
        setattr(state, name, number)
    state.touched, state.posts, state.authors, state.debts = touched, posts, authors, debts
    return state


def _packed(column: array[int]) -> bytes:
    raw = column.tobytes()
    one = raw[: column.itemsize]
    if len(column) > 1 and raw == one * len(column):
        return b"1" + one
    return b"n" + raw


def _unpack(raw: bytes, at: int, typecode: str, slots: int, columns: list[array[int]]) -> int:
    column = array(typecode)
    single = raw[at : at + 1] == b"1"
    end = at + 1 + (1 if single else slots) * column.itemsize
    column.frombytes(raw[at + 1 : end])
    columns.append(column * slots if single else column)
    return end
