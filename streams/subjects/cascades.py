"""Cascades: how a post is passed on, from whom to whom, and how far it will go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Final

from schemas.fact import CASCADING, POST, TAG, Fact
from streams.measures.cascade.names import number_of
from streams.subject import DAY, MINUTE, NEVER, RELEASE, Due, Now, Rows, Subject
from streams.subjects.cascade_rows import episode_rows, look, outlook, rise_rows
from streams.subjects.cascade_state import Cascade, dumped, loaded
from streams.subjects.renaming import renamed
from streams.subjects.warm import Warm

LIMIT: Final = 120_000
"""Shares of one cascade that are kept one by one: at most 7 MB of state."""
SILENCE: Final = 7 * DAY
"""A cascade that rests so long has ended."""
VIRAL: Final = 1_000
"""Forecast size from which a rise is said."""

SHARES: Final = "s"
TAGS: Final = "t"
_KINDS: Final = {SHARES: "share", TAGS: "tag"}


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

    Release: when the floor has passed `silence` without a fact, the final row is written under the episode's last event and the
    live row emptied. What comes later begins a new episode, which cannot hang anything below shares of an
    earlier one. The view `cascades` adds up episodes, so sizes stay exact. A share that comes so long after the last one, but
    before the floor has, is of the same episode: where partitions are far apart, or a batch spans the silence, as in a replay of
    an archive, that depends on what was read first.

    Exceptions to the laws: beyond `limit` shares, which of them are kept depends on their order; counts of
    shares stay exact, shape and reach do not, and the row says `truncated`. `trends` says once that a cascade
    is about to go viral, as of when it was first seen.
    """

    name: ClassVar[str] = "cascades"
    code: ClassVar[str] = "c"

    def __init__(self, *, silence: int = SILENCE, limit: int = LIMIT, viral: int = VIRAL) -> None:
        """`silence` in milliseconds; `limit` and `viral` in shares."""
        self.patience = silence
        self._silence, self._limit, self._viral = silence, limit, viral
        self._warm = Warm[Cascade]()

    def keys(self, fact: Fact) -> Iterable[str]:
        """Return one key: what it is a cascade of, shares or tags, and the root."""
        kind = fact.kind
        if kind in CASCADING:
            own = fact.actor == fact.author if fact.actor else not fact.given  # who was erased has no name to compare
            if (root := fact.root or fact.object) and not own:
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

    def without(self, raw: bytes, account: str, stand_in: str) -> bytes:
        """Return the state with another name for the root's author; shares keep no names."""
        end = 5 + int.from_bytes(raw[1:5], "little")
        head = renamed(raw[5:end], account, stand_in)
        return b"".join((raw[:1], len(head).to_bytes(4, "little"), head, raw[end:]))

    def empty(self, key: str) -> Cascade:
        """Return a cascade without a root or a share."""
        return Cascade(key, self._limit)

    def load(self, key: str, raw: bytes) -> Cascade:
        """Return the state that `dump` wrote."""
        return self._warm.take(key, raw) or loaded(key, raw, self._limit)

    def dump(self, state: Cascade) -> bytes:
        """Return the state as bytes, 35 a share and up to 60 where parents are named."""
        raw = dumped(state)
        self._warm.keep(state.key, raw, state)
        return raw

    def fold(self, key: str, state: Cascade, facts: Sequence[Fact], rows: Rows) -> Due | None:
        """Add shares, tags and root posts; of a post that nobody has shared there is nothing to say until it ends."""
        self._warm.touched(key)
        for fact in facts:
            state.latest = max(state.latest, fact.time)
            if fact.kind == POST:
                state.post(fact)
            elif fact.kind == TAG:
                _tagged(state, fact)
            else:
                _shared(state, fact, key[1:])
        return None if state.touched else Due(floor=self._end(state))

    def present(self, key: str, state: Cascade, now: Now, rows: Rows) -> int | Due:
        """Say the cascade as of its last look; when it has been silent for long, for the last time."""
        self._warm.touched(key)
        state.debts = {id: time for id, time in state.debts.items() if time >= now.floor}
        state.settle()
        silent = self._end(state)
        final = now.floor >= silent
        due = None
        if state.touched:
            root, kind = key[1:], _KINDS[key[0]]
            at, due = (silent, None) if final else look(state, now.time)
            coming = outlook(state, kind, at, final)
            for row in episode_rows(state, root, kind, at, coming, final):
                rows.add("cascade_episodes", row)
            before = state.raised_at, state.ended_at
            for row in rise_rows(state, root, kind, at, coming, final, self._viral):
                withdrawn = not state.raised_at  # told as well: who has not heard of the rise loses nothing by it
                news = withdrawn or (state.raised_at, state.ended_at) != before
                (rows.tell if news else rows.add)("trends", row)
        if final:
            state.begin()  # what it still says if it cannot be released yet is the next episode's
            return RELEASE
        return Due(time=NEVER if due is None else max(due, now.time + MINUTE), floor=silent)

    def _end(self, state: Cascade) -> int:
        """Return when a cascade will have rested for so long that it has ended."""
        return (state.latest // MINUTE + 1) * MINUTE + self._silence


def _shared(state: Cascade, fact: Fact, root: str) -> None:
    parent = "" if fact.parent in (root, fact.id) else fact.parent
    own = "" if fact.object in (root, parent) else fact.object
    if fact.author and (fact.parent == root or (not fact.parent and not own)):
        state.claim(fact.author, fact.sign)
    state.node(fact, id=number_of(fact.id), ref=number_of(parent), alias=number_of(own))


def _tagged(state: Cascade, fact: Fact) -> None:
    # The sign keeps names of accounts and names of posts apart.
    tagger = number_of("@" + fact.actor)
    for number, target in enumerate(fact.receivers):
        state.node(fact, id=number_of(f"{number}:{fact.id}"), ref=tagger, alias=number_of("@" + target))
