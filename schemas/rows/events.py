"""Rows of `events`: what was accepted, as it was said, and where it came from."""

from __future__ import annotations

from typing import Any, Final

from schemas.event import Event
from schemas.fact import KLASSES, NAMING, Fact
from schemas.rows.table import Column, Table

_KLASS: Final = f"Enum8({', '.join(f'{name!r} = {code}' for code, name in enumerate(KLASSES))})"

_GIVEN: Final = """toUInt32(multiIf(
    type IN ('reply', 'like', 'share', 'quote', 'click'), actor = '' OR actor != object_author,
    type IN ('mention', 'tag', 'recommend', 'follow', 'unfollow', 'referral'),
    arrayCount(target -> target != actor OR actor = '', if(empty(targets), mentioned, targets)),
    type != 'undo'
))"""
"""As the contract counts (`schemas.fact.fact_of`); whoever was erased is taken to have acted on others."""

EVENTS: Final = Table(
    name="events",
    doc="Accepted events, one row each; those that were taken back are in retractions as well.",
    columns=(
        Column("id", "String", "the event's own id, unique"),
        Column("type", "LowCardinality(String)", "what was done"),
        Column("time", "DateTime64(3, 'UTC')", "when it happened"),
        Column("actor", "String", "who did it"),
        Column("network", "LowCardinality(String)", "where"),
        Column("actor_followers", "Nullable(UInt64)", "the actor's followers at that moment, if said"),
        Column("actor_following", "Nullable(UInt64)", "whom the actor followed at that moment, if said"),
        Column("object", "String", "the post created or acted on"),
        Column("object_author", "String", "who wrote it"),
        Column("root", "String", "first post of the cascade or thread"),
        Column("parent", "String", "the post directly before"),
        Column("targets", "Array(String)", "accounts mentioned, tagged, recommended, followed, thanked"),
        Column("text", "String", "the words"),
        Column("lang", "LowCardinality(String)", "their language"),
        Column("hashtags", "Array(String)", "hashtags as the producer listed them; see tags"),
        Column("media", "Array(LowCardinality(String))", "photo, video, audio"),
        Column("urls", "Array(String)", "links"),
        Column("venue", "String", "place of a check-in"),
        Column("campaign", "LowCardinality(String)", "campaign it was made for"),
        Column("incentive", "LowCardinality(String)", "what for: none, sweepstake, reward, paid"),
        Column("disclosed", "Bool", "says that it is incentivised"),
        Column("promo", "Bool", "is self-promotion"),
        Column("undo_of", "String", "for an undo: the id that it takes back"),
        Column("klass", _KLASS, "earned or bought"),
        Column("tags", "Array(String)", "hashtags casefolded, each once; from the text where not listed"),
        Column("mentioned", "Array(String)", "whom a mention or tag without targets names in its text"),
        Column("raw", "String", "the record's JSON, unknown fields and all"),
        Column("received_at", "DateTime64(3, 'UTC')", "when Kafka had it"),
        Column("topic", "LowCardinality(String)", "where Kafka has it"),
        Column("partition", "UInt32", "where Kafka has it"),
        Column("offset", "UInt64", "where Kafka has it"),
    ),
    key=("time", "id"),
    partition="toYear(time)",
    time="toDateTime(time)",
    also=(
        Column("given", "UInt32", "how many actions of the actor it is; 0 for one on oneself, and for an undo"),
        _GIVEN,
    ),
)


def events_row(
    event: Event, fact: Fact, raw: bytes, received_ms: int, topic: str, partition: int, offset: int
) -> tuple[Any, ...]:
    """Return the row of `event`, which was decoded from `raw` and is `fact` to the computation.

    `received_ms`, in epoch ms, is the time of the record in Kafka.
    """
    return (
        event.id,
        event.type,
        fact.time,
        event.actor,
        event.network,
        event.actor_followers,
        event.actor_following,
        event.object,
        event.object_author,
        event.root,
        event.parent,
        event.targets,
        event.text,
        event.lang,
        event.hashtags or (),
        event.media,
        event.urls,
        event.venue,
        event.campaign,
        event.incentive,
        event.disclosed,
        event.promo,
        event.undo_of,
        fact.klass,
        fact.tags,
        fact.receivers if not event.targets and fact.kind in NAMING else (),
        raw.decode(),
        received_ms,
        topic,
        partition,
        offset,
    )
