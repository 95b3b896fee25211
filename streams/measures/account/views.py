"""What measures see: windows, and accounts, many at a time, in columns.

`window` and `account` make views of one, to try a measure on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Final, NamedTuple

import numpy as np

from schemas.event import KINDS
from schemas.fact import UNKNOWN
from streams.measures.account.columns import Flags, Ints, bounds_of, counted, flat, ints, sums
from streams.measures.account.person import Person
from streams.measures.account.rhythm import Rhythm
from streams.measures.account.settings import DEFAULTS, ScoreSettings

KIND_COUNT: Final = len(KINDS)

Audience = Mapping[str, Sequence[int]]
"""Network → time (ms), followers, following; again for each day, oldest first."""


@dataclass(slots=True)
class People:
    """People in columns: see `Person`."""

    in_earned: Ints
    in_bought: Ints
    amplified_earned: Ints
    amplified_bought: Ints
    followers: Ints
    visited: Ints
    out_earned: Ints
    out_bought: Ints
    returned: Ints
    asked: Ints
    cold: Ints
    warm: Ints
    swaps: Ints
    swapped: Ints
    fast: Ints
    slow: Ints
    answer_fast: Ints
    answer_slow: Ints
    bought_fast: Ints
    bought_slow: Ints
    given_fast: Ints
    given_slow: Ints

    @property
    def seen(self) -> Ints:
        """Return when anything last happened."""
        found: Ints = np.max([self.in_earned, self.in_bought, self.out_earned, self.out_bought, self.asked], axis=0)
        return found


assert tuple(field.name for field in fields(People)) == Person.__struct_fields__, "one column for each field, in order"

_person = attrgetter(*Person.__struct_fields__)
_rhythm = attrgetter(*Rhythm.__struct_fields__)


def table_of_people(people: Sequence[Person]) -> Ints:
    """Return people as an array: a row for each field, a column for each person."""
    width = len(Person.__struct_fields__)
    table = flat([_person(person) for person in people], len(people) * width)
    return np.ascontiguousarray(table.reshape(len(people), width).T)


@dataclass(slots=True)
class Rhythms:
    """Rhythms in columns: see `Rhythm`."""

    first: Ints
    acted: Ints
    engaged: Ints
    engaged_fast: Ints
    engaged_slow: Ints
    gave: Ints
    gave_fast: Ints
    gave_slow: Ints
    seen: Ints
    anew: Ints


assert tuple(field.name for field in fields(Rhythms)) == Rhythm.__struct_fields__, "one column for each field, in order"


def rhythms_of(rhythms: Sequence[Rhythm]) -> Rhythms:
    """Return rhythms in columns."""
    width = len(Rhythm.__struct_fields__)
    table = flat([_rhythm(rhythm) for rhythm in rhythms], len(rhythms) * width)
    return Rhythms(*table.reshape(len(rhythms), width).T)


class Lately(NamedTuple):
    """People of a narrow window, counted in a finer sample than the people remembered: one in `scale`."""

    engaged: int
    earned: int
    bought: int
    given: int
    given_earned: int
    given_bought: int
    scale: int


@dataclass(slots=True)
class WindowViews:
    """What happened in windows: net counts by kind (a row) and window (a column), and the people behind them.

    `*_bought` counts what was made for something in return, said or not; `*_undisclosed` those that do not
    say so. `people` are those of the account of each window, one after the other, and `whose` says of which window; a person was
    there for something in the window when the time it last happened is not before `since`, the window's
    `start` (minutes since the epoch): that works because every window ends now. Beyond what is kept exactly,
    people are a sample of one in `scale`.
    """

    received: Ints
    received_bought: Ints
    received_undisclosed: Ints
    given: Ints
    given_bought: Ints
    given_undisclosed: Ints
    promo: Ints
    start: Ints
    scale: Ints
    followers: Ints
    """Of the account, as last known; negative while unknown."""
    people: People
    whose: Ints
    since: Ints
    """Start of the window, for each of its people."""
    lately: Mapping[int, Lately]
    """By number of the window, where people of the journal are counted more finely."""

    def count(self, people: Flags) -> Ints:
        """Return how many of the people that are marked each window has."""
        return counted(people, self.whose, len(self.start))

    def total(self, values: Ints) -> Ints:
        """Return the sum over the people of each window."""
        return sums(values, self.whose, len(self.start))


@dataclass(slots=True)
class Days:
    """What days of UTC held, of one account after the other, in the order of time."""

    number: Ints
    """Days since the epoch."""
    acted: Ints
    """Actions of the account itself."""
    engaged: Ints
    """Engagement received, of every class."""
    gained: Ints
    """Follows less unfollows received, without those that a declared incentive brought."""
    posts: Ints
    promo: Ints
    gaps: Ints
    gap_sum: Ints
    gap_squares: Ints
    """Minutes, and their squares, between one minute in which the account acted and the next."""


@dataclass(slots=True)
class StandingViews:
    """What is remembered of accounts, each as of its minute `now`; up to 60 `days` of each."""

    now: Ints
    people: People
    bounds: Ints
    whose: Ints
    """Where the people of each account begin, and the account of each person."""
    scale: Ints
    rhythm: Rhythms
    days: Days
    day_of: Ints
    """The account of each day."""
    shares: Sequence[Sequence[int]]
    """Of each account: shares of each post that was shared in the last 60 days, of one post in `share_scale`."""
    share_scale: Sequence[int]
    audience: Sequence[Audience]
    settings: ScoreSettings

    @property
    def today(self) -> Ints:
        """Return the number of the day that `now` ends in."""
        return (self.now - 1) // 1440


def window(
    *,
    received: Mapping[int, int] | None = None,
    received_bought: Mapping[int, int] | None = None,
    given: Mapping[int, int] | None = None,
    promo: int = 0,
    people: Sequence[Person] = (),
    start: int = 1,
    scale: int = 1,
    followers: int = UNKNOWN,
) -> WindowViews:
    """Return the view of one window, with counts by kind."""
    nothing = _kinds({})
    return WindowViews(
        _kinds(received or {}),
        _kinds(received_bought or {}),
        nothing,
        _kinds(given or {}),
        nothing,
        nothing,
        promo=ints([promo]),
        start=ints([start]),
        scale=ints([scale]),
        followers=ints([followers]),
        people=People(*table_of_people(people)),
        whose=np.zeros(len(people), np.int64),
        since=np.full(len(people), start),
        lately={},
    )


def _kinds(counts: Mapping[int, int]) -> Ints:
    return ints(counts.get(kind, 0) for kind in range(KIND_COUNT)).reshape(KIND_COUNT, 1)


def account(
    *,
    now: int,
    people: Sequence[Person] = (),
    scale: int = 1,
    rhythm: Rhythm | None = None,
    days: Iterable[Mapping[str, int]] = (),
    shares: Sequence[int] = (),
    share_scale: int = 1,
    audience: Audience | None = None,
    settings: ScoreSettings = DEFAULTS,
) -> StandingViews:
    """Return the view of one account; `days` by what is not 0 in them."""
    days = sorted(days, key=lambda day: day["number"])
    return StandingViews(
        now=ints([now]),
        people=People(*table_of_people(people)),
        bounds=bounds_of([len(people)], 1),
        whose=np.zeros(len(people), np.int64),
        scale=ints([scale]),
        rhythm=rhythms_of([rhythm or Rhythm()]),
        days=Days(*(ints(day.get(field.name, 0) for day in days) for field in fields(Days))),
        day_of=np.zeros(len(days), np.int64),
        shares=[shares],
        share_scale=[share_scale],
        audience=[audience or {}],
        settings=settings,
    )
