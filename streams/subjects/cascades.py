"""Cascades: how a post is passed on, from whom to whom, and how far it will go."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import ClassVar, Final

import msgspec

from schemas.fact import CASCADING, EARNED, POST, TAG, UNDISCLOSED, Fact
from streams.measures.cascade.names import number_of
from streams.measures.cascade.reach import Reach
from streams.measures.cascade.seismic import MIN_SHARES, Forecast, forecast
from streams.measures.cascade.tempo import Tempo
from streams.measures.cascade.tree import SPILLED, Tree
from streams.subject import DAY, HOUR, MINUTE, RELEASE, Now, Rows, Subject
from streams.subjects.warm import Warm

FORMAT: Final = 1
LIMIT: Final = 120_000
"""Shares of one cascade that are kept one by one: at most 7 MB of state."""
VIRAL: Final = 1_000
"""Forecast size from which a rise is worth a word."""
VIRAL_SHARES: Final = 20
"""Shares that such a forecast must rest on."""
MAX_CLAIMS: Final = 64
"""Statements about the root (posts with its id, names of its author) that are kept; in earnest there is one.
"""

LOOKS: Final = (5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, 16 * HOUR, 64 * HOUR)
LOOKS_SMALL: Final = (5 * MINUTE, HOUR)
"""How long after its last share a cascade is looked at again."""

SHARES: Final = "s"
TAGS: Final = "t"
_KINDS: Final = {SHARES: "share", TAGS: "tag"}


class Cascade:
    """The state: the tree and what goes with its nodes, and what is known of the root."""

    __slots__ = (
        "authors",
        "debts",
        "ended_at",
        "first",
        "incentivised",
        "key",
        "last",
        "latest",
        "posts",
        "raised_at",
        "reach",
        "tempo",
        "touched",
        "tree",
        "undisclosed",
    )  # fmt: skip

    def __init__(self, key: str, limit: int) -> None:
        self.key = key
        self.tree, self.reach, self.tempo = Tree(limit), Reach(), Tempo()
        self.incentivised = self.undisclosed = 0
        self.first, self.last = 0, 0
        """Times of the first and the latest share; `last` is -1 when both must be looked up."""
        self.latest = 0
        """Time of the latest fact, undone or not: silence counts from here."""
        self.raised_at = self.ended_at = 0
        self.touched = False
        """Has there ever been a share? Of a post that nobody shared nothing is said."""
        self.posts: list[tuple[int, int, str, int]] = []
        """Time, id, author and followers of posts that are the root, earliest first."""
        self.authors: dict[str, int] = {}
        """Who shares say the author is → how many say so."""
        self.debts: dict[int, int] = {}
        """Ids that were undone before they came → when they were made."""


class Cascades(Subject[Cascade]):
    """A root post and its shares and quotes; or a meme and who tagged whom for it.

    Who belongs: a `share` or `quote` belongs to the cascade of its `root` or, without one, of its `object`. A
    `tag` with a `root` is a node per tagged account in the chain of that root. Sharing one's own post is an
    action on oneself and does not count.

    Who hangs below whom: a share hangs below the share whose id, or whose own `object`, is its `parent`; a
    tagged account hangs below the tagging of who tagged it. `object` is a share's own when it is neither the
    root nor the parent, which are the posts that shares act upon. While a parent has not come, and when it
    never does, belongs to another cascade or was undone, the share hangs below the root; so does the earliest
    on a circle. A share that names itself as parent names none. See `streams.measures.cascade.tree`.

    The root may come after its shares, or never: the first share is then taken for the start, shares say who
    the author is, and nothing is known of the author's followers.

    Release: after `silence` without a fact, the final row is written under the episode's last event and the
    live row emptied. What comes later begins a new episode, which cannot hang anything below shares of an
    earlier one. The view `cascades` adds up episodes, so sizes stay exact.

    Exceptions to the laws: beyond `limit` shares, which of them are kept depends on their order; counts of
    shares stay exact, shape and reach do not, and the row says `truncated`. `trends` says once that a cascade
    is about to go viral, as of when it was first seen.
    """

    name: ClassVar[str] = "cascades"
    code: ClassVar[str] = "c"

    def __init__(self, *, silence: int = 7 * DAY, limit: int = LIMIT, viral: int = VIRAL) -> None:
        """`silence` in milliseconds; `limit` and `viral` in shares."""
        self._silence, self._limit, self._viral = silence, limit, viral
        self._warm = Warm[Cascade]()

    def keys(self, fact: Fact) -> Iterable[str]:
        """Return one key: what it is a cascade of, shares or tags, and the root."""
        kind = fact.kind
        if kind in CASCADING:
            if (root := fact.root or fact.object) and fact.actor != fact.author:
                return (SHARES + root,)
        elif kind == POST:
            if fact.object:
                return (SHARES + fact.object,)
        elif kind == TAG and fact.root and fact.receivers:
            return (TAGS + fact.root,)
        return ()

    def home(self, key: str) -> str:
        """Return the root."""
        return key[1:]

    def empty(self, key: str) -> Cascade:
        """Return a cascade without a root or a share."""
        return Cascade(key, self._limit)

    # Facts

    def fold(self, key: str, state: Cascade, facts: Sequence[Fact], rows: Rows) -> None:
        """Add shares, tags and root posts."""
        self._warm.touched(key)
        root = key[1:]
        for fact in facts:
            state.latest = max(state.latest, fact.time)
            if fact.kind == POST:
                _post(state, fact)
            elif fact.kind == TAG:
                author = number_of("@" + fact.actor)
                for n, target in enumerate(fact.receivers):
                    _node(
                        state,
                        fact,
                        id=number_of(f"{n}:{fact.id}"),
                        ref=author,
                        alias=number_of("@" + target),
                    )
            else:
                parent = "" if fact.parent in (root, fact.id) else fact.parent
                own = "" if fact.object in (root, parent) else fact.object
                if fact.author and (fact.parent == root or (not fact.parent and not own)):
                    _claim(state, fact.author, fact.sign)
                _node(state, fact, id=number_of(fact.id), ref=number_of(parent), alias=number_of(own))

    # Rows

    def present(self, key: str, state: Cascade, now: Now, rows: Rows) -> int:
        """Say the cascade as of now; when it has been silent for long, for the last time."""
        self._warm.touched(key)
        final = now.time - state.latest >= self._silence and now.floor > state.latest
        state.debts = {id: time for id, time in state.debts.items() if time >= now.floor}
        if state.touched:
            self._rows(key, state, now, final, rows)
        if final:
            return RELEASE
        return max(min(self._next_look(state, now), state.latest + self._silence), now.time + MINUTE)

    def _next_look(self, state: Cascade, now: Now) -> int:
        """Return when the row should be looked at again though no share comes.

        The pace of the last minutes falls to nothing, and so does the forecast of a cascade that is silent;
        where there is no forecast, little is left to look at.
        """
        if not state.tree.size:
            return state.latest + self._silence
        waits = LOOKS if state.tree.size >= MIN_SHARES else LOOKS_SMALL
        last = (state.last // MINUTE + 1) * MINUTE
        return next((last + wait for wait in waits if last + wait > now.time), state.latest + self._silence)

    def _rows(self, key: str, state: Cascade, now: Now, final: bool, rows: Rows) -> None:
        tree, tempo, root, kind = state.tree, state.tempo, key[1:], _KINDS[key[0]]
        tree.settle()
        _look_up_ends(state)
        size = tree.size
        if state.posts:
            started, _, author, followers = state.posts[0]
        else:
            started, followers = state.first, 0
            author = min(
                (name for name, count in state.authors.items() if count > 0),
                key=lambda name: (-state.authors[name], name),
                default="",
            )
        if final or kind == "tag":
            coming = Forecast(float(size), 0.0, False)
        else:
            elapsed = (now.time - started) / 1000
            coming = forecast(size=size, elapsed=elapsed, followers=followers, ages=tempo.ages(now.time))
        pace = 0.0 if final else tempo.per_minute(now.time)
        shown = (
            author,
            followers,
            started,
            state.first,
            state.last,
            size,
            size - state.incentivised,
            state.incentivised,
            state.undisclosed,
            state.reach.people,
            state.reach.with_author(number_of(author), followers),
            tree.max_depth,
            tree.breadth,
            tree.virality,
            tree.waiting,
            pace,
            tempo.peak(),
            tempo.time_to(size / 2, started) if size else 0.0,
            bool(size) and not final and now.time - state.last < HOUR,
            coming.infectiousness,
            coming.size,
            coming.unbounded,
            bool(state.posts),
            bool(tree.spilled),
            final,
            now.time // 1000,
        )
        if final and size:
            rows.add("cascade_episodes", (root, kind, state.last, *shown))
            # The live row is emptied: what comes later is another episode.
            shown = (*shown[:5], 0, *shown[6:])
        rows.add("cascade_episodes", (root, kind, 0, *shown))
        self._rise(state, now, root, kind, pace, coming, final, rows)

    def _rise(
        self,
        state: Cascade,
        now: Now,
        root: str,
        kind: str,
        pace: float,
        coming: Forecast,
        final: bool,
        rows: Rows,
    ) -> None:
        """Say that a cascade is about to go viral: most of a large size is still to come. Once for a cascade.
        """
        size = state.tree.size
        ahead = float("inf") if coming.size is None else coming.size
        if state.ended_at:
            return
        if not state.raised_at:
            if not coming.known or final or size < VIRAL_SHARES or ahead < max(self._viral, 2 * size):
                return
            state.raised_at = now.time // 1000
        if final or ahead < 1.25 * size:
            state.ended_at = now.time // 1000
        rows.add(
            "trends",
            (
                f"cascade:{kind}:{root}",
                "cascade",
                root,
                state.raised_at,
                state.ended_at or None,
                0.0,
                pace,
                0.0,
                size,
                coming.size,
                now.time // 1000,
            ),
        )

    # Bytes

    def dump(self, state: Cascade) -> bytes:
        """Return a short head and the columns as they are in memory; a column of one value takes one value.
        """
        tree, reach = state.tree, state.reach
        tree.settle()
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
        raw = b"".join((bytes((FORMAT,)), len(head).to_bytes(4, "little"), head, *map(_packed, columns)))
        self._warm.keep(state.key, raw, state)
        return raw

    def load(self, key: str, raw: bytes) -> Cascade:
        """Return the state that `dump` wrote."""
        if (warm := self._warm.take(key, raw)) is not None:
            return warm
        if raw[0] != FORMAT:
            raise ValueError(f"not the state of a cascade: format {raw[0]}")
        end = 5 + int.from_bytes(raw[1:5], "little")
        head = _decode(raw[5:end])
        sums, levels, spilled, reached, minutes, numbers, touched, posts, authors, debts, slots = head
        columns: list[array[int]] = []
        for typecode in _TYPECODES:
            end = _unpack(raw, end, typecode, slots, columns)
        state = Cascade(key, self._limit)
        state.tree = Tree.stored(self._limit, columns[:7], sums, levels, spilled)
        state.reach = Reach.stored(columns[7], columns[8], *reached)
        state.tempo = Tempo(minutes)
        for name, number in zip(_NUMBERS, numbers, strict=True):
            setattr(state, name, number)
        state.touched, state.authors, state.debts = touched, authors, debts
        state.posts = posts
        return state


_NUMBERS: Final = ("incentivised", "undisclosed", "first", "last", "latest", "raised_at", "ended_at")
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


def _packed(column: array[int]) -> bytes:
    raw = column.tobytes()
    one = raw[: column.itemsize]
    if len(column) > 1 and raw == one * len(column):
        return b"1" + one
    return b"n" + raw


def _unpack(raw: bytes, at: int, typecode: str, slots: int, columns: list[array[int]]) -> int:
    column = array(typecode)
    items = 1 if raw[at : at + 1] == b"1" else slots
    end = at + 1 + items * column.itemsize
    column.frombytes(raw[at + 1 : end])
    columns.append(column if items == slots else column * slots)
    return end


def _node(state: Cascade, fact: Fact, *, id: int, ref: int, alias: int) -> None:
    """Add a node, or take it off, with everything that is counted of it."""
    tree, sign, time = state.tree, fact.sign, fact.time
    account = number_of(fact.actor)
    if sign > 0:
        if state.debts.pop(id, None) is not None:
            return
        slot: int | None = tree.add(id=id, ref=ref, alias=alias, time=time)
        assert slot is not None
        state.reach.put(slot, account, fact.followers)
        if tree.size == 1:
            state.first = state.last = time
        elif state.last >= 0:
            state.first, state.last = min(state.first, time), max(state.last, time)
        state.touched = True
    else:
        slot = tree.remove(id)
        if slot is None:
            if not tree.remove_spilled(ref):
                state.debts[id] = time
                state.touched = True
                return
            slot = SPILLED
        state.reach.drop(slot, account, fact.followers)
        if time in (state.first, state.last):
            state.last = -1
    state.tempo.add(time, fact.followers, sign)
    if fact.klass != EARNED:
        state.incentivised += sign
        if fact.klass == UNDISCLOSED:
            state.undisclosed += sign


def _look_up_ends(state: Cascade) -> None:
    if not state.tree.size:
        state.first = state.last = 0
    elif state.last < 0:
        times = [state.tree.times[slot] for slot in state.tree.slots()]
        state.first, state.last = min(times, default=0), max(times, default=0)


def _post(state: Cascade, fact: Fact) -> None:
    """Note the root's own post; the earliest holds, should several claim to be it."""
    id = number_of(fact.id)
    entry = (fact.time, id, fact.actor, max(fact.followers, 0))
    if fact.sign > 0:
        if state.debts.pop(id, None) is None:
            state.posts = sorted([*state.posts, entry])[:MAX_CLAIMS]
    elif entry in state.posts:
        state.posts.remove(entry)
    else:
        state.debts[id] = fact.time


def _claim(state: Cascade, author: str, sign: int) -> None:
    count = state.authors.get(author, 0) + sign
    if not count:
        del state.authors[author]
    elif author in state.authors or len(state.authors) < MAX_CLAIMS:
        state.authors[author] = count
