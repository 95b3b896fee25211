"""Who held a title, and since when: the mayors of a venue, from its check-ins and the passing of days. Pure.

An account's *days* are the distinct UTC days with a check-in of its among the last `window` days, today
included. The title is decided at every instant at which days can change: a check-in, or a midnight at which
a day leaves the window.

- An account with fewer than `least` days neither takes nor keeps the title.
- The holder keeps it while nobody has more days: ties go to the incumbent.
- Otherwise it passes to whoever has most days; among equals to who got there first (the earlier first
  check-in of the latest of their days), then to the lower account name.
- When nobody has `least` days the title lapses.

So the history is a function of the set of check-ins and of the day; the order of their arrival plays no
part. What it is fooled by: check-ins from afar (nothing here knows where anybody was), and accounts that
share a name.

>>> from datetime import datetime, UTC
>>> noon = lambda day: int(datetime(2024, 5, day, 12, tzinfo=UTC).timestamp() * 1000)
>>> race = Race()
>>> for account, day in [("ann", 1), ("ann", 2), ("bob", 2), ("bob", 3), ("bob", 4)]:
...     race.enter(account, noon(day))
>>> [(t.account, t.days, t.since == noon(day)) for t, day in zip(race.titles, (2, 4))]
[('ann', 2, True), ('bob', 3, True)]
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import groupby
from typing import Final, NamedTuple

from streams.subject import DAY

FOREVER: Final = 1 << 62
WINDOW: Final = 60
"""Days that count, today included."""
LEAST: Final = 2
"""Days without which nobody is mayor."""


class Title(NamedTuple):
    """`account` held the title from `since` to `until` (ms; 0: holds it still), and had `days` when it took
    it."""

    account: str
    days: int
    since: int
    until: int = 0


class Race:
    """A race for one title, run forward in event time: the days of each account, and who holds the title.

    `days` maps an account to its ascending day numbers (days since 1970), which may include days that have
    left the window; `reached` to the first check-in on the latest of them, in ms.
    """

    __slots__ = ("clock", "days", "least", "reached", "titles", "window")

    def __init__(
        self,
        days: dict[str, tuple[int, ...]] | None = None,
        reached: dict[str, int] | None = None,
        titles: Iterable[Title] = (),
        clock: int = -1,
        *,
        window: int = WINDOW,
        least: int = LEAST,
    ) -> None:
        """Start at `clock` (ms, the last instant that has been decided) from what is known then; takes
        copies."""
        self.days = dict(days or {})
        self.reached = dict(reached or {})
        self.titles = list(titles)
        self.clock = clock
        self.window = window
        self.least = least

    @property
    def holder(self) -> str | None:
        """Return who holds the title now."""
        return self.titles[-1].account if self.titles and not self.titles[-1].until else None

    def count(self, account: str, at: int) -> int:
        """Return the days of `account` in the window that ends with the day of instant `at`."""
        days = self.days.get(account, ())
        return len(days) - bisect_right(days, at // DAY - self.window)

    def enter(self, account: str, at: int) -> None:
        """Run to the check-in of `account` at `at`, the only one of that instant; never back in time."""
        self.run([(at, account)], at)

    def run(self, visits: Iterable[tuple[int, str]], to: int) -> None:
        """Take in `visits` (time, account; ascending), and let the days pass up to and including instant
        `to`."""
        for at, group in groupby(visits, key=lambda visit: visit[0]):
            self._pass(at)
            day = at // DAY
            risers = []
            for _, account in group:
                known = self.days.get(account, ())
                if not known or known[-1] < day:
                    self.days[account] = (*known, day)
                    self.reached[account] = at
                    risers.append(account)
            holder = self.holder
            lost = holder is not None and self._next_loss(holder) == at
            self.clock = at
            self._decide(at, self.days if lost else risers)
        self._pass(to + 1)
        self.clock = max(self.clock, to)

    def next_change(self) -> int:
        """Return the instant at which the title passes or lapses if nobody checks in any more, or FOREVER."""
        if self.holder is None:
            return FOREVER
        ahead = Race(self.days, self.reached, self.titles, self.clock, window=self.window, least=self.least)
        ahead._pass(FOREVER, changes=1)
        return ahead.clock

    def next_loss(self) -> int:
        """Return the midnight after the clock at which anybody loses a day, or FOREVER."""
        return min(map(self._next_loss, self.days), default=FOREVER)

    def _next_loss(self, account: str) -> int:
        """Return the midnight after the clock at which the next day of `account` leaves the window, or
        FOREVER."""
        days = self.days[account]
        gone = bisect_right(days, self.clock // DAY - self.window)
        return (days[gone] + self.window) * DAY if gone < len(days) else FOREVER

    def _pass(self, to: int, changes: int = -1) -> None:
        """Decide every midnight before `to` at which the holder loses a day; stop after some changes if told.

        Others lose days too, but that gives nobody the title: only who rises above the holder takes it.
        """
        while changes and (holder := self.holder) is not None and (at := self._next_loss(holder)) < to:
            self.clock = at
            changes -= self._decide(at, self.days)

    def _decide(self, at: int, rivals: Iterable[str]) -> bool:
        """Let the title stay, pass to the best of `rivals`, or lapse, at instant `at`; return whether it
        moved."""
        holder = self.holder
        held = 0 if holder is None else self.count(holder, at)
        if held < self.least:
            held = 0
        needed = max(held + 1, self.least)
        best = min(
            ((-days, self.reached[name], name) for name in rivals if (days := self.count(name, at)) >= needed),
            default=None,
        )
        if best is None and (held or holder is None):
            return False
        if holder is not None:
            self.titles[-1] = self.titles[-1]._replace(until=at)
        if best is not None:
            self.titles.append(Title(best[2], -best[0], at))
        return True
