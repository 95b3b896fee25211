"""What is kept of an account, and how the past is settled.

`Account` has two parts. What every fact touches is read: minute panes, journal, followers last seen. All else
is `Settled`, bytes that are carried along unread until somebody looks.
"""

from __future__ import annotations

from typing import Final

import msgspec

from schemas.fact import CHECKIN, EARNED, FOLLOW, POST, UNFOLLOW
from streams.measures.account.person import FORGET_AFTER, Person
from streams.measures.account.rhythm import Rhythm
from streams.measures.account.settings import ScoreSettings
from streams.subject import DAY, MINUTE
from streams.subjects.account_journal import (
    CAPACITY,
    ENTRY,
    POSTS,
    Entries,
    Told,
    entries,
    is_kept,
    is_post,
    journal_of,
    level_for,
)
from streams.windows.panes import (
    GAP_SQUARES,
    GAP_SUM,
    GAPS,
    GIVEN,
    HOURS_PER_DAY,
    KEPT_DAYS,
    KEPT_HOURS,
    KEPT_MINUTES,
    KIND_MASK,
    KLASS_BITS,
    KLASS_MASK,
    MARK_KIND,
    MINUTES_PER_DAY,
    MINUTES_PER_HOUR,
    SLOT_BITS,
    SLOT_MASK,
    Panes,
    add,
    drop,
    roll,
)

FORMAT: Final = b"\x01"
"""First byte of a dumped state."""


class Settled(msgspec.Struct, array_like=True):
    """What no fact can change any more. Times in minutes since the epoch."""

    hours: Panes = {}
    days: Panes = {}
    rolled_minute: int = 0
    rolled_hour: int = 0
    """The newest that were rolled up."""
    people: dict[int, Person] = {}
    posts: dict[int, list[int]] = {}
    """Hash of a post → shares, and when it was last shared."""
    posts_level: int = 0
    rhythm: Rhythm = msgspec.field(default_factory=Rhythm)
    audience: dict[str, list[int]] = {}
    """Network → time (ms), followers, following; again for each day on which they were seen, oldest first."""


class Account(msgspec.Struct, array_like=True):
    """What is kept of one account."""

    minutes: Panes = {}
    journal: bytes = b""
    tidied: int = 0
    """Length of the journal when it was last tidied."""
    level: int = 0
    """Of the sample of people."""
    audience: dict[str, list[int]] = {}
    """As in Settled, for days since somebody looked."""
    shown: int = 0
    """Windows whose last row was not empty, a bit each."""
    said: int = 0
    """Minute as of which rows were last said; 0 when facts came since."""
    settled: bytes = b""


_decode = msgspec.msgpack.Decoder(Account).decode
_encode = msgspec.msgpack.Encoder().encode
_decode_settled = msgspec.msgpack.Decoder(Settled).decode


def load(raw: bytes) -> Account:
    """Return the account in `raw`; raise ValueError (or msgspec's, which is one) if it is none."""
    if raw[:1] != FORMAT:
        raise ValueError(f"account state of unknown format {raw[:1]!r}")
    return _decode(memoryview(raw)[1:])


def dump(account: Account) -> bytes:
    """Return the account as bytes."""
    return FORMAT + _encode(account)


def settled_of(account: Account) -> Settled:
    """Return the settled part."""
    return _decode_settled(account.settled) if account.settled else Settled()


def observe(audience: dict[str, list[int]], network: str, time: int, followers: int, following: int) -> None:
    """Note what was said of the followers: of each day the latest, and of one moment the largest."""
    seen = audience.get(network)
    if seen is None:
        audience[network] = [time, followers, following]
        return
    day = time // DAY
    at = len(seen) - 3
    while at > 0 and seen[at] // DAY > day:
        at -= 3
    there = seen[at] // DAY
    if there == day:
        if [time, followers, following] > seen[at : at + 3]:
            seen[at : at + 3] = (time, followers, following)
    else:
        at += 3 if there < day else 0
        seen[at:at] = (time, followers, following)


def tidy(account: Account, settled: Settled) -> Entries:
    """Cancel and combine entries of the journal, keep the sample within its capacity; return the entries."""
    found = entries(account.journal)
    met = {who for _, slot, who, _ in found if not is_post(slot)}
    if len(met) + len(settled.people) > CAPACITY:
        level = level_for(met | settled.people.keys(), CAPACITY, account.level)
        if level != account.level:
            account.level = level
            found = {entry: n for entry, n in found.items() if is_post(entry[1]) or is_kept(entry[2], level)}
            settled.people = {who: person for who, person in settled.people.items() if is_kept(who, level)}
            account.settled = _encode(settled)
    if len(found) * ENTRY.size != len(account.journal):
        account.journal = journal_of(found)
    account.tidied = len(account.journal)
    return found


def tell(people: dict[int, Person], posts: dict[int, list[int]], told: Told, settings: ScoreSettings) -> None:
    """Tell people and posts what happened; `told` is in the order of event time, and adds to what is
    known."""
    for (minute, slot, who, followers), times in told:
        if times <= 0:  # taken back before it came
            continue
        kind = slot >> KLASS_BITS & KIND_MASK
        if kind == MARK_KIND:
            post = posts.get(who)
            posts[who] = [times, minute] if post is None else [post[0] + times, minute]
            continue
        person = people.get(who)
        if person is None or minute - person.seen > FORGET_AFTER:
            person = people[who] = Person()
        if slot < GIVEN:
            person.receive(minute, kind, slot & KLASS_MASK, times, followers, settings)
        else:
            person.give(minute, kind, slot & KLASS_MASK, times, settings)


def beat(
    rhythm: Rhythm, minutes: Panes, before: int, marks: Panes, unit: int, settings: ScoreSettings
) -> None:
    """Tell `rhythm` of the minutes older than `before`, and add the gaps they end to `marks`, panes of
    `unit`."""
    beats: dict[int, int] = {}
    for key, number in minutes.items():
        if number > 0:
            minute = key >> SLOT_BITS
            if minute < before:
                beats[minute] = beats.get(minute, 0) | _BEAT[key & SLOT_MASK]
    for minute in sorted(beats):
        what = beats[minute]
        gap = rhythm.beat(minute, bool(what & _ENGAGED), bool(what & _GAVE), bool(what & _ACTED), settings)
        if gap:
            pane = minute // unit << SLOT_BITS
            add(marks, pane | GAPS, 1)
            add(marks, pane | GAP_SUM, gap)
            add(marks, pane | GAP_SQUARES, gap * gap)


def settle(
    account: Account, settled: Settled, found: Entries, now: int, floor: int, settings: ScoreSettings
) -> Entries:
    """Settle what is older than `floor` and no window needs apart, as of minute `now`; return what is left
    open."""
    before = min(floor, now - KEPT_MINUTES)
    hour = min(floor // MINUTES_PER_HOUR, -(-now // MINUTES_PER_HOUR) - KEPT_HOURS)
    day = -(-now // MINUTES_PER_DAY) - KEPT_DAYS
    past = sorted(item for item in found.items() if item[0][0] < before)
    limit = before << SLOT_BITS
    if not (
        past
        or any(key < limit for key in account.minutes)
        or any(key >> SLOT_BITS < hour for key in settled.hours)
        or any(key >> SLOT_BITS < day for key in settled.days)
    ):
        return found
    if past:
        tell(settled.people, settled.posts, past, settings)
        found = {entry: n for entry, n in found.items() if entry[0] >= before}
        account.journal = journal_of(found)
        account.tidied = len(account.journal)
    beat(settled.rhythm, account.minutes, before, settled.hours, MINUTES_PER_HOUR, settings)
    newest = roll(account.minutes, settled.hours, MINUTES_PER_HOUR, before)
    settled.rolled_minute = max(settled.rolled_minute, newest)
    newest = roll(settled.hours, settled.days, HOURS_PER_DAY, hour)
    settled.rolled_hour = max(settled.rolled_hour, newest)
    drop(settled.days, day)
    _forget(settled, before - FORGET_AFTER)
    for network, seen in account.audience.items():
        for at in range(0, len(seen), 3):
            observe(settled.audience, network, *seen[at : at + 3])
    account.audience = {}
    account.settled = _encode(settled)
    return found


def _forget(settled: Settled, before: int) -> None:
    """Forget people and posts of whom nothing was heard since minute `before`, and what is old news."""
    if any(person.seen < before for person in settled.people.values()):
        settled.people = {who: person for who, person in settled.people.items() if person.seen >= before}
    settled.posts, settled.posts_level = sampled(
        {post: shared for post, shared in settled.posts.items() if shared[1] >= before}, settled.posts_level
    )
    for seen in settled.audience.values():
        while len(seen) > 3 and seen[3] < before * MINUTE:
            del seen[:3]


def sampled(posts: dict[int, list[int]], level: int) -> tuple[dict[int, list[int]], int]:
    """Return at most POSTS posts, and the level of the sample they are."""
    if len(posts) > POSTS:
        level = level_for(posts, POSTS, level)
    return (
        {post: shared for post, shared in posts.items() if is_kept(post, level)} if level else posts
    ), level


def _beats() -> list[int]:
    table = [0] * (SLOT_MASK + 1)
    for slot in range(SLOT_MASK + 1):
        kind, klass = slot >> KLASS_BITS & KIND_MASK, slot & KLASS_MASK
        if kind == MARK_KIND:
            continue
        if slot < GIVEN:
            table[slot] = _ENGAGED if klass == EARNED and kind not in (FOLLOW, UNFOLLOW) else 0
        else:
            table[slot] = _ACTED | (0 if kind in (POST, CHECKIN, FOLLOW, UNFOLLOW) else _GAVE)
    return table


_ENGAGED: Final = 1
_GAVE: Final = 2
_ACTED: Final = 4
_BEAT: Final = _beats()
"""By slot: what happened in a minute that has one of it."""
