"""One social event, schema v1: what a record on `social.events` says, as it was said.

The limits below are part of the schema: a record beyond them is dead-lettered as `invalid`, never cut.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

Kind = Literal[
    "post",
    "reply",
    "mention",
    "like",
    "share",
    "quote",
    "click",
    "recommend",
    "referral",
    "tag",
    "follow",
    "unfollow",
    "checkin",
    "undo",
]
KINDS: Final[tuple[Kind, ...]] = Kind.__args__  # type: ignore[attr-defined]
"""All event types; the position is the code a fact carries, so new ones are only ever appended."""

KIND_CODE: Final[dict[str, int]] = {kind: code for code, kind in enumerate(KINDS)}

Incentive = Literal["none", "sweepstake", "reward", "paid"]
INCENTIVES: Final[tuple[Incentive, ...]] = Incentive.__args__  # type: ignore[attr-defined]

MAX_RECORD_BYTES: Final = 1 << 20
MAX_NAME: Final = 512
MAX_TEXT: Final = 65_536
MAX_URL: Final = 4_096
MAX_TARGETS: Final = 1_000
MAX_LIST: Final = 256
MAX_COUNT: Final = 10**12

Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
MaybeName = Annotated[str, Meta(max_length=MAX_NAME)]
Count = Annotated[int, Meta(ge=0, le=MAX_COUNT)]
Names = Annotated[tuple[Name, ...], Meta(max_length=MAX_LIST)]
Instant = Annotated[datetime, Meta(tz=True)] | int
Medium = Literal["photo", "video", "audio"]


def says(text: str, *examples: object) -> Meta:
    """Return what the JSON Schema says about a field."""
    return Meta(description=text, examples=list(examples) or None)


class Event(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A social event of schema v1. Empty string means absent; producers may also write null for it."""

    id: Annotated[Name, says("Unique for the event; a second record with it is a duplicate.", "ex-1")]
    type: Annotated[Kind, says("What was done.")]
    time: Annotated[
        Instant,
        says(
            "When it happened: RFC 3339 with an offset, or epoch milliseconds; from 1970 to 2105.",
            "2012-07-04T08:00:00.000Z",
            1341388800000,
        ),
    ]
    actor: Annotated[Name, says("Account that did it.", "ada")]
    network: Annotated[MaybeName, says("Where it happened.", "bluesky", "mastodon")] = ""
    actor_followers: Annotated[Count | None, says("Followers of the actor at that moment.")] = None
    actor_following: Annotated[Count | None, says("Accounts that the actor followed at that moment.")] = None
    object: Annotated[MaybeName, says("Post created or acted on.", "post-7")] = ""
    object_author: Annotated[
        MaybeName, says("Who wrote the object; receives reply, like, share, quote and click.", "bob")
    ] = ""
    root: Annotated[MaybeName, says("First post of the cascade or thread; the object where absent.")] = ""
    parent: Annotated[MaybeName, says("Post directly before in the cascade or thread.")] = ""
    targets: Annotated[
        tuple[Name, ...],
        Meta(max_length=MAX_TARGETS),
        says("Accounts mentioned, tagged, recommended, followed, unfollowed, thanked for a referral.", ["bob"]),
    ] = ()
    text: Annotated[str, Meta(max_length=MAX_TEXT), says("Words of the post.", "Thanks @bob! #juice")] = ""
    lang: Annotated[MaybeName, says("Language of the text.", "en")] = ""
    hashtags: Annotated[Names | None, says("With or without #; found in the text where absent.", ["juice"])] = None
    media: Annotated[tuple[Medium, ...], Meta(max_length=MAX_LIST), says("What is attached.", ["photo"])] = ()
    urls: Annotated[
        tuple[Annotated[str, Meta(max_length=MAX_URL)], ...], Meta(max_length=MAX_LIST), says("Links.")
    ] = ()
    venue: Annotated[MaybeName, says("Place of a check-in.", "cafe-3")] = ""
    campaign: Annotated[MaybeName, says("Campaign it was made for.")] = ""
    incentive: Annotated[Incentive, says("What the actor got for it.")] = "none"
    disclosed: Annotated[bool, says("Says that it is incentivised.")] = False
    promo: Annotated[bool, says("Is self-promotion.")] = False
    undo_of: Annotated[MaybeName, says("For undo, where it is required: id of the event taken back.")] = ""
