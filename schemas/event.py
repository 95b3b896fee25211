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


class Event(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A social event of schema v1 (the field table of the contract). Empty string means absent."""

    id: Name
    type: Kind
    time: Annotated[datetime, Meta(tz=True)] | int
    actor: Name
    network: MaybeName = ""
    actor_followers: Count | None = None
    actor_following: Count | None = None
    object: MaybeName = ""
    object_author: MaybeName = ""
    root: MaybeName = ""
    parent: MaybeName = ""
    targets: Annotated[tuple[Name, ...], Meta(max_length=MAX_TARGETS)] = ()
    text: Annotated[str, Meta(max_length=MAX_TEXT)] = ""
    lang: MaybeName = ""
    hashtags: Annotated[tuple[Name, ...], Meta(max_length=MAX_LIST)] | None = None
    media: Annotated[tuple[Literal["photo", "video", "audio"], ...], Meta(max_length=MAX_LIST)] = ()
    urls: Annotated[tuple[Annotated[str, Meta(max_length=MAX_URL)], ...], Meta(max_length=MAX_LIST)] = ()
    venue: MaybeName = ""
    campaign: MaybeName = ""
    incentive: Incentive = "none"
    disclosed: bool = False
    promo: bool = False
    undo_of: MaybeName = ""
