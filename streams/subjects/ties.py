"""Ties: what one account did towards another, by day, with a weight that fades."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from struct import Struct
from typing import ClassVar, Final

from schemas.fact import AMPLIFYING, EARNED, FOLLOW, UNDISCLOSED, UNFOLLOW, Fact
from schemas.rows.ties import HALF_LIFE_DAYS
from streams.measures.account.settings import DEFAULTS
from streams.subject import DAY, RELEASE, Due, Now, Rows, Subject

FOLLOW_EFFORT: Final = 0.25
"""What a follow weighs in a tie; it is no engagement, so scores give it no effort."""

SCALE: Final = 1_000_000
"""Weights are kept in millionths, as integers, so that their sum does not depend on the order of addition."""

PUT_UP_WITH: Final = 7
"""A tie that goes on is looked at after so many days, to forget those that can change no more; until then each takes 34 bytes."""

FORMAT: Final = 1
_DAY: Final = Struct("<Hiiiiqq")

_EPOCH: Final = date(1970, 1, 1).toordinal()

Day = list[int]
"""Events, incentivised, undisclosed, amplifications, weight, earned weight."""


@lru_cache(maxsize=1024)
def date_of(day: int) -> str:
    """Return the date of a day since the epoch as ClickHouse reads it.

    >>> date_of(15_522)
    '2012-07-01'
    """
    return date.fromordinal(_EPOCH + day).isoformat()


class Ties(Subject[dict[int, Day]]):
    """An ordered pair of accounts, and what the first did towards the second, by day of event time (UTC).

    Definition: every received action but `unfollow` is an event of the tie actor → receiver; two mentions of
    one account in one action are two events. A `follow` counts, since it says whom somebody turns to; an
    `unfollow` does not, since it takes nothing back that was done. Actions on oneself make no tie.

    Weight: W(T) = Σ effort(kind) · 2^(−(T − t)/h), effort as in scores, h the half-life. It splits by day:
    a row holds a day's part of the sum as of the day's end, so the weight at any T after is
    Σ_days weight · 2^(−(T − end of day)/h), and nothing older than the day needs to be remembered. A tie is
    kept while a fact for one of its days may still come, and is then released: the state is bounded by the
    pairs that met lately, and the days stay in ClickHouse.

    Fooled by: accounts that act on each other by script; `tie_exchanges` in ClickHouse looks for them.
    """

    name: ClassVar[str] = "ties"
    code: ClassVar[str] = "t"
    fleeting: ClassVar[bool] = True

    def __init__(
        self,
        *,
        half_life: int = HALF_LIFE_DAYS * DAY,
        effort: Sequence[float] = DEFAULTS.effort,
        follow: float = FOLLOW_EFFORT,
    ) -> None:
        """`half_life` in milliseconds; `effort` by code of the kind, as in scores; `follow` beside it."""
        self._rate = 1.0 / half_life
        efforts = [value * SCALE for value in effort]
        efforts[FOLLOW] = follow * SCALE
        self._effort = tuple(efforts)

    def keys(self, fact: Fact) -> Iterable[str]:
        """Return a key per receiver: length of the source, source, target; a name may hold any character."""
        receivers = fact.receivers
        if not receivers or fact.kind == UNFOLLOW:
            return ()
        source = f"{len(fact.actor)}:{fact.actor}:"
        if len(receivers) == 1:
            return (source + receivers[0],)
        return tuple(dict.fromkeys(source + target for target in receivers))

    @staticmethod
    def pair(key: str) -> tuple[str, str]:
        """Return source and target of a key.

        >>> Ties.pair("3:a:b:c")
        ('a:b', 'c')
        """
        start = key.index(":") + 1
        end = start + int(key[: start - 1])
        return key[start:end], key[end + 1 :]

    def home(self, key: str) -> str:
        """Return the source: all ties of an account live together."""
        start = key.index(":") + 1
        return key[start : start + int(key[: start - 1])]

    def about(self, key: str, account: str) -> bool:
        """Tell whether the account is at one of the two ends."""
        return account in self.pair(key)

    def empty(self, key: str) -> dict[int, Day]:
        """Return no days."""
        return {}

    def load(self, key: str, raw: bytes) -> dict[int, Day]:
        """Return the days in `raw`."""
        if raw[0] != FORMAT or len(raw) % _DAY.size != 1:
            raise ValueError(f"not the state of a tie: format {raw[0]}, {len(raw)} bytes")
        return {day: sums for day, *sums in _DAY.iter_unpack(raw[1:])}

    def dump(self, state: dict[int, Day]) -> bytes:
        """Return 34 bytes a day; a tie mostly has one."""
        pack = _DAY.pack
        return bytes((FORMAT,)) + b"".join([pack(day, *sums) for day, sums in state.items()])

    def fold(self, key: str, state: dict[int, Day], facts: Sequence[Fact], rows: Rows) -> Due:
        """Add the facts to their days and say these; look again when no day can change any more, or the first is a week over."""
        source, target = self.pair(key)
        changed = set()
        for fact in facts:
            times = fact.sign
            if len(fact.receivers) > 1:
                times *= fact.receivers.count(target)
            number, since = divmod(fact.time, DAY)
            day = state.get(number)
            if day is None:
                day = state[number] = [0, 0, 0, 0, 0, 0]
            changed.add(number)
            weight = times * round(self._effort[fact.kind] * 2.0 ** ((since - DAY) * self._rate))
            day[0] += times
            if fact.klass != EARNED:
                day[1] += times
                if fact.klass == UNDISCLOSED:
                    day[2] += times
            else:
                day[5] += weight
            if fact.kind in AMPLIFYING:
                day[3] += times
            day[4] += weight
        for number in changed:
            events, incentivised, undisclosed, amplifications, weight, earned = (
                n if n > 0 else 0 for n in state[number]
            )
            counts = (events, incentivised, undisclosed, amplifications)
            rows.add("ties", (source, target, date_of(number), *counts, weight / SCALE, earned / SCALE))
        return _due(state)

    def spent(self, raw: bytes, now: Now) -> bool:
        """Tell whether no day can change any more."""
        if raw[0] != FORMAT or len(raw) % _DAY.size != 1:
            return False
        return all(_past(day[0], now) for day in _DAY.iter_unpack(raw[1:]))

    def present(self, key: str, state: dict[int, Day], now: Now, rows: Rows) -> int | Due:
        """Forget the days that can change no more; they have been said."""
        for number in [number for number in state if _past(number, now)]:
            del state[number]
        return _due(state) if state else RELEASE


def _due(state: dict[int, Day]) -> Due:
    """Return when to look at a tie of these days."""
    return _over(min(max(state), min(state) + PUT_UP_WITH) if len(state) > 1 else next(iter(state)))


@lru_cache(maxsize=1024)
def _over(day: int) -> Due:
    """Return when the floor has passed a day."""
    return Due(floor=(day + 1) * DAY)


def _past(day: int, now: Now) -> bool:
    """Tell whether a day can change no more."""
    return (day + 1) * DAY <= now.floor
