"""The windows of accounts as of a minute: what each holds, since when that is true, and until when.

Two windows of an account that hold the same panes are one view. What a window holds changes when a pane enters it and
when one leaves; a row is *as of* the latest such moment, or of the latest tick, since what is remembered fades. That
makes the moment a row speaks for a function of the panes and the time, however often one looks.

Many accounts are looked at together, in columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from schemas.event import KINDS
from schemas.fact import EARNED, FOLLOW, INCENTIVISED, POST, UNDISCLOSED, UNFOLLOW
from streams.measures.account.columns import Flags, Ints, bounds_of, flat, spread
from streams.measures.account.views import Days
from streams.subject import MINUTES_PER_DAY, MINUTES_PER_HOUR
from streams.windows.panes import (
    GAP_SQUARES,
    GAP_SUM,
    GAPS,
    GIVEN,
    KEPT_DAYS,
    KIND_MASK,
    KLASS_BITS,
    KLASS_MASK,
    MARK_KIND,
    PROMO,
    SLOT_BITS,
    SLOT_MASK,
    SLOTS,
    WINDOWS,
    Panes,
    window_start,
)

TICK: Final = 6 * MINUTES_PER_HOUR
"""Scores are brought up to date this often,"""
LIVELY_FOR: Final = 2 * MINUTES_PER_DAY
"""this long after an account was last active; then once a day."""

_WIDTH: Final = len(WINDOWS)
_BANDS: Final = _WIDTH + 1
"""Of panes: those of a window that the next narrower one does not hold, and at last those beyond all windows."""


@dataclass(slots=True)
class Held:
    """Panes of several accounts, each in the narrowest window that holds it. Times in minutes since the epoch."""

    accounts: int
    whose: Ints
    """Number of the account."""
    slot: Ints
    number: Ints
    start: Ints
    band: Ints
    newest_minute: Ints
    """Of each account: its newest pane of a minute, 0 without one."""
    starts: list[int]
    """Of the windows."""


@dataclass(slots=True)
class Changes:
    """Since when and until when the windows of accounts hold what they hold, in minutes since the epoch."""

    as_of: Ints
    """By account and window: the latest moment at which what its row says changed."""
    lately: Ints
    """The latest moment at which anything entered or a tick passed: what scores are worked out as of."""
    due: Ints
    """When any of this changes though nothing happens; 0 for never."""


@dataclass(slots=True)
class Sums:
    """What windows hold. A view is what a window holds that the next narrower one does not hold in full."""

    received: tuple[Ints, Ints, Ints]
    """By kind and view: counts of all classes, of those made for something in return, of those that hide it."""
    given: tuple[Ints, Ints, Ints]
    promo: Ints
    start: Ints
    """Of each view."""
    whose: Ints
    """The account of each view."""
    shown: Ints
    """By account and window: which of its account's views it shows, from 1; 0 while the window is empty."""


def hold(minutes: Sequence[Panes], hours: Sequence[Panes], days: Sequence[Panes], now: int) -> Held:
    """Return the panes of several accounts, as of minute `now`."""
    starts = [window_start(now, unit, length) for _, unit, length in WINDOWS]
    parts = []
    for panes, unit in ((minutes, 1), (hours, MINUTES_PER_HOUR), (days, MINUTES_PER_DAY)):
        bounds = bounds_of(map(len, panes), len(panes))
        keys = flat(panes, int(bounds[-1]))
        numbers = flat([each.values() for each in panes], len(keys))
        parts.append((spread(bounds), keys & SLOT_MASK, numbers, (keys >> SLOT_BITS) * unit))
    newest = np.zeros(len(minutes), np.int64)
    np.maximum.at(newest, parts[0][0], parts[0][3])
    whose, slot, number, start = (np.concatenate(several) for several in zip(*parts, strict=True))
    band = _WIDTH - np.searchsorted(starts[::-1], start, side="right")
    return Held(len(minutes), whose, slot, number, start, band, newest, starts)


def changes(held: Held, now: int, *, rolled_minute: Ints, rolled_hour: Ints) -> Changes:
    """Return since when the windows' rows are true, and when a pane leaves, a window or all that is kept.

    `rolled_minute` and `rolled_hour` are the newest of each account that were rolled up already; no window needs
    those apart.

    >>> one, none = {100 << 7 | 12: 1}, np.array([0])  # one like received in minute 100
    >>> found = changes(hold([one], [{}], [{}], 101), 101, rolled_minute=none, rolled_hour=none)
    >>> found.as_of.tolist(), found.due.tolist()
    ([[101, 101, 101, 101, 101]], [106])
    >>> found = changes(hold([one], [{}], [{}], 110), 110, rolled_minute=none, rolled_hour=none)
    >>> found.as_of.tolist(), found.due.tolist()
    ([[106, 101, 101, 101, 101]], [161])
    """
    last = np.maximum(rolled_minute, held.newest_minute)
    tick, following = _ticks(now, last)
    lately = np.maximum(last + 1, tick)
    # One row for each band, one column for each account.
    place = held.band * held.accounts + held.whose
    newest: Ints = np.zeros((_BANDS, held.accounts), np.int64)
    np.maximum.at(newest.reshape(-1), place, held.start)
    oldest: Ints = np.full((_BANDS, held.accounts), _LATE)
    np.minimum.at(oldest.reshape(-1), place, held.start)
    starts = np.array(held.starts)[:, None]

    # What has left a window is in a wider one, beyond all, or rolled up.
    hours = np.where(rolled_minute > 0, rolled_hour * MINUTES_PER_HOUR, 0)
    rolled = np.maximum(np.where(rolled_minute < starts, rolled_minute, 0), np.where(hours < starts, hours, 0))
    out = np.maximum.accumulate(np.maximum(newest[1:], rolled)[::-1])[::-1]
    inside = np.minimum.accumulate(oldest[:-1])
    filled = inside < _LATE
    moments = np.where(out > 0, _leaves_at(out, _UNITS, _LENGTHS), 0)
    moments = np.where(filled, np.maximum(moments, lately), moments)
    leaving = np.where(filled, _leaves_at(inside, _UNITS, _LENGTHS), _LATE).min(axis=0)
    gone = np.where(oldest[-1] < _LATE, _leaves_at(oldest[-1], MINUTES_PER_DAY, _ALL_KEPT), 0)
    return Changes(moments.T, lately, np.where(filled[-1], np.minimum(leaving, following), gone))


_UNITS: Final = np.array([[unit] for _, unit, _ in WINDOWS])
_LENGTHS: Final = np.array([[length] for _, _, length in WINDOWS])
_ALL_KEPT: Final = (KEPT_DAYS + 1) * MINUTES_PER_DAY
_LATE: Final = np.int64(1 << 62)


def _leaves_at(minute: Ints, unit: Ints | int, length: Ints | int) -> Ints:
    """Return the first minutes at which the panes of `minute` are no longer in the window.

    >>> _leaves_at(np.array([120]), 1, 5).item(), _leaves_at(np.array([119]), 60, 1440).item()
    (126, 1501)
    """
    return minute // unit * unit + length + 1


def _ticks(now: int, newest: Ints) -> tuple[Ints, Ints]:
    """Return the latest tick at `now` and the one after it, for accounts that were last active at `newest`.

    >>> [tick.item() for tick in _ticks(1500, np.array([1400]))]
    [1440, 1800]
    >>> [tick.item() for tick in _ticks(10_000, np.array([1400]))]
    [8640, 10080]
    """
    lively = newest + LIVELY_FOR
    last_day = now // MINUTES_PER_DAY * MINUTES_PER_DAY
    last = np.maximum(np.minimum(now, lively) // TICK * TICK, last_day)
    following = (now // TICK + 1) * TICK
    return last, np.where(following <= lively, following, last_day + MINUTES_PER_DAY)


def pick(held: Held, accounts: Ints) -> Held:
    """Return the panes of some of the accounts, in the order in which they are named.

    >>> both = hold([{100 << 7: 1}, {101 << 7: 2}], [{}, {}], [{}, {}], 102)
    >>> pick(both, np.array([1])).number.tolist(), pick(both, np.array([1, 0])).whose.tolist()
    ([2], [1, 0])
    """
    place = np.full(held.accounts, -1)
    place[accounts] = np.arange(len(accounts))
    whose = place[held.whose]
    kept = whose >= 0
    return Held(
        len(accounts),
        whose[kept],
        held.slot[kept],
        held.number[kept],
        held.start[kept],
        held.band[kept],
        held.newest_minute[accounts],
        held.starts,
    )


def different(held: Held) -> Ints:
    """Return how many different windows each account has that are not empty."""
    found: Ints = _filled(held).sum(axis=1, dtype=np.int64)
    return found


def _filled(held: Held) -> Flags:
    """Return which windows, by account, hold something that the next narrower one does not."""
    filled = np.zeros((held.accounts, _BANDS), np.bool_)
    filled[held.whose, held.band] = True
    return filled[:, :_WIDTH]


def window_sums(held: Held) -> Sums:
    """Return what the windows hold; what a narrow window holds, the wider ones hold as well.

    >>> sums = window_sums(hold([{100 << 7 | 12: 1}], [{}], [{}], 101))  # one like received in minute 100
    >>> sums.received[0][3].tolist(), sums.shown.tolist()
    ([1], [[1, 1, 1, 1, 1]])
    >>> sums = window_sums(hold([{100 << 7 | 12: 1}], [{}], [{120 << 7 | 12: 2}], 200_000))
    >>> sums.received[0][3].tolist(), sums.shown.tolist()
    ([2], [[0, 0, 0, 0, 1]])
    """
    filled = _filled(held)
    shown = np.cumsum(filled, axis=1, dtype=np.int64)
    whose, band = np.nonzero(filled)
    inside = held.band < _WIDTH
    view = (np.cumsum(filled) - 1)[held.whose[inside] * _WIDTH + held.band[inside]]
    slots: Ints = np.zeros((SLOTS, len(whose)), np.int64)
    np.add.at(slots.reshape(-1), held.slot[inside] * len(whose) + view, held.number[inside])
    rank = shown[whose, band]
    for at in range(2, _BANDS):
        wider = np.flatnonzero(rank == at)
        if not len(wider):
            break
        slots[:, wider] += slots[:, wider - 1]
    start = np.array(held.starts)[band]
    return Sums(_by_kind(slots[:GIVEN]), _by_kind(slots[GIVEN:]), slots[PROMO], start, whose, shown)


def _by_kind(slots: Ints) -> tuple[Ints, Ints, Ints]:
    """Return counts by kind of all classes, of those made for something in return, of those that hide it."""
    classes = slots.reshape(KIND_MASK + 1, KLASS_MASK + 1, -1)[: len(KINDS)]
    undisclosed = np.ascontiguousarray(classes[:, UNDISCLOSED])
    bought = classes[:, INCENTIVISED] + undisclosed
    return classes[:, EARNED] + bought, bought, undisclosed


def day_sums(held: Held) -> tuple[Days, Ints]:
    """Return what the days of accounts held, and the account of each day.

    >>> days, whose = day_sums(hold([{100 << 7 | 12: 1}], [{}], [{2 << 7 | 64: 3}], 200_000))
    >>> days.number.tolist(), days.engaged.tolist(), days.posts.tolist(), whose.tolist()
    ([0, 2], [1, 0], [0, 3], [0, 0])
    >>> day_sums(hold([{}], [{}], [{2 << 7 | 60: 9}], 200_000))[0].promo.tolist()  # a mark that no day knows
    [0]
    """
    found, at = np.unique(held.whose << 32 | held.start // MINUTES_PER_DAY, return_inverse=True)
    fields = np.zeros((len(_FIELDS) + 1, len(found)), np.int64)
    np.add.at(fields, (_FIELD[held.slot], at), held.number * _SIGN[held.slot])
    posts = _POST[held.slot]
    np.add.at(fields[_FIELDS.index("posts")], at[posts], held.number[posts])
    return Days(found & 0xFFFFFFFF, *fields[:-1]), found >> 32


_FIELDS: Final = ("acted", "engaged", "gained", "posts", "promo", "gaps", "gap_sum", "gap_squares")
_MARKS: Final = {PROMO: "promo", GAPS: "gaps", GAP_SUM: "gap_sum", GAP_SQUARES: "gap_squares"}
"""Marks that days know; what others hold goes into one more field, which is dropped."""


def _field(slot: int) -> tuple[str | None, int]:
    """Return which field of a day a pane is added to, if any, and with which sign."""
    kind = slot >> KLASS_BITS & KIND_MASK
    if kind == MARK_KIND:
        return _MARKS.get(slot), 1
    if slot >= GIVEN:
        return "acted", 1
    if kind == FOLLOW:
        return "gained", int(slot & KLASS_MASK != INCENTIVISED)
    return ("gained", -1) if kind == UNFOLLOW else ("engaged", 1)


_FIELD: Final = np.array([(*_FIELDS, None).index(_field(slot)[0]) for slot in range(SLOTS)])
_SIGN: Final = np.array([_field(slot)[1] for slot in range(SLOTS)])
_POST: Final = np.array([slot >= GIVEN and slot >> KLASS_BITS & KIND_MASK == POST for slot in range(SLOTS)])
