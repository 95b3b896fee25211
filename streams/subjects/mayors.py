"""Mayors: for every venue, who checked in on most distinct days lately, and since when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import ClassVar, Final

import msgspec

from schemas.fact import CHECKIN, Fact
from streams.campaigns.ids import SEP
from streams.campaigns.ledger import DISQUALIFIED, STANDS, say_reward
from streams.campaigns.quota import Award
from streams.campaigns.rule import Mayor
from streams.campaigns.rulebook import Rulebook
from streams.campaigns.titles import FOREVER, LEAST, WINDOW, Race, Title
from streams.subject import DAY, HOUR, NEVER, RELEASE, Due, Now, Rows, Subject
from streams.subjects.renaming import renamed_key
from streams.subjects.standing import APPEAL, say_campaign, say_entry, say_points, undos_last

FORMAT: Final = b"\x01"
MAX_DAYS_BYTES: Final = 400_000
"""Of what is remembered of a venue's visitors, some 20,000 accounts. With more in its window it forgets first
who came on one day only, the longest ago; they would need `least` further days to matter again."""
MAX_OPEN_BYTES: Final = 1_000_000
"""Check-ins of about the last hour, some 20,000; what comes beyond it at one venue is not counted."""
MAX_AWARDS: Final = 1_000
"""Titles at one venue whose rewards can still be taken back by a disqualification."""


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

    open_bytes: int = 0
    """About how many bytes `open` takes."""
    awards: list[Award] = []
    """Titles that a campaign has rewarded, the last MAX_AWARDS."""


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
    ruled: ClassVar[bool] = True
    patience: int = HOUR

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

    def without(self, raw: bytes, account: str, stand_in: str) -> bytes:
        """Return the state with another name for a visitor: what others held and hold does not change by it."""
        state = _decode(raw[1:])
        state.days = renamed_key(state.days, account, stand_in)
        state.reached = renamed_key(state.reached, account, stand_in)
        state.open = renamed_key(state.open, account, stand_in)
        state.titles = [t._replace(account=stand_in) if t.account == account else t for t in state.titles]
        state.awards = [a._replace(account=stand_in) if a.account == account else a for a in state.awards]
        return raw[:1] + _encode(state)

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
        """Add check-ins, and for a campaign say them as its entries."""
        venue, _, campaign = key.rpartition(SEP)
        rule = self._rulebook.rules.get(campaign)
        for fact in sorted(facts, key=undos_last):
            times = state.open.get(fact.actor)
            if times is None or fact.time not in times:
                if fact.sign > 0 and state.open_bytes > MAX_OPEN_BYTES:
                    continue
                state.open_bytes += 10 + len(fact.actor.encode())
                times = state.open.setdefault(fact.actor, {})
            times[fact.time] = times.get(fact.time, 0) + fact.sign
            if campaign:
                say_entry(rule, campaign, fact.actor, fact, venue, rows)

    def present(self, key: str, state: Venue, now: Now, rows: Rows) -> int | Due:
        """Say the titles; settle what can no longer change; ask again when the title passes with the days."""
        venue, _, campaign = key.rpartition(SEP)
        rule = self._rulebook.rules.get(campaign) if campaign else None
        if isinstance(rule, Mayor):
            return self._present_campaign(rule, venue, state, now, rows)
        if campaign:
            return NEVER
        race = _race(state, WINDOW, LEAST)
        race.run(_visits(state, now.time), now.time)
        _say_titles(venue, state, race, now, rows)
        due = race.next_change()
        latest = max((days[-1] for days in race.days.values()), default=-1)
        _settle(state, min(now.floor, now.time), WINDOW, LEAST)
        if due < FOREVER:
            return due
        undecided = max((time for times in state.open.values() for time in times), default=-1)
        gone = max((latest + WINDOW) * DAY + 1, undecided + 1)
        if state.titles:  # whoever is next in this month is said together with them
            gone = max(gone, _begin(_month_after(_month(state.titles[-1].since))))
        if not state.open and not state.days and not _holds(state) and now.floor >= gone:
            return RELEASE
        return Due(floor=gone)

    @staticmethod
    def _present_campaign(rule: Mayor, venue: str, state: Venue, now: Now, rows: Rows) -> int | Due:
        """Do the same for a campaign, whose race is over when it ends."""
        window, least = rule.window_days, rule.min_days
        floor = min(now.floor, now.time, rule.end)
        race = _race(state, window, least)
        race.run(_visits(state, now.time), min(now.time, rule.end - 1))
        _say_campaign(rule, venue, state, race, now, rows)
        pending = min((title.since for title in race.titles if title.since >= floor), default=FOREVER)
        before = state.settled
        _settle(state, floor, window, least)
        _say_rewards(rule, venue, state, [t for t in race.titles if before <= t.since < floor], rows)
        if now.floor >= rule.end + APPEAL:
            return RELEASE
        if floor >= rule.end:
            return Due(floor=rule.end + APPEAL)
        loss = race.next_loss()
        # Beyond the end nobody loses a day any more that counts.
        return Due(time=loss if loss < rule.end else NEVER, floor=min(pending + 1, rule.end))


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
    oldest = (floor - 1) // DAY - window
    state.days = {
        account: kept for account, days in race.days.items() if (kept := tuple(day for day in days if day > oldest))
    }
    if len(state.days) > 500:
        left = MAX_DAYS_BYTES
        for account in sorted(state.days, key=lambda one: (-len(state.days[one]), -state.days[one][-1], one)):
            left -= 12 + 3 * len(state.days[account]) + len(account.encode())
            if left < 0:
                del state.days[account]
    state.reached = {account: race.reached[account] for account in state.days}
    for account in list(state.open):
        times = {time: count for time, count in state.open[account].items() if time >= floor}
        if times:
            state.open[account] = times
        else:
            del state.open[account]
    state.open_bytes = sum((10 + len(name.encode())) * len(times) for name, times in state.open.items())
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
        said.setdefault(_month(title.since), []).append((title.account, title.days, title.since, title.until or None))
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


def _begin(month: str) -> int:
    """Return the instant at which a month begins.

    >>> _begin("2012-07-01")
    1341100800000
    """
    return int(datetime.fromisoformat(month).replace(tzinfo=UTC).timestamp() * 1000)


def _say_campaign(rule: Mayor, venue: str, state: Venue, race: Race, now: Now, rows: Rows) -> None:
    """Say what a campaign is, the standings at one of its venues, and the titles that are rewarded."""
    final = now.floor >= rule.end
    if race.titles:
        say_campaign(rule, final, now, rows)
    at = min(now.time, rule.end - 1)
    holder = race.holder
    for account in sorted(race.days.keys() | state.open if final else _changed(rule, state, race, at)):
        points = race.count(account, at)
        reached = race.reached[account] if points else None
        say_points(rule, account, venue, (points, reached, account == holder, 0, 0), final, now, rows)


def _changed(rule: Mayor, state: Venue, race: Race, at: int) -> set[str]:
    """Return whose standing may differ from what was said before: who came, lost a day, or held a title
    since.
    """
    lost = {one for one in race.days if race.count(one, state.settled) != race.count(one, at)}
    return {*state.open, *lost, *(title.account for title in race.titles), *rule.disqualified} | {
        award.account for award in state.awards if award.lost
    }


def _say_rewards(rule: Mayor, venue: str, state: Venue, titles: Iterable[Title], rows: Rows) -> None:
    """Say the rewards of titles whose beginning is settled, and who loses or gets back one by the rules."""
    for title in titles:
        state.awards.append(Award(title.account, str(title.since), title.since))
        if title.account not in rule.disqualified:
            say_reward(rule, title.account, (venue, str(title.since)), venue, title.since, STANDS, rows)
    del state.awards[:-MAX_AWARDS]
    for n, award in enumerate(state.awards):
        lost = award.account in rule.disqualified
        if lost != award.lost:
            state.awards[n] = award._replace(lost=lost)
            reason = DISQUALIFIED if lost else STANDS
            say_reward(rule, award.account, (venue, award.which), venue, award.at, reason, rows)
