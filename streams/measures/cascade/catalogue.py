"""Every measure of a cascade, found by looking: a file in this folder with a `MEASURE` is part of every row."""

from __future__ import annotations

from typing import Any, Final

import streams.measures.cascade as package
from schemas.rows.table import Column, Summed, Table, Totals
from streams.measures.cascade.measure import MOST, SUM, CascadeMeasure
from streams.measures.cascade.view import CascadeView
from streams.measures.discovery import measures_in

MEASURES: Final[list[CascadeMeasure]] = measures_in(package)


def measured(view: CascadeView) -> list[Any]:
    """Return what all measures say of a cascade, in the order of the table."""
    return [cell for measure in MEASURES for cell in measure.of(view)]


_LEAST: Final = "min({})"
_BEFORE: Final = (
    Summed(
        Column("author", "String", "who wrote the root, empty when nothing said so"),
        "argMax({}, (e.root_seen, e.size))",
    ),
    Summed(Column("author_followers", "UInt64", "the author's followers when it was posted, 0 when not said"), MOST),
    Summed(Column("started_at", "DateTime64(3, 'UTC')", "when the root was posted, else the first share"), _LEAST),
    Summed(Column("first_at", "DateTime64(3, 'UTC')", "the first share"), _LEAST),
    Summed(Column("last_at", "DateTime64(3, 'UTC')", "the latest share"), MOST),
    Summed(Column("size", "UInt64", "shares and quotes, or tags; the root is not counted"), SUM),
)
_AFTER: Final = (
    Summed(Column("root_seen", "Bool", "the root's own post came"), MOST),
    Summed(Column("truncated", "Bool", "too large to keep every share: shape and reach are approximate"), MOST),
    Summed(Column("final", "Bool", "has fallen silent, its state is released"), _LEAST),
    Summed(
        Column("as_of", "DateTime('UTC')", "event time that this row describes"),
        MOST,
        "event time that the latest episode describes",
    ),
)
_SUMMED: Final = (*_BEFORE, *(each for measure in MEASURES for each in measure.columns), *_AFTER)

CASCADE_EPISODES: Final = Table(
    name="cascade_episodes",
    doc="A cascade from its first share until it falls silent; the view cascades adds up the episodes.",
    columns=(
        Column("root", "String", "the first post; for tag chains the meme"),
        Column("kind", "LowCardinality(String)", "share: shares and quotes; tag: who tagged whom"),
        Column("episode", "DateTime64(3, 'UTC')", "0 while it lives, then its latest share"),
        *(each.column for each in _SUMMED),
    ),
    key=("root", "kind", "episode"),
    live="size > 0",
    time="as_of",
    totals=Totals(
        name="cascades",
        doc="Cascades: a root post and its shares and quotes, or a meme and who tagged whom for it",
        by=("root", "kind"),
        columns=_SUMMED,
        count=Column("episodes", "UInt64", "times it was shared again after its state was released, and one"),
    ),
)
"""The table of cascades, and the view that adds up the episodes of a root: nearly always there is one, more where a root was
silent for so long that its state was released and then was shared again. Sizes add up exactly; people and reach may count
somebody twice. A new measure is a new column at its place, so columns are inserted by name."""
