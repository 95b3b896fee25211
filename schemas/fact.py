"""A fact: what the computation sees of an accepted event. Derived once, at ingest, from the event alone.

Nothing here depends on settings, the clock or other events, so the same event is the same fact in every run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Final

import msgspec

from schemas.event import INCENTIVES, KIND_CODE, Event
from schemas.text import hashtags, mentions

UNKNOWN: Final = -1
"""`followers` or `following` that the event does not state."""

EARNED: Final = 0
INCENTIVISED: Final = 1
UNDISCLOSED: Final = 2
"""`klass`: earned; made for a reward and says so; made for a reward and does not say so."""
KLASSES: Final = ("earned", "incentivised", "undisclosed")
"""What the codes of `klass` are called."""

POST, REPLY, MENTION, LIKE, SHARE, QUOTE, CLICK, RECOMMEND, REFERRAL, TAG, FOLLOW, UNFOLLOW, CHECKIN, UNDO = (
    KIND_CODE.values()
)
AMPLIFYING: Final = frozenset({SHARE, QUOTE, TAG})
"""Kinds that carry somebody's words further."""
CASCADING: Final = frozenset({SHARE, QUOTE})
"""Kinds that join the cascade of their root."""

TO_AUTHOR: Final = frozenset({REPLY, LIKE, SHARE, QUOTE, CLICK})
"""Kinds that the author of the object receives."""
TO_TARGETS: Final = frozenset({MENTION, TAG, RECOMMEND, FOLLOW, UNFOLLOW, REFERRAL})
"""Kinds that each of the targets receives."""
NAMING: Final = frozenset({MENTION, TAG})
"""Kinds whose targets are the accounts mentioned in the text where the event lists none."""
WRITTEN: Final = frozenset({POST, REPLY, QUOTE})
"""Kinds whose text is the actor's own words."""

DISCLOSURES: Final = frozenset(
    (
        *(
            "ad",
            "ads",
            "advert",
            "advertisement",
            "advertising",
            "anzeige",
            "werbung",
            "publicidad",
            "publicité",
        ),
        *("sponsored", "sponsoredpost", "sponsorship", "paidad", "paidpartnership", "paidpromotion"),
        *("gifted", "giveaway", "contest", "sweepstake", "sweepstakes"),
    )
)
"""Hashtags (casefolded) that say that something was got for the post.

They name the relation plainly, as the FTC asks for in "Endorsement Guides: What People Are Asking". Not among
them, because it calls them unclear: sp, spon, sweeps, collab, ambassador, partner, thanks.
"""

_INCENTIVE: Final = {incentive: code for code, incentive in enumerate(INCENTIVES)}
_NONE: Final = _INCENTIVE["none"]


class Brief(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What counting needs of a fact: who did what to whom. A fact begins with it: the bytes of one can be read as either."""

    id: str
    kind: int
    time: int
    actor: str
    receivers: tuple[str, ...] = ()
    given: int = 1
    klass: int = EARNED
    sign: int = 1


class Fact(Brief, frozen=True, array_like=True, gc=False):
    """One accepted event, normalised. `sign` is -1 when an undo takes it back: the same fact, subtracted.

    Absent strings are "", absent counts UNKNOWN. `time` is event time in milliseconds since the epoch.
    `receivers` are the accounts that receive it, as the contract says, without the actor itself; one entry
    for each received action. `given` is how many given actions it is for the actor. `tags` are casefolded
    hashtags without the sign. `text_hash` is an unsigned 64-bit hash of the words of a post, reply or quote,
    0 without any, for finding the same text twice.
    """

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


def fact_of(event: Event, time: int) -> Fact:
    """Return what the computation sees of `event`, which happened at `time` (epoch ms).

    Who receives, and how many given actions it is, by the contract:

    - reply, like, share, quote, click: the author of the object receives; one given action, also where the
      event does not name the author;
    - mention, tag, recommend, follow, unfollow, referral: each entry of `targets` receives, literally (an
      account listed twice receives twice); as many given actions. A mention or tag without targets means the
      accounts that its text mentions, each once;
    - post, checkin: nobody receives; one given action;
    - the actor never receives its own action, nor counts as having given it;
    - undo: nothing of its own.
    """
    kind = KIND_CODE[event.type]
    actor = event.actor
    text = event.text
    receivers: tuple[str, ...] = ()
    given = 1
    if kind in TO_AUTHOR:
        author = event.object_author
        if author == actor:
            given = 0
        elif author:
            receivers = (author,)
    elif kind in TO_TARGETS:
        receivers = event.targets
        if not receivers and text and kind in NAMING:
            receivers = tuple(dict.fromkeys(mentions(text)))
        if actor in receivers:
            receivers = tuple(target for target in receivers if target != actor)
        given = len(receivers)
    elif kind == UNDO:
        given = 0

    tags: tuple[str, ...] = ()
    if kind == UNDO:
        pass  # it may repeat what it takes back, and that is no use of its tags
    elif event.hashtags is not None:
        tags = normal_tags(event.hashtags)
    elif text:
        tags = tags_in(text)
    incentive = _INCENTIVE[event.incentive]
    klass = EARNED
    if incentive != _NONE or event.campaign:
        klass = INCENTIVISED if event.disclosed or not DISCLOSURES.isdisjoint(tags) else UNDISCLOSED
    followers = event.actor_followers
    following = event.actor_following
    return Fact(
        event.id,
        kind,
        time,
        actor,
        receivers,
        given,
        klass,
        1,
        UNKNOWN if followers is None else followers,
        UNKNOWN if following is None else following,
        event.object,
        event.object_author,
        event.root,
        event.parent,
        tags,
        event.venue,
        event.campaign,
        event.network,
        event.lang,
        event.media,
        incentive,
        event.disclosed,
        event.promo,
        hash_of(text) if text and kind in WRITTEN else 0,
    )


def passed_on(fact: Fact) -> str:
    """Return the post that a share or quote passes on: its `object`, unless that is the share's own post, which it is where it is
    neither root (without one, the object is) nor parent, as for cascades.

    >>> [passed_on(Fact("1", SHARE, 0, "ada", object="own", root="r", parent=parent)) for parent in ("", "p")]
    ['r', 'p']
    >>> [passed_on(Fact("1", SHARE, 0, "ada", object="o", parent=parent)) for parent in ("", "p")]
    ['o', 'o']
    >>> [passed_on(Fact("1", SHARE, 0, "ada", object=post, root="r", parent="p")) for post in ("r", "p", "")]
    ['r', 'p', 'p']
    """
    object, parent = fact.object, fact.parent
    root = fact.root or object
    return object if object and object in (root, parent) else parent or root


def normal_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return `tags` without their sign and without regard to case, each once, in order.

    >>> normal_tags(["#Juice", "juice", "＃STRASSE", "straße", "#"])
    ('juice', 'strasse')
    """
    found = dict.fromkeys(tag.lstrip("#＃").casefold() for tag in tags)
    found.pop("", None)
    return tuple(found)


def tags_in(text: str) -> tuple[str, ...]:
    """Return the hashtags of `text`, as `normal_tags` has them.

    >>> tags_in("#Juice and #juice, #STRASSE")
    ('juice', 'strasse')
    """
    if text.isascii():  # where case is a matter of single letters, all of it at once
        return tuple(dict.fromkeys(hashtags(text.casefold())))
    return normal_tags(hashtags(text))


def hash_of(text: str) -> int:
    """Return a 64-bit hash of `text`, the same for texts that differ only in case or white space, 0 if blank.

    An unsigned integer (ClickHouse UInt64), the same on every machine and in every run: the first 8 bytes of
    BLAKE2b, big-endian.
    """
    words = " ".join(text.split()).casefold()
    return int.from_bytes(blake2b(words.encode(), digest_size=8).digest(), "big") if words else 0
