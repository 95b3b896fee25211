"""The door every measure comes through: a subject is something facts are about.

An account, a cascade, a tie, a tag, a venue, a campaign: each is one `Subject`, and the accumulate agent knows nothing
else of them. It groups facts by key, folds them into the key's state, asks for derived rows, and looks after
durability (fences, tables, progress), so a subject is pure: no Faust, no clock, no network, no settings read inside.

Laws, tested for every registered subject (`tests/unit/test_subject_laws.py`):

- *order*: folding the same facts in any order, in any grouping, presents the same rows;
- *undo*: folding a fact and the same fact with `sign == -1` presents what neither would have, where the subject's
  docstring does not name an exception;
- *round trip*: `load(dump(state))` presents the same rows as `state`;
- *time*: `present` depends on the state and on `now` alone, and what it says holds until the `due` it returns.

A subject that must know of other keys may `look` at those of its partition. What it takes from them must be final, as
what came before the floor is; then it is right whenever it looks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Generic, NamedTuple, Protocol, TypeVar

from schemas.fact import Fact
from schemas.rows.columns import Columns

State = TypeVar("State")

NEVER: Final = (1 << 63) - 1
"""A `due` that does not come."""
RELEASE: Final = -1
"""Returned by `present`: the state is spent; its last rows are out and the key may be forgotten."""
SOON: Final = 0
"""Returned by `present`: there is more to be done than should be done at once; ask again as soon as there is time."""

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
"""Milliseconds. What counts in minutes or hours says so:"""
MINUTES_PER_HOUR: Final = HOUR // MINUTE
MINUTES_PER_DAY: Final = DAY // MINUTE
HOURS_PER_DAY: Final = DAY // HOUR


class Due(NamedTuple):
    """When to look at a key again: when stream time has come to `time` or the floor to `floor`, whichever is first.

    The floor for what must be final: where the stream ends for a while, time does not go on, but the floor still comes.
    """

    time: int = NEVER
    floor: int = NEVER

    @classmethod
    def of(cls, due: int | Due) -> Due:
        """Return a due that may be a time as one that has both."""
        return due if isinstance(due, Due) else cls(due)


@dataclass(frozen=True, slots=True)
class Now:
    """Stream time. Both in milliseconds of event time; neither depends on the wall clock.

    `time`: end (exclusive) of the newest minute in which anything has happened anywhere, so a multiple of MINUTE.
    `floor`: no fact with an earlier time will ever come, retractions by undo included; state that only matters
    before it can be released.
    """

    time: int
    floor: int


class Rows:
    """Rows on their way out: table name → rows in the order of that table's columns (`schemas.rows`).

    A row holds absolute values, never a difference, so that saying it twice changes nothing. The agent adds the
    version column. Rows that are made many at a time, of many columns, are said by column.
    """

    __slots__ = ("by_table", "columns", "news")

    def __init__(self) -> None:
        self.by_table: dict[str, list[tuple[Any, ...]]] = {}
        self.columns: list[Columns] = []
        self.news: dict[str, list[tuple[Any, ...]]] = {}
        """Of these rows, those that the outside is told of on a topic as well."""

    def add(self, table: str, row: tuple[Any, ...]) -> None:
        """Say `row` of `table`; the columns are those of `schemas.rows.TABLES[table]` without the version."""
        rows = self.by_table.get(table)
        if rows is None:
            rows = self.by_table[table] = []
        rows.append(row)

    def listed(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return all rows by table, those that were said by column as well: for whom it does not matter how they leave."""
        found = {table: list(rows) for table, rows in self.by_table.items()}
        for several in self.columns:
            found.setdefault(several.layout.table.name, []).extend(several.rows())
        return found

    def tell(self, table: str, row: tuple[Any, ...]) -> None:
        """Say `row`, and tell the outside; what is told again after a crash has the same id."""
        self.add(table, row)
        self.news.setdefault(table, []).append(row)


class Others(Protocol):
    """What is known of other keys in the same partition, as of now. Keys begin with their subject's code."""

    def keys(self, prefix: bytes) -> list[bytes]:
        """Return the keys that begin with `prefix`; looks at every key of the partition."""

    def get(self, key: bytes) -> bytes | None:
        """Return the state of a key as `dump` writes it, None if there is none."""


class Subject(ABC, Generic[State]):
    """One kind of thing that facts are about, and what is kept of each."""

    name: ClassVar[str]
    """Plural, snake_case: names the subject in telemetry."""
    code: ClassVar[str]
    """One letter, unique and never reused: it prefixes the subject's keys in state and on the wire."""
    ruled: ClassVar[bool] = False
    """Whether what it presents depends on rules that an operator may change."""
    light: ClassVar[bool] = False
    """Whether presenting costs next to nothing: then what is at hand is presented in every flush, due or not."""
    patience: int = DAY
    """How long (event ms) presenting may be put off under load. A state is released only by `present`, so choose about its
    lifetime; longer where presenting is dear and releases little.
    """
    looks: ClassVar[bool] = False
    """Whether it wants to `look`."""
    fleeting: ClassVar[bool] = False
    """Whether its states are many and end soon: then it is asked whether one is `spent` before that is loaded."""
    brief: ClassVar[bool] = False
    """Whether it folds a Brief as well. Where all do, no more is read of facts."""

    @abstractmethod
    def keys(self, fact: Fact) -> Iterable[str]:
        """Return the keys `fact` concerns, without duplicates; most facts concern few subjects, so be quick."""

    def home(self, key: str) -> str:
        """Return the part of `key` that decides its partition. Keys with one home are folded by one worker."""
        return key

    def about(self, key: str, account: str) -> bool:
        """Tell whether `key` is of that account and goes when it is erased."""
        return False

    def heir(self, key: str, account: str, stand_in: str) -> str | None:
        """Return under which key one that is `about` the account goes on without its name; None where it just goes.

        For keys of the account that decide about others as well.
        """
        return None

    def without(self, raw: bytes, account: str, stand_in: str) -> bytes | None:
        """Return a state as `dump` wrote it with `stand_in` in the account's place; None where names are not kept."""
        return None

    @abstractmethod
    def empty(self, key: str) -> State:
        """Return the state of a key nothing is known of."""

    @abstractmethod
    def load(self, key: str, raw: bytes) -> State:
        """Return the state that `dump` wrote; raise on anything else (it is corruption and ends the process)."""

    @abstractmethod
    def dump(self, state: State) -> bytes:
        """Return the state as compact bytes that start with a format version."""

    @abstractmethod
    def fold(self, key: str, state: State, facts: Sequence[Fact], rows: Rows) -> int | Due | None:
        """Add `facts` (in no particular order) to `state`, and say the rows that must be exact at once.

        Return None to be presented soon, or, where nothing more is to be said, when to look (event ms, a Due, or NEVER).
        """

    def spent(self, raw: bytes, now: Now) -> bool:
        """Tell of a state as `dump` wrote it whether `present` would say nothing and release it."""
        return False

    def look(self, key: str, state: State, now: Now, others: Others) -> None:
        """Note, before it is presented, what must be known of keys with the same home, up to `now.floor`."""

    def forget(self) -> None:
        """Drop what was noted apart from states: keys have come, gone, or changed their names."""

    @abstractmethod
    def present(self, key: str, state: State, now: Now, rows: Rows) -> int | Due:
        """Say the derived rows of a key as of `now`; return when to ask again (event ms, or a Due), NEVER or RELEASE.

        Called some time after a fold (at once when the worker keeps up, within about a second under load) and when
        the returned time has come. Must tolerate that many due times have passed since the last call.
        """

    def present_many(self, items: Sequence[tuple[str, State]], now: Now, rows: Rows) -> list[int | Due]:
        """Present several keys, each with its state; return what `present` returns, in the same order.

        For subjects that are quicker at many than at one. The same rows come out, however keys are put together.
        """
        return [self.present(key, state, now, rows) for key, state in items]
