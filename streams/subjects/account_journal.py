"""The journal of an account: who did what in which minute, as long as it can still change.

What is kept of people depends on the order of events, and cannot be taken back. So encounters wait here,
where the same one with the opposite sign cancels it, until the floor has passed them; then they are told to
`Person` in the order of event time, whatever order they came in. Entries are fixed-size and appended as
bytes, so that a fold costs the same however many there are.

People are sampled by their hash: at level n those are kept whose hash has n leading zero bits. The level is
the lowest at which no more people are kept than there is room for, so it depends on who there was and not
on the order. The journal has a level for each hour, so that what happened lately is counted exactly, or
nearly, for the famous as well; what is remembered of people has one level.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b
from struct import Struct
from typing import Final

from streams.windows.panes import GIVEN, KIND_MASK, KLASS_BITS, MARK_KIND, RECEIVED

ENTRY: Final = Struct("<IBQhq")
"""Minute since the epoch, slot, hash of the other, times (negative when taken back), followers."""
MAX_TIMES: Final = 32_767

CAPACITY: Final = 512
"""People remembered exactly, and people of one hour of the journal."""
POSTS: Final = 256
"""Posts whose shares are kept exactly."""
HASH_BITS: Final = 64

SHARED: Final = RECEIVED | MARK_KIND << KLASS_BITS
"""Slot of an entry that says: this post (hash) of the account was shared or quoted."""

Entry = tuple[int, int, int, int]
"""Minute, slot, hash, followers."""
Entries = dict[Entry, int]
"""Entry → net times."""
Told = Iterable[tuple[Entry, int]]

pack = ENTRY.pack


@lru_cache(maxsize=1 << 14)
def hash_of_name(name: str) -> int:
    """Return the 64-bit hash that stands for an account or a post, the same on every machine."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little")


def entries(journal: bytes) -> Entries:
    """Return what the journal comes to: opposite entries cancel, like entries add up."""
    found: Entries = {}
    for minute, slot, who, times, followers in ENTRY.iter_unpack(journal):
        key = (minute, slot, who, followers)
        times += found.get(key, 0)
        if times:
            found[key] = times
        else:
            del found[key]
    return found


def journal_of(found: Entries) -> bytes:
    """Return entries as a journal, in order."""
    written = []
    for (minute, slot, who, followers), times in sorted(found.items()):
        written += [pack(minute, slot, who, part, followers) for part in _parts(times)]
    return b"".join(written)


def _parts(times: int) -> Iterator[int]:
    while abs(times) > MAX_TIMES:
        part = MAX_TIMES if times > 0 else -MAX_TIMES
        yield part
        times -= part
    if times:
        yield times


def is_post(slot: int) -> bool:
    """Return whether an entry is about a post, not a person."""
    return slot < GIVEN and slot >> KLASS_BITS & KIND_MASK == MARK_KIND


def level_for(hashes: Iterable[int], capacity: int, level: int) -> int:
    """Return the lowest level, from `level` on, at which at most `capacity` of the distinct `hashes` are
    kept.

    >>> level_for([1 << 60, 1 << 61, 1 << 63], 2, 0), level_for([1 << 60, 1 << 61, 1 << 63], 1, 0)
    (1, 3)
    """
    kept = list(hashes)
    while len(kept) > capacity:
        level += 1
        kept = [each for each in kept if is_kept(each, level)]
    return level


def is_kept(hashed: int, level: int) -> bool:
    """Return whether a hash is in the sample at `level`."""
    return hashed >> (HASH_BITS - level) == 0
