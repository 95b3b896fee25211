"""The schema as ClickHouse has it after a migration."""

from __future__ import annotations

from pathlib import Path

from infra.stack import StackInfo
from streams.tables import ALL_TABLES
from tests.harness import Installation, installation


def said(here: Installation) -> dict[tuple[str, str], str]:
    """Return the comment of every column of every table and view that analysts see."""
    sql = (
        "SELECT table, name, comment FROM system.columns "
        "WHERE database = '{db}' AND NOT endsWith(table, '_store') AND table != 'migrations'"
    )
    return {(str(table), str(column)): str(comment) for table, column, comment in here.query(sql)}


def test_every_column_says_what_it_is(stack: StackInfo, tmp_path: Path) -> None:
    """DESCRIBE has a phrase for each column of each view; those of declared tables are the declared ones. A second
    migration, which makes views anew, leaves them.
    """
    declared = {(table.name, column.name): column.doc for table in ALL_TABLES.values() for column in table.seen}
    with installation(stack, tmp_path) as here:
        comments = said(here)
        assert [column for column, comment in comments.items() if not comment] == []
        assert declared.items() <= comments.items()
        assert comments["tie_exchanges", "median_seconds"] == "seconds to an answer, the median"
        assert "nothing to do" in here.juice("migrate").stdout
        assert said(here) == comments
