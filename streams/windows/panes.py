"""Panes: how many actions of which sort fell into which minute, hour or day of event time.

A pane is an integer key that holds when and what, so that a handful of panes is a small dict of small integers, which
msgpack writes in 6 bytes an entry: `key = unit number since the epoch << SLOT_BITS | slot`. A slot is direction, kind
and class, or one of the marks: sums that ride along with the counts and roll up the same way.

Counts are added and subtracted, never set, so the order of events does not matter, and a window is the sum of its
panes. Minutes are rolled up into hours, and hours into days, once nothing can change them and no window needs them
apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from schemas.event import KINDS
from streams.subject import DAY, HOUR, MINUTE

Panes = dict[int, int]
"""Pane key → net number of actions. Absent means 0."""

SLOT_BITS: Final = 7
SLOTS: Final = 1 << SLOT_BITS
SLOT_MASK: Final = SLOTS - 1

RECEIVED: Final = 0
GIVEN: Final = 1 << 6
"""Direction bit of a slot."""
KLASS_BITS: Final = 2
KLASS_MASK: Final = 3
MARK_KIND: Final = 15
"""No event kind ever gets this code; slots that carry it are marks."""

PROMO: Final = GIVEN | MARK_KIND << KLASS_BITS
"""Posts that are self-promotion."""

assert len(KINDS) <= MARK_KIND, (
    "kinds no longer fit beside the marks: widen SLOT_BITS, with a new state format"
)

DIRECTIONS: Final = ("received", "given")

MINUTES_PER_HOUR: Final = HOUR // MINUTE
MINUTES_PER_DAY: Final = DAY // MINUTE
HOURS_PER_DAY: Final = DAY // HOUR

WINDOWS: Final[tuple[tuple[str, int, int], ...]] = (
    ("5m", 1, 5),
    ("1h", 1, 60),
    ("24h", MINUTES_PER_HOUR, 24 * 60),
    ("7d", MINUTES_PER_HOUR, 7 * 24 * 60),
    ("30d", MINUTES_PER_DAY, 30 * 24 * 60),
)
"""Name, pane unit and length, both in minutes; narrow to wide, each inside the next."""

KEPT_DAYS: Final = 60
"""Day panes older than this are forgotten."""


def slot_of(direction: int, kind: int, klass: int) -> int:
    """Return the slot of actions of `kind` and `klass` in `direction` (RECEIVED or GIVEN)."""
    return direction | kind << KLASS_BITS | klass


def window_start(now: int, unit: int, length: int) -> int:
    """Return the first minute of a window of `length` minutes in panes of `unit` minutes, as of minute `now`.

    The window is the current pane, however much of it has passed, and the full ones before it.

    >>> [window_start(125, unit, length) for unit, length in ((1, 5), (60, 120))]
    [120, 60]
    >>> window_start(120, 60, 120)
    0
    """
    return -(-now // unit) * unit - length


def leaves_at(minute: int, unit: int, length: int) -> int:
    """Return the first minute at which the pane of `minute` is no longer in the window.

    >>> leaves_at(120, 1, 5), leaves_at(119, 60, 1440)
    (126, 1501)
    """
    return minute // unit * unit + length + 1


def roll(fine: Panes, coarse: Panes, per: int, before: int) -> None:
    """Move the panes of `fine` that are older than unit number `before` into `coarse`, `per` fine units each.

    >>> minutes, hours = {59 << 7 | 4: 2, 60 << 7 | 4: 1, 61 << 7 | 4: 1}, {0 << 7 | 4: 5}
    >>> roll(minutes, hours, 60, 61)
    >>> minutes == {61 << 7 | 4: 1}, hours == {0 << 7 | 4: 7, 1 << 7 | 4: 1}
    (True, True)
    """
    limit = before << SLOT_BITS
    for key in [key for key in fine if key < limit]:
        target = (key >> SLOT_BITS) // per << SLOT_BITS | key & SLOT_MASK
        count = coarse.get(target, 0) + fine.pop(key)
        if count:
            coarse[target] = count
        else:
            coarse.pop(target, None)


def drop(panes: Panes, before: int) -> None:
    """Forget the panes older than unit number `before`."""
    limit = before << SLOT_BITS
    for key in [key for key in panes if key < limit]:
        del panes[key]


def units(panes: Panes) -> Iterable[int]:
    """Yield the unit numbers in which anything is left, once per pane."""
    return (key >> SLOT_BITS for key, count in panes.items() if count)
