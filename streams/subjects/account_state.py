"""What is kept of an account, and how the past is settled.

`Account` has two parts. What every fact touches is read: minute panes, journal, followers last seen. All else
is `Settled`, bytes that are carried along unread until somebody looks.
"""

from __future__ import annotations

from typing import Final

import msgspec

from streams.measures.account.person import Person
from streams.measures.account.rhythm import Rhythm
from streams.subject import DAY
from streams.subjects.account_journal import (
    CAPACITY,
    ENTRY,
    Entries,
    entries,
    is_kept,
    is_post,
    journal_of,
    level_for,
)
from streams.windows.panes import MINUTES_PER_HOUR, Panes

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
    level: int = 0
    """Of the sample that people are."""
    posts: dict[int, list[int]] = {}
    """Hash of a post → shares, and when it was last shared."""
    posts_level: int = 0
    rhythm: Rhythm = msgspec.field(default_factory=Rhythm)
    audience: dict[str, list[int]] = {}
    """Network → time (ms), followers, following; again for each day on which they were seen, oldest first."""
    oldest: int = 0
    """Nothing was heard of any of the people and posts before this minute."""


class Account(msgspec.Struct, array_like=True):
    """What is kept of one account."""

    minutes: Panes = {}
    journal: bytes = b""
    tidied: int = 0
    """Length of the journal when it was last tidied."""
    levels: dict[int, int] = {}
    """Hour since the epoch → level of its entries in the journal, where not 0."""
    audience: dict[str, list[int]] = {}
    """As in Settled, for days since somebody looked."""
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


def settled_bytes(settled: Settled) -> bytes:
    """Return the settled part as an account carries it."""
    return _encode(settled)


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


def tidy(account: Account) -> Entries:
    """Cancel and combine entries of the journal, and keep each hour within its capacity; return the
    entries."""
    found = entries(account.journal)
    if len(found) > CAPACITY:
        met: dict[int, set[int]] = {}
        for minute, slot, who, _ in found:
            if not is_post(slot):
                met.setdefault(minute // MINUTES_PER_HOUR, set()).add(who)
        levels = account.levels
        for hour, people in met.items():
            if len(people) > CAPACITY:
                levels[hour] = level_for(people, CAPACITY, levels.get(hour, 0))
        if levels:
            found = {
                entry: times
                for entry, times in found.items()
                if is_post(entry[1]) or is_kept(entry[2], levels.get(entry[0] // MINUTES_PER_HOUR, 0))
            }
    if len(found) * ENTRY.size != len(account.journal):
        account.journal = journal_of(found)
    account.tidied = len(account.journal)
    return found


def sample(account: Account, settled: Settled, found: Entries) -> None:
    """Keep the people remembered, together with those in the journal, within their capacity."""
    level = max(settled.level, max(account.levels.values(), default=0))
    if level == settled.level and len(found) + len(settled.people) <= CAPACITY:
        return
    everyone = settled.people.keys() | {who for _, slot, who, _ in found if not is_post(slot)}
    level = level_for((who for who in everyone if is_kept(who, level)), CAPACITY, level)
    if level != settled.level:
        settled.level = level
        settled.people = {who: person for who, person in settled.people.items() if is_kept(who, level)}
        account.settled = settled_bytes(settled)
