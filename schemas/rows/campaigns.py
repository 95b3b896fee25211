"""Rows of titles, campaigns and rewards, and the views in which analysts read them."""

from __future__ import annotations

from typing import Final

from schemas.rows.table import Column, Table

_INSTANT: Final = "DateTime64(3, 'UTC')"

VENUE_TITLES: Final = Table(
    name="venue_titles",
    doc="Who was mayor of a venue, one row per month in which titles began; read it as mayors.",
    columns=(
        Column("venue", "String", "place of the check-ins"),
        Column("month", "Date", "first day of the month (UTC) in which these titles began"),
        Column(
            "titles",
            f"Array(Tuple(account String, days UInt16, since {_INSTANT}, until Nullable({_INSTANT})))",
            "titles in order: holder, days when taken, from, to (NULL: holds it still)",
        ),
    ),
    key=("venue", "month"),
    live="notEmpty(titles)",
)

CAMPAIGN_TABLES: Final = (VENUE_TITLES,)
"""All tables of this file."""

VIEWS: Final[dict[str, str]] = {
    "mayors": """
        SELECT venue, title.account AS account, title.days AS days, title.since AS since, title.until AS until
        FROM {database}.venue_titles ARRAY JOIN titles AS title
    """,
}
"""Views over the tables above, by name; `{database}` is to be put in. Create them after the tables, in this
order."""
