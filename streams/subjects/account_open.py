"""People and posts of accounts as they are with what can still change.

What is in a journal may still be taken back, and entries may come in between. So at each look the journal is told anew to a copy
of what is settled. Of a busy account that is an hour and more of entries, again and again, of which few are new; and what is kept
of one person depends on nobody else. So the outcome is remembered, and only people and posts that entries were written of since
are told anew. The outcome is the same as if nothing was remembered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from streams.measures.account.columns import Ints
from streams.measures.account.person import Person
from streams.measures.account.settings import ScoreSettings
from streams.measures.account.views import table_of_people
from streams.subjects.account_journal import Entries, are_among, others_in
from streams.subjects.account_settle import tell
from streams.subjects.account_state import Account, People, Posts, Settled

FEW: Final = 48
"""Open entries up to which an account is told anew at each look, and not remembered."""
ROOM: Final = 48 << 20
"""Bytes at most of what is remembered, about: a person takes 184, an entry of a journal 23."""

T = TypeVar("T")


@dataclass(slots=True)
class Look:
    """An account that is looked at."""

    key: str
    account: Account
    settled: Settled
    """Its people and posts are this look's own, and not to be read after they were told."""
    found: Entries
    """What is still open of its journal."""
    journal: bytes
    """The journal before this look."""
    tidied: int
    """Length of its prefix that the last look, or tidying fold, left; bytes after it were appended since."""


class Told(NamedTuple):
    """Of accounts that were looked at together: their people, how many each has, and its posts."""

    people: Ints
    """As of `table_of_people`, those of one account after those of another."""
    sizes: list[int]
    posts: list[Posts]
    """Not to be changed, and true until others are told."""


@dataclass(slots=True)
class _Memory:
    """The outcome of an account, and what it came from: the settled bytes and the journal.

    People are told at the settled level, which is no lower than that of any hour of the journal (`sample`), so entries that an
    hour drops when its sample gets smaller are of nobody here. When entries that are in here are settled, `settled` changes.
    """

    settled: bytes
    journal: bytes
    who: NDArray[np.uint64]
    table: Ints
    posts: Posts

    @property
    def size(self) -> int:
        """Return how many bytes it takes, about."""
        parts = self.table.nbytes + self.who.nbytes + len(self.journal) + len(self.settled)
        return parts + _POST * len(self.posts) + _ACCOUNT

    def still_of(self, look: Look) -> bool:
        """Tell whether since then nothing was done to the account but to append to its journal."""
        as_left = len(self.journal) == look.tidied and look.journal.startswith(self.journal)
        return as_left and self.settled == look.account.settled

    def without(self, changed: NDArray[np.uint64]) -> None:
        """Take out these people and posts."""
        stay = ~are_among(self.who, changed)
        self.who, self.table = self.who[stay], self.table[:, stay]
        for post in changed.tolist():
            self.posts.pop(post, None)

    def add(self, people: People, posts: Posts) -> None:
        """Add people and posts that it has not."""
        self.who = np.concatenate([self.who, np.fromiter(people, np.uint64, len(people))])
        self.table = np.concatenate([self.table, table_of_people(list(people.values()))], axis=1)
        self.posts |= posts


class Open:
    """Tells what is open, and remembers those accounts that were looked at last."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._memories: dict[str, _Memory] = {}
        """The account that was looked at last comes last."""
        self._size = 0

    def forget(self) -> None:
        """Remember nothing any more."""
        self._memories.clear()
        self._size = 0

    def told(self, looks: Sequence[Look], settings: ScoreSettings) -> Told:
        """Return people and posts of accounts, each of which is there once."""
        tables: list[Ints] = []
        few: list[Person] = []
        sizes, several = [], []
        for look in looks:
            if len(look.found) > FEW:
                memory = self._remembered(look, settings)
                tables += (table_of_people(few), memory.table)
                few, posts = [], memory.posts
                sizes.append(len(memory.who))
            else:
                people, posts = look.settled.people, look.settled.posts
                tell(people, look.settled.level, posts, look.found, settings)
                few += people.values()
                sizes.append(len(people))
            several.append(posts)
        return Told(np.concatenate([*tables, table_of_people(few)], axis=1), sizes, several)

    def _remembered(self, look: Look, settings: ScoreSettings) -> _Memory:
        """Return the outcome of an account, and remember it; those looked at longest ago make room."""
        account, found, people, posts = look.account, look.found, look.settled.people, look.settled.posts
        memory = self._forgotten(look.key)
        if memory is None or not memory.still_of(look):
            memory = _Memory(account.settled, b"", _NOBODY, table_of_people([]), {})
        else:
            changed = others_in(look.journal[look.tidied :])
            found = found[are_among(found["who"], changed)]
            people, posts = _some(people, changed), _some(posts, changed)
            memory.without(changed)
        tell(people, look.settled.level, posts, found, settings)
        memory.journal = account.journal
        memory.add(people, posts)
        if (size := memory.size) <= ROOM:
            while self._size + size > ROOM:
                self._forgotten(next(iter(self._memories)))
            self._memories[look.key] = memory
            self._size += size
        return memory

    def _forgotten(self, key: str) -> _Memory | None:
        """Return what is remembered of an account, and remember no more of it."""
        memory = self._memories.pop(key, None)
        if memory is not None:
            self._size -= memory.size
        return memory


_NOBODY: Final = np.zeros(0, np.uint64)
_POST: Final = 250
_ACCOUNT: Final = 1000
"""Bytes of a post, and of an account by itself."""


def _some(things: dict[int, T], chosen: NDArray[np.uint64]) -> dict[int, T]:
    return {number: things[number] for number in chosen.tolist() if number in things} if things else {}
