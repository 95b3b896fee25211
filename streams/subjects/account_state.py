"""What is kept of an account, and how the past is settled.

`Account` has two parts. What every fact touches is read: minute panes, journal, followers last seen. All else
is `Settled`, bytes that are carried along unread until somebody looks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import msgspec
import numpy as np

from streams.measures.account.person import Person
from streams.measures.account.rhythm import Rhythm
from streams.subject import DAY, MINUTES_PER_HOUR
from streams.subjects.account_journal import (
    CAPACITY,
    Entries,
    are_kept,
    entries,
    is_kept,
    journal_of,
    level_for,
    posts_in,
    size_of,
)
from streams.windows.panes import Panes

FORMAT: Final = b"\x01"
"""First byte of a dumped state."""


People: TypeAlias = dict[int, Person]
"""Hash of an account → what is kept of it."""
Posts: TypeAlias = dict[int, list[int]]
"""Hash of a post → shares, and when it was last shared."""


class Settled(msgspec.Struct, array_like=True):
    """What no fact can change any more. Times in minutes since the epoch."""

    hours: Panes = {}
    days: Panes = {}
    rolled_minute: int = 0
    rolled_hour: int = 0
    """The newest that were rolled up."""
    people: People = {}
    level: int = 0
    """Level of the sample of people."""
    posts: Posts = {}
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
    """Length of the journal when it was last kept; bytes after it were appended since, and nothing else changes a journal."""
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


def observe_all(audience: dict[str, list[int]], more: Mapping[str, Sequence[int]]) -> None:
    """Note all that was said in another audience."""
    for network, seen in more.items():
        for at in range(0, len(seen), 3):
            observe(audience, network, *seen[at : at + 3])


def opened(accounts: Sequence[Account]) -> list[Entries]:
    """Return what the journals of accounts come to, each hour within its capacity.

    Levels are raised where an hour is thinned, so `keep` must follow.
    """
    several = entries([account.journal for account in accounts])
    return [
        _thinned(found, account.levels) if len(found) > CAPACITY else found
        for account, found in zip(accounts, several, strict=True)
    ]


def keep(account: Account, found: Entries) -> None:
    """Have the journal of an account hold `found`, which is all or a part of what was `opened`."""
    if size_of(found) != len(account.journal):  # fewer than were written, or each is there as it was
        account.journal = journal_of(found)
    account.tidied = len(account.journal)


def _thinned(found: Entries, levels: dict[int, int]) -> Entries:
    """Return the entries of people in the sample of their hour, and note at which level that now is."""
    hours = found["minute"] // MINUTES_PER_HOUR
    kept = posts_in(found)
    starts = np.flatnonzero(np.diff(hours, prepend=-1))
    for start, end in zip(starts, [*starts[1:], len(found)], strict=True):
        hour, who, posts = int(hours[start]), found["who"][start:end], kept[start:end]
        if end - start > CAPACITY and (level := level_for(set(who[~posts].tolist()), CAPACITY, levels.get(hour, 0))):
            levels[hour] = level
        posts |= are_kept(who, levels.get(hour, 0))
    return found if kept.all() else found[kept]


def sample(account: Account, settled: Settled, found: Entries) -> None:
    """Keep the people remembered, together with those in the journal, within their capacity."""
    level = max(settled.level, max(account.levels.values(), default=0))
    if level == settled.level and len(found) + len(settled.people) <= CAPACITY:
        return
    everyone = settled.people.keys() | set(found["who"][~posts_in(found)].tolist())
    level = level_for((who for who in everyone if is_kept(who, level)), CAPACITY, level)
    if level != settled.level:
        settled.level = level
        settled.people = {who: person for who, person in settled.people.items() if is_kept(who, level)}
        account.settled = settled_bytes(settled)
