"""A fact: what the computation sees of an accepted event. Derived once, at ingest, from the event alone.

Nothing here depends on settings, the clock or other events, so the same event is the same fact in every run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from schemas.event import KIND_CODE

UNKNOWN: Final = -1
"""`followers` or `following` that the event does not state."""

EARNED: Final = 0
INCENTIVISED: Final = 1
UNDISCLOSED: Final = 2
"""`klass`: earned; made for a reward and says so; made for a reward and does not say so."""

POST, REPLY, MENTION, LIKE, SHARE, QUOTE, CLICK, RECOMMEND, REFERRAL, TAG, FOLLOW, UNFOLLOW, CHECKIN, UNDO = (
    KIND_CODE.values()
)
AMPLIFYING: Final = frozenset({SHARE, QUOTE, TAG})
"""Kinds that carry somebody's words further."""
CASCADING: Final = frozenset({SHARE, QUOTE})
"""Kinds that join the cascade of their root."""


class Fact(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One accepted event, normalised. `sign` is -1 when an undo takes it back: the same fact, subtracted.

    Absent strings are "", absent counts UNKNOWN. `time` is event time in milliseconds since the epoch.
    `receivers` are the accounts that receive it, as the contract says, without the actor itself; one entry per
    received action. `given` is how many given actions it is for the actor. `tags` are casefolded hashtags without
    the sign. `text_hash` is a 64-bit hash of the text, 0 without one, for finding the same text twice.
    """

    id: str
    kind: int
    time: int
    actor: str
    receivers: tuple[str, ...] = ()
    given: int = 0
    klass: int = EARNED
    sign: int = 1
    followers: int = UNKNOWN
    following: int = UNKNOWN
    object: str = ""
    author: str = ""
    root: str = ""
    parent: str = ""
    tags: tuple[str, ...] = ()
    venue: str = ""
    campaign: str = ""
    network: str = ""
    lang: str = ""
    media: tuple[str, ...] = ()
    incentive: int = 0
    disclosed: bool = False
    promo: bool = False
    text_hash: int = 0

    def accounts(self) -> Iterator[str]:
        """Yield every account this fact concerns, the actor first."""
        yield self.actor
        yield from self.receivers
