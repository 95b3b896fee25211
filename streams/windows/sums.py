"""The windows of an account as of a minute: what each holds, since when that is true, and until when.

Two windows that hold the same panes are one view. What a window holds changes when a pane enters it and when
one leaves; a row is *as of* the latest such moment, or of the latest day's beginning, since what is
remembered fades. That makes the moment a row speaks for a function of the panes and the time, however often
one looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

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
    WINDOWS,
    Panes,
    leaves_at,
    window_start,
)

_UNITS: Final = (1, MINUTES_PER_HOUR, MINUTES_PER_DAY)


@dataclass(slots=True)
class Sums:
    """What the windows hold. Times in minutes since the epoch."""

    views: list[WindowView | None]
    """By window, narrow to wide; None while empty, one object for windows that hold the same panes."""
    as_of: list[int]
    """By window: the latest moment at which what its row says changed."""
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
    held: list[list[tuple[int, int, int]]] = [[], [], [], [], [], []]
    by_day: dict[int, Day] = {}
    for panes, unit in zip((minutes, hours, days), _UNITS, strict=True):
        for key, number in panes.items():
            start, slot = (key >> SLOT_BITS) * unit, key & SLOT_MASK
            if start >= day:
                index = 0 if start >= five else 1 if start >= hour else 2
            else:
                index = 3 if start >= week else 4 if start >= month else 5
            held[index].append((start, slot, number))
            number_of_day = start // MINUTES_PER_DAY
            that = by_day.get(number_of_day)
            if that is None:
                that = by_day[number_of_day] = Day()
            _add_to_day(that, slot, number)

    newest = max(rolled_minute, max(minutes) >> SLOT_BITS if minutes else 0)
    views = _views(held, starts)
    boundary = (now - 1) // MINUTES_PER_DAY * MINUTES_PER_DAY + 1
    as_of, due = _changes(held, starts, newest + 1, boundary, (rolled_minute, rolled_hour * MINUTES_PER_HOUR))
    return Sums(views, as_of, by_day, due)


def _views(held: list[list[tuple[int, int, int]]], starts: list[int]) -> list[WindowView | None]:
    views: list[WindowView | None] = []
    view: WindowView | None = None
    for start, panes in zip(starts, held, strict=False):
        if panes:
            view = WindowView(start=start) if view is None else view.widened(start)
            for _, slot, number in panes:
                _add_to_view(view, slot, number)
        views.append(view)
    return views


def _changes(
    held: list[list[tuple[int, int, int]]],
    starts: list[int],
    entered: int,
    boundary: int,
    rolled: tuple[int, int],
) -> tuple[list[int], int]:
    """Return since when each window's row is true, and the next moment at which one is not."""
    oldest = [min(panes)[0] if panes else 0 for panes in held]
    newest = [max(panes)[0] if panes else 0 for panes in held]
    as_of = []
    due = 0
    inside = 0
    for index, (start, (_, unit, length)) in enumerate(zip(starts, WINDOWS, strict=True)):
        if oldest[index]:
            inside = oldest[index]
        out = max(newest[index + 1 :])
        for minute in rolled:
            if out < minute < start:
                out = minute
        moment = leaves_at(out, unit, length) if out else 0
        if inside:
            moment = max(moment, entered, boundary)
            leaving = leaves_at(inside, unit, length)
            due = min(due, leaving) if due else leaving
        as_of.append(moment)
    if inside:
        return as_of, min(due, boundary + MINUTES_PER_DAY)
    return as_of, leaves_at(oldest[-1], MINUTES_PER_DAY, KEPT_DAYS * MINUTES_PER_DAY) if oldest[-1] else 0


def _add_to_view(view: WindowView, slot: int, number: int) -> None:
    kind, klass = slot >> KLASS_BITS & KIND_MASK, slot & KLASS_MASK
    if kind == MARK_KIND:
        if slot == PROMO:
            view.promo += number
    elif slot < GIVEN:
        view.received[kind] += number
        if klass != EARNED:
            view.received_bought[kind] += number
            if klass == UNDISCLOSED:
                view.received_undisclosed[kind] += number
    else:
        view.given[kind] += number
        if klass != EARNED:
            view.given_bought[kind] += number
            if klass == UNDISCLOSED:
                view.given_undisclosed[kind] += number


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
