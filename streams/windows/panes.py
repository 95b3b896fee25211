"""Panes: how many actions of which sort fell into which minute, hour or day of event time.

A pane is an integer key that holds when and what, so that a handful of panes is a small dict of small
integers, which msgpack writes in 6 bytes an entry: `key = unit number since the epoch << SLOT_BITS | slot`. A
slot is direction, kind and class, or one of the marks: sums that ride along with the counts and roll up the
same way.

Counts are added and subtracted, never set, so the order of events does not matter, and a window is the sum of
its panes. Minutes are rolled up into hours, and hours into days, once nothing can change them and no window
needs them apart.
"""

from __future__ import annotations

from typing import Final

from schemas.event import KINDS
from streams.measures.account.measure import WINDOW_NAMES
from streams.measures.account.rhythm import FORGOTTEN_AFTER
from streams.subject import MINUTES_PER_DAY, MINUTES_PER_HOUR

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
KIND_MASK: Final = 15
MARK_KIND: Final = 15
"""No event kind ever gets this code; slots that carry it are marks."""

PROMO: Final = GIVEN | MARK_KIND << KLASS_BITS
"""Posts that are self-promotion."""
GAPS: Final = PROMO | 1
GAP_SUM: Final = PROMO | 2
GAP_SQUARES: Final = PROMO | 3
"""Gaps that ended here between minutes with own actions: how many, their sum in minutes, the sum of
squares."""

assert len(KINDS) <= MARK_KIND, "kinds no longer fit beside the marks: widen SLOT_BITS, with a new state format"

DIRECTIONS: Final = ("received", "given")

WINDOWS: Final[tuple[tuple[str, int, int], ...]] = tuple(
    (name, unit, length)
    for name, (unit, length) in zip(
        WINDOW_NAMES,
        (
            (1, 5),
            (1, 60),
            (MINUTES_PER_HOUR, 24 * 60),
            (MINUTES_PER_HOUR, 7 * 24 * 60),
            (MINUTES_PER_DAY, 30 * 24 * 60),
        ),
        strict=True,
    )
)
"""Name, pane unit and length, both in minutes; narrow to wide, each inside the next."""

KEPT_MINUTES: Final = 60
"""Minutes stay apart at least this long: the widest window of minute panes."""
KEPT_HOURS: Final = 7 * 24
"""Hours stay apart this long: the widest window of hour panes."""
KEPT_DAYS: Final = FORGOTTEN_AFTER
"""Days older than this are forgotten."""


def window_start(now: int, unit: int, length: int) -> int:
    """Return the first minute of a window of `length` minutes in panes of `unit` minutes, as of minute `now`.

    The window is the current pane, however much of it has passed, and the full ones before it.

    >>> [window_start(125, unit, length) for unit, length in ((1, 5), (60, 120))]
    [120, 60]
    >>> window_start(120, 60, 120)
    0
    """
    return -(-now // unit) * unit - length


def add(panes: Panes, key: int, number: int) -> None:
    """Add `number`, which is not 0, to a pane; a pane that comes to 0 is gone."""
    number += panes.get(key, 0)
    if number:
        panes[key] = number
    else:
        del panes[key]


def roll(fine: Panes, coarse: Panes, per: int, before: int) -> int:
    """Move the panes of `fine` older than unit `before` into `coarse`, `per` fine units each; return the
    newest.

    >>> minutes, hours = {59 << 7 | 4: 2, 60 << 7 | 4: 1, 61 << 7 | 4: 1}, {0 << 7 | 4: 5}
    >>> roll(minutes, hours, 60, 61)
    60
    >>> minutes == {61 << 7 | 4: 1}, hours == {0 << 7 | 4: 7, 1 << 7 | 4: 1}
    (True, True)
    """
    limit = before << SLOT_BITS
    old = [key for key in fine if key < limit]
    if not old:
        return 0
    get = coarse.get
    for key in old:
        number = fine.pop(key)
        key = (key >> SLOT_BITS) // per << SLOT_BITS | key & SLOT_MASK
        there = get(key)
        if there is None:
            coarse[key] = number
        elif there + number:
            coarse[key] = there + number
        else:
            del coarse[key]
    return max(old) >> SLOT_BITS


def drop(panes: Panes, before: int) -> None:
    """Forget the panes older than unit `before`."""
    limit = before << SLOT_BITS
    for key in [key for key in panes if key < limit]:
        del panes[key]
