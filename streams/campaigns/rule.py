"""What an operator may promise: the rules of a campaign, one frozen struct per kind.

The fields of these structs are the keys of the rules file (`streams.campaigns.rules` reads it); their types
carry the limits. Times are epoch milliseconds; an event belongs to a campaign when start ≤ time < end.
"""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Final, Literal

import msgspec
from msgspec import Meta

from schemas.event import MAX_COUNT, MAX_NAME
from schemas.fact import CHECKIN, DISCLOSURES, POST, REFERRAL, TAG, UNDO, UNFOLLOW, Fact
from streams.campaigns.titles import LEAST, WINDOW

MAX_CAMPAIGNS: Final = 1_000
MAX_PLACES: Final = 1_000
MAX_CAP: Final = 10_000
"""Most rewards that a cap over a whole campaign may allow: they are decided on one key, in one place."""

Identifier = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
"""Ids of campaigns: they travel in keys and links, so letters, digits, `.`, `_` and `-`."""
Text = Annotated[str, Meta(min_length=1, max_length=2_000)]
Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
Positive = Annotated[int, Meta(ge=1, le=MAX_COUNT)]
Cap = Annotated[int, Meta(ge=1, le=MAX_CAP)]


class Caps(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much there is at most. A contest caps the entries that score, all other kinds the rewards.

    Who comes first in event time is served first. Days are UTC days.
    """

    per_account: Positive | None = None
    """of one account, in the whole campaign"""
    per_account_day: Positive | None = None
    """of one account, on one day"""
    per_day: Cap | None = None
    """of all accounts together, on one day"""
    total: Cap | None = None
    """of all accounts together, in the whole campaign"""

    @property
    def shared(self) -> bool:
        """Return whether accounts compete for what there is, so that one cannot be judged without the
        others."""
        return self.per_day is not None or self.total is not None


class Disclosure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an entry must carry to count as disclosed: the event's own flag, or one of the tags."""

    flag: bool = True
    """the event's `disclosed` counts"""
    tags: tuple[str, ...] = tuple(sorted(DISCLOSURES))
    """hashtags that count, casefolded and without sign"""

    def holds(self, fact: Fact) -> bool:
        """Return whether `fact` says that something is to be got for it."""
        return (self.flag and fact.disclosed) or not set(self.tags).isdisjoint(fact.tags)


class Rule(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """What all kinds have in common: when, what qualifies, what there is to win.

    Everything that is given must hold; of a list, one item is enough. A rule with neither hashtags nor
    venues takes only events that name the campaign in their field `campaign`.
    """

    id: Identifier
    start: int
    end: int
    name: Text = ""
    """for people; the id where absent"""
    prize: Text = ""
    """what the winner is told"""
    hashtags: tuple[str, ...] = ()
    """one of these is among the event's hashtags; casefolded, without sign"""
    venues: tuple[Name, ...] = ()
    """the check-in is at one of these; "*" means any"""
    networks: tuple[Name, ...] = ()
    """the event happened on one of these"""
    media: tuple[Literal["photo", "video", "audio"], ...] = ()
    """the post carries one of these"""
    languages: tuple[Name, ...] = ()
    """the event's language is one of these, or a variety of it: "en" takes "en-GB" too"""
    min_followers: Positive | None = None
    """the actor had at least so many followers at that moment"""
    caps: Caps = Caps()
    disclosure: Disclosure = Disclosure()
    disqualified: dict[str, Text] = {}
    """account → why it gets nothing, as everybody may read"""

    code: ClassVar[str]
    """One letter that stands for the kind in keys; never reused."""
    takes: ClassVar[frozenset[int]]
    """Kinds of events that count."""
    own_caps: ClassVar[frozenset[str]] = frozenset(f.name for f in msgspec.structs.fields(Caps))
    """Caps that mean something for this kind."""

    @property
    def kind(self) -> str:
        """Return the kind as the rules file names it."""
        return str(self.__struct_config__.tag)

    def qualifies(self, fact: Fact) -> bool:
        """Return whether `fact` counts in this campaign."""
        if fact.kind not in self.takes or not self.start <= fact.time < self.end:
            return False
        return (
            self.named(fact)
            and (not self.venues or (fact.venue != "" and (fact.venue in self.venues or "*" in self.venues)))
            and (not self.networks or fact.network in self.networks)
            and (not self.media or not set(self.media).isdisjoint(fact.media))
            and (not self.languages or _speaks(fact.lang, self.languages))
            and (self.min_followers is None or fact.followers >= self.min_followers)
        )

    def named(self, fact: Fact) -> bool:
        """Return whether the fact carries one of the hashtags, or where there are none what stands in for
        them.
        """
        if self.hashtags:
            return not set(self.hashtags).isdisjoint(fact.tags)
        return bool(self.venues) or fact.campaign == self.id


def _speaks(lang: str, languages: tuple[str, ...]) -> bool:
    """Return whether language tag `lang` is one of `languages` or a variety of it (RFC 4647, basic
    filtering)."""
    said = re.split("[-_]", lang.casefold())
    return any(said[: len(want)] == want for want in (re.split("[-_]", one.casefold()) for one in languages))


class Contest(Rule, frozen=True, kw_only=True, tag="contest"):
    """Whoever posts most wins: distinct posts count, ties go to who got there first."""

    winners: Annotated[int, Meta(ge=1, le=MAX_PLACES)] = 1
    """places that win the prize"""
    code: ClassVar[str] = "c"
    takes: ClassVar[frozenset[int]] = frozenset({POST})
    own_caps: ClassVar[frozenset[str]] = frozenset({"per_account", "per_account_day"})


class Mayor(Rule, frozen=True, kw_only=True, tag="mayor"):
    """Whoever checked in at a venue on most distinct days lately holds the title, and wins when taking it."""

    window_days: Annotated[int, Meta(ge=1, le=366)] = WINDOW
    """days that count, today included"""
    min_days: Annotated[int, Meta(ge=1, le=366)] = LEAST
    """days without which nobody is mayor"""
    code: ClassVar[str] = "m"
    takes: ClassVar[frozenset[int]] = frozenset({CHECKIN})
    own_caps: ClassVar[frozenset[str]] = frozenset()


class Threshold(Rule, frozen=True, kw_only=True, tag="threshold"):
    """Accounts with at least so many followers at the moment of acting get in, once each."""

    followers: Positive
    """the number to reach"""
    code: ClassVar[str] = "t"
    takes: ClassVar[frozenset[int]] = frozenset(range(UNDO)) - {UNFOLLOW}
    own_caps: ClassVar[frozenset[str]] = frozenset({"per_day", "total"})

    def qualifies(self, fact: Fact) -> bool:
        """Return whether the actor had enough followers, and all else holds; unknown is not enough."""
        return fact.followers >= self.followers and super().qualifies(fact)


class PostWithMedia(Rule, frozen=True, kw_only=True, tag="post_with_media"):
    """A post with the media and the tag earns the reward, once per account and period."""

    media: tuple[Literal["photo", "video", "audio"], ...] = ("photo",)
    period: Literal["campaign", "month", "week", "day"] = "campaign"
    """UTC days, ISO weeks, calendar months, or only once"""
    own_caps: ClassVar[frozenset[str]] = frozenset({"per_account", "per_day", "total"})
    code: ClassVar[str] = "p"
    takes: ClassVar[frozenset[int]] = frozenset({POST})


class Referral(Rule, frozen=True, kw_only=True, tag="referral"):
    """The newcomer names who sent them: a reward for the referrer, one per newcomer."""

    code: ClassVar[str] = "r"
    takes: ClassVar[frozenset[int]] = frozenset({REFERRAL})

    def qualifies(self, fact: Fact) -> bool:
        """Return whether somebody else is named, and all else holds."""
        return bool(fact.receivers) and super().qualifies(fact)


class TagChain(Rule, frozen=True, kw_only=True, tag="tag_chain"):
    """Pass it on ("I tag A, B and C"): who brought whom to the meme, and a reward for bringing in so many."""

    tagged: Positive | None = None
    """accounts that one must have brought in to be rewarded; without it nobody is"""
    memes: tuple[Name, ...] = ()
    """ids of the memes: the `root` of the tagging, or without one its `object`; qualifies like a hashtag"""
    code: ClassVar[str] = "g"
    takes: ClassVar[frozenset[int]] = frozenset({TAG})
    own_caps: ClassVar[frozenset[str]] = frozenset()

    def qualifies(self, fact: Fact) -> bool:
        """Return whether somebody else is tagged, and all else holds."""
        return bool(fact.receivers) and super().qualifies(fact)

    def named(self, fact: Fact) -> bool:
        """Return whether the fact carries one of the memes, or else a hashtag, or names the campaign."""
        return (fact.root or fact.object) in self.memes or (
            super().named(fact) if self.hashtags or not self.memes else False
        )


KINDS: Final[dict[str, type[Rule]]] = {
    str(kind.__struct_config__.tag): kind for kind in (Contest, Mayor, Threshold, PostWithMedia, Referral, TagChain)
}
"""Every kind, by the name that the rules file uses."""
