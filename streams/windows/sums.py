"""The windows of an account as of a minute: what each holds, since when that is true, and until when.

Two windows that hold the same panes are one view. What a window holds changes when a pane enters it and when
one leaves; a row is *as of* the latest such moment, or of the latest tick, since what is
remembered fades. That makes the moment a row speaks for a function of the panes and the time, however often
one looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from schemas.event import KINDS
from schemas.fact import EARNED, FOLLOW, INCENTIVISED, POST, UNDISCLOSED, UNFOLLOW
from streams.measures.account.measure import Day, WindowView
from streams.windows.panes import (
    GAP_SUM,
    GAPS,
    GIVEN,
    KEPT_DAYS,
    KIND_MASK,
    KLASS_BITS,
    KLASS_MASK,
    MARK_KIND,
    MINUTES_PER_DAY,
    MINUTES_PER_HOUR,
    PROMO,
    SLOT_BITS,
    SLOT_MASK,
    SLOTS,
    WINDOWS,
    Panes,
    leaves_at,
    window_start,
)

_STEP: Final = KLASS_MASK + 1
_MARKS: Final = len(KINDS) * _STEP
"""Slots of one direction before the marks."""


TICK: Final = 6 * MINUTES_PER_HOUR
"""Scores are brought up to date this often,"""
LIVELY_FOR: Final = 2 * MINUTES_PER_DAY
"""this long after an account was last active; then once a day."""


@dataclass(slots=True)
class Sums:
    """What the windows hold. Times in minutes since the epoch."""

    views: list[WindowView | None]
    """By window, narrow to wide; None while empty, one object for windows that hold the same panes."""
    as_of: list[int]
    """By window: the latest moment at which what its row says changed."""
    lately: int
    """The latest moment at which anything entered or a tick passed: what scores are worked out as of."""
    days: dict[int, Day]
    due: int
    """When any of this changes though nothing happens; 0 for never."""


def window_sums(
    minutes: Panes, hours: Panes, days: Panes, now: int, *, rolled_minute: int = 0, rolled_hour: int = 0
) -> Sums:
    """Return the windows as of minute `now`.

    `rolled_minute` and `rolled_hour` are the newest that were rolled up already; no window needs those apart.

    >>> sums = window_sums({100 << 7 | 12: 1}, {}, {}, 101)  # one like received in minute 100
    >>> [view.received[3] for view in sums.views], sums.as_of, sums.due
    ([1, 1, 1, 1, 1], [101, 101, 101, 101, 101], 106)
    >>> sums = window_sums({100 << 7 | 12: 1}, {}, {}, 110)
    >>> sums.views[0], sums.views[1] is sums.views[4], sums.as_of, sums.due
    (None, True, [106, 101, 101, 101, 101], 161)
    """
    starts = [window_start(now, unit, length) for _, unit, length in WINDOWS]
    five, hour, day, week, month = starts
    held: list[list[tuple[int, int]]] = [[], [], [], [], [], []]
    oldest, newest = [0] * 6, [0] * 6
    by_day: dict[int, Day] = {}
    for panes, unit in ((minutes, 1), (hours, MINUTES_PER_HOUR), (days, MINUTES_PER_DAY)):
        for key, number in panes.items():
            start, slot = (key >> SLOT_BITS) * unit, key & SLOT_MASK
            if start >= day:
                index = 0 if start >= five else 1 if start >= hour else 2
            else:
                index = 3 if start >= week else 4 if start >= month else 5
            held[index].append((slot, number))
            if start > newest[index]:
                newest[index] = start
            if start < oldest[index] or not oldest[index]:
                oldest[index] = start
            on_day = start // MINUTES_PER_DAY
            that = by_day.get(on_day)
            if that is None:
                that = by_day[on_day] = Day()
            _add_to_day(that, slot, number)

    last = max(rolled_minute, max(minutes) >> SLOT_BITS if minutes else 0)
    rolled = (rolled_minute, rolled_hour * MINUTES_PER_HOUR)
    tick, following = _ticks(now, last)
    lately = max(last + 1, tick)
    as_of, due = _changes(starts, oldest, newest, rolled, lately)
    return Sums(_views(held, starts), as_of, lately, by_day, min(due, following) if any(oldest[:-1]) else due)


def _views(held: list[list[tuple[int, int]]], starts: list[int]) -> list[WindowView | None]:
    """Return the views; what a narrow window holds, the wider ones hold as well."""
    views: list[WindowView | None] = []
    view: WindowView | None = None
    slots = [0] * SLOTS
    for start, panes in zip(starts, held, strict=False):
        if panes:
            for slot, number in panes:
                slots[slot] += number
            received, given = slots[:_MARKS], slots[GIVEN : GIVEN + _MARKS]
            view = WindowView(*_by_kind(received), *_by_kind(given), slots[PROMO], start=start)
        views.append(view)
    return views


def _by_kind(slots: list[int]) -> tuple[list[int], list[int], list[int]]:
    """Return counts by kind of all classes, of those made for something in return, of those that hide it."""
    every = slots[EARNED::_STEP]
    disclosed, undisclosed = slots[INCENTIVISED::_STEP], slots[UNDISCLOSED::_STEP]
    if any(disclosed) or any(undisclosed):
        bought = [one + other for one, other in zip(disclosed, undisclosed, strict=True)]
        return [one + other for one, other in zip(every, bought, strict=True)], bought, undisclosed
    return every, disclosed, undisclosed


def _changes(
    starts: list[int], oldest: list[int], newest: list[int], rolled: tuple[int, int], lately: int
) -> tuple[list[int], int]:
    """Return since when each window's row is true, and when a pane leaves, a window or all that is kept.

    `oldest` and `newest` pane are those that each window holds and the next narrower one does not, and at
    last those beyond all windows; 0 without.
    """
    moments = [0] * len(WINDOWS)
    out = newest[-1]
    for index, _, unit, length in _WIDE_TO_NARROW:
        if rolled[0]:
            start = starts[index]
            out = max(out, 0, *(minute for minute in rolled if minute < start))
        if out:
            moments[index] = out // unit * unit + length + 1  # leaves_at
        if newest[index] > out:
            out = newest[index]
    due = inside = 0
    for index, (_, unit, length) in enumerate(WINDOWS):
        inside = oldest[index] or inside
        if inside:
            if moments[index] < lately:
                moments[index] = lately
            leaving = inside // unit * unit + length + 1
            if leaving < due or not due:
                due = leaving
    if inside:
        return moments, due
    return moments, leaves_at(oldest[-1], MINUTES_PER_DAY, KEPT_DAYS * MINUTES_PER_DAY) if oldest[-1] else 0


_WIDE_TO_NARROW: Final = tuple((index, *WINDOWS[index]) for index in reversed(range(len(WINDOWS))))


def _ticks(now: int, newest: int) -> tuple[int, int]:
    """Return the latest tick at `now` and the one after it, for an account that was last active at `newest`.

    >>> _ticks(1500, 1400), _ticks(10_000, 1400)
    ((1440, 1800), (8640, 10080))
    """
    lively = newest + LIVELY_FOR
    last_day = now // MINUTES_PER_DAY * MINUTES_PER_DAY
    last = max(min(now, lively) // TICK * TICK, last_day)
    following = (now // TICK + 1) * TICK
    return last, following if following <= lively else last_day + MINUTES_PER_DAY


def _add_to_day(day: Day, slot: int, number: int) -> None:
    kind = slot >> KLASS_BITS & KIND_MASK
    if kind == MARK_KIND:
        if slot == PROMO:
            day.promo += number
        elif slot == GAPS:
            day.gaps += number
        elif slot == GAP_SUM:
            day.gap_sum += number
        else:
            day.gap_squares += number
    elif slot >= GIVEN:
        day.acted += number
        if kind == POST:
            day.posts += number
    elif kind == FOLLOW:
        if slot & KLASS_MASK != INCENTIVISED:
            day.gained += number
    elif kind == UNFOLLOW:
        day.gained -= number
    else:
        day.engaged += number
