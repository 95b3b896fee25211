"""Mayors: for every venue, who checked in on most distinct days lately, and since when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import ClassVar, Final

import msgspec

from schemas.fact import CHECKIN, Fact
from streams.campaigns.ids import SEP
from streams.campaigns.rulebook import Rulebook
from streams.campaigns.rules import Mayor
from streams.campaigns.titles import DAY, FOREVER, LEAST, WINDOW, Race, Title
from streams.subject import MINUTE, NEVER, RELEASE, Now, Rows, Subject

FORMAT: Final = b"\x01"
MAX_VISITORS: Final = 20_000
"""Accounts remembered per venue, beyond those of the last hour or so. A venue with more visitors in its
window forgets first who came on one day only, the longest ago; they would need `least` further days to
matter again."""
APPEAL: Final = 30 * DAY
"""How long after a campaign's end its rewards can still be taken back."""


class Venue(msgspec.Struct, array_like=True, omit_defaults=True):
    """What is kept of a venue: the race as it stood before `settled`, and the check-ins since, as a
    multiset."""

    settled: int = 0
    """Nothing before this instant can change any more (ms)."""
    days: dict[str, tuple[int, ...]] = {}
    """account → its days in the window, ascending"""
    reached: dict[str, int] = {}
    """account → first check-in on the latest of them (ms)"""
    titles: list[Title] = []
    """Titles that began before `settled`, as far as their month may have to be said again, or they are
    rewarded."""
    open: dict[str, dict[int, int]] = {}
    """account → time (ms) → check-ins, not before `settled`; 0 or less where undone, remembered until
    settled"""


_decode: Final = msgspec.msgpack.Decoder(Venue).decode
_encode: Final = msgspec.msgpack.Encoder().encode


class Mayors(Subject[Venue]):
    """Who is mayor of a venue (`streams.campaigns.titles` has the definition), as months of titles.

    The key is venue and campaign, the campaign empty for the race that every venue has without any rule. A
    rule of kind `mayor` has a race of its own, run by its own window among the check-ins that qualify for
    it, and rewards each title once it is settled, that is when neither a late check-in nor an undo can move
    its beginning.

    Rows are said by month, whole, because a late check-in may make a title vanish that has been said
    already. A fold costs O(1); a present costs O(accounts of the venue in its window + check-ins not yet
    settled).
    """

    name: ClassVar[str] = "mayors"
    code: ClassVar[str] = "m"
    code: ClassVar[str] = "m"

    def __init__(self, rulebook: Rulebook | None = None) -> None:
        """Give every venue its race, and the campaigns in `rulebook` theirs."""
        self._rulebook = rulebook if rulebook is not None else Rulebook()

    def keys(self, fact: Fact) -> Iterable[str]:
        """Return the venue of a check-in, once for itself and once per campaign."""
        if fact.kind != CHECKIN or not fact.venue:
            return ()
        raced = self._rulebook.raced(fact)
        return (fact.venue + SEP, *(fact.venue + SEP + rule.id for rule in raced))

    def home(self, key: str) -> str:
        """Return the venue."""
        return key.rpartition(SEP)[0]

    def empty(self, key: str) -> Venue:
        """Return a venue where nobody has been."""
        return Venue(0, {}, {}, [], {})

    def load(self, key: str, raw: bytes) -> Venue:
        """Return the venue in `raw`."""
        if raw[:1] != FORMAT:
            raise ValueError(f"not the state of a venue: format {raw[:1]!r}")
        return _decode(raw[1:])

    def dump(self, state: Venue) -> bytes:
        """Return msgpack: some 20 bytes and the name per account that was there lately."""
        return FORMAT + _encode(state)

    def fold(self, key: str, state: Venue, facts: Sequence[Fact], rows: Rows) -> None:
        """Add check-ins."""
        for fact in facts:
            times = state.open.setdefault(fact.actor, {})
            times[fact.time] = times.get(fact.time, 0) + fact.sign

    def present(self, key: str, state: Venue, now: Now, rows: Rows) -> int:
        """Say the titles; settle what can no longer change; ask again when the title passes with the days."""
        venue, _, campaign = key.rpartition(SEP)
        rule = self._rulebook.rules.get(campaign) if campaign else None
        window, least = (rule.window_days, rule.min_days) if isinstance(rule, Mayor) else (WINDOW, LEAST)
        race = _race(state, window, least)
        race.run(_visits(state, now.time), now.time)
        if not campaign:
            _say_titles(venue, state, race, now, rows)
        due = race.next_change()
        latest = max((days[-1] for days in race.days.values()), default=-1)
        _settle(state, min(now.floor, now.time), window, least)
        if isinstance(rule, Mayor):
            return min(due, _say_campaign(rule, venue, state, race, now, rows))
        if due < FOREVER:
            return due
        gone = (latest + window) * DAY
        if not state.open and not state.days and not _holds(state) and now.floor >= gone:
            return RELEASE
        return wait(now, gone)


def wait(now: Now, instant: int) -> int:
    """Return when to ask again for the floor to have passed `instant`, if it stays as far behind as it is."""
    return max(now.time + MINUTE, now.time + (instant - now.floor))


def _race(state: Venue, window: int, least: int) -> Race:
    """Return the race as it stood when the venue was settled last."""
    return Race(state.days, state.reached, state.titles, state.settled - 1, window=window, least=least)


def _visits(state: Venue, before: int) -> list[tuple[int, str]]:
    """Return the check-ins that stand and are not settled, ascending (time, account), before an instant."""
    return sorted(
        (time, account)
        for account, times in state.open.items()
        for time, count in times.items()
        if count > 0 and time < before
    )


def _holds(state: Venue) -> bool:
    """Return whether somebody holds the settled title."""
    return bool(state.titles) and not state.titles[-1].until


def _settle(state: Venue, floor: int, window: int, least: int) -> None:
    """Make final what happened before `floor`, and forget what can no longer matter."""
    if floor <= state.settled:
        return
    race = _race(state, window, least)
    race.run(_visits(state, floor), floor - 1)
    oldest = floor // DAY - window
    state.days = {
        account: kept
        for account, days in race.days.items()
        if (kept := tuple(day for day in days if day > oldest))
    }
    if len(state.days) > MAX_VISITORS:
        ranked = sorted(
            state.days, key=lambda account: (-len(state.days[account]), -state.days[account][-1], account)
        )
        state.days = {account: state.days[account] for account in ranked[:MAX_VISITORS]}
    state.reached = {account: race.reached[account] for account in state.days}
    for account in list(state.open):
        times = {time: count for time, count in state.open[account].items() if time >= floor}
        if times:
            state.open[account] = times
        else:
            del state.open[account]
    since = min(floor, race.titles[-1].since) if race.holder is not None else floor
    month = _month(since)
    state.titles = [title for title in race.titles if _month(title.since) >= month]
    state.settled = floor


def _say_titles(venue: str, state: Venue, race: Race, now: Now, rows: Rows) -> None:
    """Say every month whose titles may differ from what was said before, those without any (any more) too."""
    said: dict[str, list[tuple[str, int, int, int | None]]] = {}
    if state.open and _could_be(state, race.least):
        times = [time for open_ in state.open.values() for time in open_]
        last = min(now.time, max(times) + (race.window + 1) * DAY)
        month = _month(max(min(times), state.settled))
        while month <= _month(last):
            said[month] = []
            month = _month_after(month)
    for title in race.titles:
        said.setdefault(_month(title.since), []).append(
            (title.account, title.days, title.since, title.until or None)
        )
    for month, titles in said.items():
        rows.add("venue_titles", (venue, month, titles))


def _could_be(state: Venue, least: int) -> bool:
    """Return whether anybody could have held the title, were nothing undone; if not, nothing has been said
    of it."""
    if state.titles:
        return True
    return any(
        len({time // DAY for time in times}.union(state.days.get(account, ()))) >= least
        for account, times in state.open.items()
    ) or any(len(days) >= least for days in state.days.values())


def _month(at: int) -> str:
    """Return the first day of the month of instant `at`.

    >>> _month(1_341_100_800_000)
    '2012-07-01'
    """
    return datetime.fromtimestamp(at // 1000, UTC).strftime("%Y-%m-01")


def _month_after(month: str) -> str:
    """Return the month after `month`.

    >>> _month_after("2012-12-01")
    '2013-01-01'
    """
    year, number = int(month[:4]), int(month[5:7])
    return f"{year + number // 12:04d}-{number % 12 + 1:02d}-01"


def _say_campaign(rule: Mayor, venue: str, state: Venue, race: Race, now: Now, rows: Rows) -> int:
    """Say standings and rewards of a campaign's race; return when to ask again."""
    del rule, venue, state, race, now, rows
    return NEVER
