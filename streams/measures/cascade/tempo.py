"""Tempo of a cascade: shares per minute, time to half, and the sums over time that the forecast reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from streams.subject import HOUR, MINUTE

RECENT: Final = 5
"""Minutes over which shares per minute are taken."""
FINE: Final = 3 * HOUR
"""Shares older than this, counted from the last full hour, are seen by the hour instead of by the minute."""
MOST: Final = 10**10
"""Followers beyond this count as this in the sums."""

Pane = list[int]
"""Shares, Σ ms since the minute began, Σ followers, Σ followers · ms since the minute began."""


class Tempo:
    """Shares by minute of event time, with the mean moment of shares and of audience in each.

    Sums of integers, so the order of shares does not matter; a minute keeps its first moment, so that what is
    read from it is exact for anything linear in time within a minute.

    >>> tempo = Tempo()
    >>> for second, followers in ((0, 10), (30, 0), (400, 90)):
    ...     tempo.add(second * 1000, followers, 1)
    >>> tempo.per_minute(420_000), tempo.per_minute(60_000 * 20), tempo.time_to(1.5, 0)
    (0.2, 0.0, 45.0)
    """

    __slots__ = ("_hours", "minutes")

    def __init__(self, minutes: dict[int, Pane] | None = None) -> None:
        """`minutes` since the epoch → what was in each."""
        self.minutes: dict[int, Pane] = {} if minutes is None else minutes
        self._hours: dict[int, Pane] | None = None

    def add(self, time: int, followers: int, sign: int) -> None:
        """Add a share at `time` (ms), or take it off again."""
        number, since = divmod(time, MINUTE)
        audience = sign * min(max(followers, 0), MOST)
        pane = self.minutes.get(number)
        if pane is None:
            pane = self.minutes[number] = [0, 0, 0, 0]
        pane[0] += sign
        pane[1] += sign * since
        pane[2] += audience
        pane[3] += audience * since
        if not any(pane):
            del self.minutes[number]
        if self._hours is not None:
            _add(self._hours, number, (sign, sign * since, audience, audience * since))

    def until(self, number: int) -> Tempo:
        """Return the same as it was before minute `number`."""
        return Tempo({minute: pane for minute, pane in self.minutes.items() if minute < number})

    def per_minute(self, now: int) -> float:
        """Return shares per minute over the five minutes before `now` (ms, full minute)."""
        end = now // MINUTE
        return sum(self.minutes[n][0] for n in range(end - RECENT, end) if n in self.minutes) / RECENT

    def peak(self) -> int:
        """Return the most shares in one minute."""
        return max((pane[0] for pane in self.minutes.values()), default=0)

    def time_to(self, shares: float, start: int) -> float:
        """Return the seconds from `start` (ms) until there were so many shares, even pace assumed within a
        minute.
        """
        before = 0
        for number in sorted(self.minutes):
            count = self.minutes[number][0]
            if before + count >= shares:
                return max(((number + (shares - before) / count) * MINUTE - start) / 1000, 0.0)
            before += count
        return 0.0

    def ages(self, now: int) -> Iterator[tuple[float, int, float, int]]:
        """Yield mean age of shares (s), shares, mean age of audience (s), audience; by minute, by hour when
        old.
        """
        cut = (now - FINE) // HOUR * (HOUR // MINUTE)
        if self._hours is None:
            self._hours = {}
            for number, pane in self.minutes.items():
                _add(self._hours, number, pane)
        for hour, pane in self._hours.items():
            if hour * (HOUR // MINUTE) < cut:
                yield _ages(now - hour * HOUR, pane)
        end = -(-now // MINUTE)
        if len(self.minutes) <= end - cut:
            for number, pane in self.minutes.items():
                if cut <= number < end:
                    yield _ages(now - number * MINUTE, pane)
        else:
            for number in range(cut, end):
                if (some := self.minutes.get(number)) is not None:
                    yield _ages(now - number * MINUTE, some)


def _add(hours: dict[int, Pane], minute: int, pane: Pane | tuple[int, ...]) -> None:
    hour, minutes = divmod(minute, HOUR // MINUTE)
    total = hours.setdefault(hour, [0, 0, 0, 0])
    since = minutes * MINUTE
    total[0] += pane[0]
    total[1] += pane[1] + pane[0] * since
    total[2] += pane[2]
    total[3] += pane[3] + pane[2] * since


def _ages(age: int, pane: Pane) -> tuple[float, int, float, int]:
    shares, moment, audience, audience_moment = pane
    return (
        (age - moment / shares) / 1000 if shares else 0.0,
        shares,
        (age - audience_moment / audience) / 1000 if audience else 0.0,
        audience,
    )
