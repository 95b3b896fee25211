"""Every table of an installation: the declared ones, and those of measures, whose columns are discovered."""

from __future__ import annotations

from typing import Final

from schemas.rows import TABLES, Table
from streams.measures.account.catalogue import ACCOUNT_SCORES
from streams.measures.cascade.catalogue import CASCADE_EPISODES

ALL_TABLES: Final[dict[str, Table]] = {
    **TABLES,
    ACCOUNT_SCORES.name: ACCOUNT_SCORES,
    CASCADE_EPISODES.name: CASCADE_EPISODES,
}
