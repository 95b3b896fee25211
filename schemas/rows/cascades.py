"""Rows of cascades, and of the trends that they and hashtags are."""

from __future__ import annotations

from typing import Final

from schemas.rows.table import Column, Table

CASCADE_EPISODES: Final = Table(
    name="cascade_episodes",
    doc="A cascade from its first share until it falls silent; the view cascades adds up the episodes.",
    columns=(
        Column("root", "String", "the first post; for tag chains the meme"),
        Column("kind", "LowCardinality(String)", "share: shares and quotes; tag: who tagged whom"),
        Column("episode", "DateTime64(3, 'UTC')", "0 while it lives, then its latest share"),
        Column("author", "String", "who wrote the root, empty when nothing said so"),
        Column("author_followers", "UInt64", "the author's followers when it was posted, 0 when not said"),
        Column("started_at", "DateTime64(3, 'UTC')", "when the root was posted, else the first share"),
        Column("first_at", "DateTime64(3, 'UTC')", "the first share"),
        Column("last_at", "DateTime64(3, 'UTC')", "the latest share"),
        Column("size", "UInt64", "shares and quotes, or tags; the root is not counted"),
        Column("earned", "UInt64", "of the size, without an incentive"),
        Column("incentivised", "UInt64", "of the size, made for something in return, said or not"),
        Column("undisclosed", "UInt64", "of the incentivised, those that do not say so"),
        Column("people", "UInt64", "distinct accounts that amplified"),
        Column("reach", "UInt64", "followers of the author and of these: an upper bound of people reached"),
        Column("depth", "UInt32", "steps from the root to the furthest share"),
        Column("breadth", "UInt64", "most shares at one depth"),
        Column("structural_virality", "Float64", "mean distance of two nodes, in steps; the root is a node"),
        Column("waiting", "UInt64", "shares whose parent has not come; they hang below the root until then"),
        Column("shares_per_minute", "Float64", "over the five minutes before as_of"),
        Column("peak_per_minute", "UInt64", "most shares in one minute"),
        Column("time_to_half", "Float64", "seconds from started_at to half of the size"),
        Column("growing", "Bool", "a share came in the hour before as_of, so time_to_half may still move"),
        Column("infectiousness", "Float64", "shares per follower who sees it (SEISMIC); 0 when unknown"),
        Column("forecast_size", "Nullable(Float64)", "size in the end (SEISMIC); null when unbounded"),
        Column("unbounded", "Bool", "expected to grow without bound, as of now"),
        Column("root_seen", "Bool", "the root's own post came"),
        Column("truncated", "Bool", "too large to keep every share: shape and reach are approximate"),
        Column("final", "Bool", "has fallen silent, its state is released"),
        Column("as_of", "DateTime('UTC')", "event time that this row describes"),
    ),
    key=("root", "kind", "episode"),
    live="size > 0",
    time="as_of",
)

TRENDS: Final = Table(
    name="trends",
    doc="What rises faster than it used to: one row per rise.",
    columns=(
        Column("id", "String", "stable: the same rise has the same id in every run"),
        Column("kind", "LowCardinality(String)", "tag: a hashtag rises; cascade: a post may go viral"),
        Column("name", "String", "the hashtag without its sign, or the root"),
        Column("raised_at", "DateTime('UTC')", "when the rise was seen"),
        Column("ended_at", "Nullable(DateTime('UTC'))", "when it was over; null while it lasts"),
        Column("z", "Float64", "largest (x − λ)/√λ; for a cascade 0"),
        Column("rate", "Float64", "per minute, as of as_of"),
        Column("baseline", "Float64", "per minute, as it was before; for a cascade 0"),
        Column("size", "UInt64", "uses since it rose; for a cascade its size"),
        Column("forecast_size", "Nullable(Float64)", "for a cascade: see cascades"),
        Column("as_of", "DateTime('UTC')", "event time that this row describes"),
    ),
    key=("id",),
    live="raised_at > 0",
    time="as_of",
)
