"""What a measure of an account is, and what it sees.

A *window* measure sees the panes of one window, however long that window is: two windows that hold the same
panes get the same answer, and it is worked out once. A *standing* measure sees all that is remembered, as of
a minute. Both are pure functions of what they see.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from schemas.event import KINDS
from schemas.fact import FOLLOW, UNFOLLOW, UNKNOWN
from schemas.rows.table import Column
from streams.measures.account.person import Person
from streams.measures.account.rhythm import Rhythm
from streams.measures.account.settings import DEFAULTS, ScoreSettings

WINDOW_NAMES: Final = ("5m", "1h", "24h", "7d", "30d")
"""Narrow to wide."""
KIND_COUNT: Final = len(KINDS)
SPLITS: Final = ("", "_earned", "_incentivised")
"""Suffixes of a measure that exists three times: all, earned, made for something in return (said or not)."""


def zeros() -> list[int]:
    """Return a count of 0 for each kind."""
    return [0] * KIND_COUNT


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
class WindowView:
    """What happened in a window: net counts by kind, and the people behind them.

    `*_bought` counts what was made for something in return, said or not; `*_undisclosed` those that do not
    say so. A person was there for something in the window when the time it last happened is not before
    `start` (minutes since the epoch): that works because every window ends now. Beyond what is kept exactly,
    `people` is a sample of one in `scale`.
    """

    received: list[int] = field(default_factory=zeros)
    received_bought: list[int] = field(default_factory=zeros)
    received_undisclosed: list[int] = field(default_factory=zeros)
    given: list[int] = field(default_factory=zeros)
    given_bought: list[int] = field(default_factory=zeros)
    given_undisclosed: list[int] = field(default_factory=zeros)
    promo: int = 0
    people: Sequence[Person] = ()
    start: int = 1
    scale: int = 1
    followers: int = UNKNOWN
    lately: Lately | None = None


@dataclass(slots=True)
class Day:
    """What a day of UTC held."""

    acted: int = 0
    """Actions of the account itself."""
    engaged: int = 0
    """Engagement received, of every class."""
    gained: int = 0
    """Follows less unfollows received, without those that a declared incentive brought."""
    posts: int = 0
    promo: int = 0
    gaps: int = 0
    gap_sum: int = 0
    gap_squares: int = 0
    """Minutes, and their squares, between one minute in which the account acted and the next."""


@dataclass(slots=True)
class StandingView:
    """What is remembered of an account, as of minute `now`; `days` by day number, up to 60 of them."""

    now: int
    people: Sequence[Person] = ()
    scale: int = 1
    rhythm: Rhythm = field(default_factory=Rhythm)
    days: Mapping[int, Day] = field(default_factory=dict)
    shares: Sequence[int] = ()
    """Shares of each post that was shared in the last 60 days, of one post in `share_scale`."""
    share_scale: int = 1
    audience: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """Network → time (ms), followers, following; again for each day on which they were seen, oldest first."""
    settings: ScoreSettings = DEFAULTS

    @property
    def today(self) -> int:
        """Return the number of the day that `now` ends in."""
        return (self.now - 1) // 1440


@dataclass(frozen=True, slots=True)
class WindowMeasure:
    """A measure of what a window holds: its columns, and the function that fills them."""

    columns: tuple[Column, ...]
    of: Callable[[WindowView], tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class StandingMeasure:
    """A measure of all that is remembered, the same in every window's row of one moment."""

    columns: tuple[Column, ...]
    of: Callable[[StandingView], tuple[Any, ...]]


def split(name: str, type: str, doc: str) -> tuple[Column, Column, Column]:
    """Return the three columns of a measure that is split into earned and incentivised.

    >>> [column.name for column in split("people", "UInt64", "people")]
    ['people', 'people_earned', 'people_incentivised']
    """
    return (
        Column(name, type, doc),
        Column(f"{name}_earned", type, f"{doc}: earned, nothing was got for it"),
        Column(f"{name}_incentivised", type, f"{doc}: made for something in return, said or not"),
    )


def ratio(part: float, whole: float) -> float | None:
    """Return `part` / `whole`, None where there is no whole.

    >>> ratio(1, 4), ratio(0, 0)
    (0.25, None)
    """
    return part / whole if whole > 0 else None


ENGAGEMENT: Final = tuple(kind for kind in range(KIND_COUNT) if kind not in (FOLLOW, UNFOLLOW))
"""Kinds that are engagement when received: any but follow and unfollow."""
