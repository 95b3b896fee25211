"""The schema as ClickHouse has it after a migration."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from infra.database import connect
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


def test_a_migration_counts_what_was_undone_with_the_horizon_that_is_set(stack: StackInfo, tmp_path: Path) -> None:
    """Of a database from before retractions were said it is found out what was taken back."""
    noon = datetime(2012, 7, 4, 12, tzinfo=UTC)
    with installation(stack, tmp_path, horizon="2h") as here:
        client, database = connect(here.settings), here.settings.database
        columns = ["id", "type", "time", "undo_of", "version"]
        for name, hours in (("near", 2), ("far", 3)):
            rows = [[name, "like", noon, "", 1], [f"u {name}", "undo", noon + timedelta(hours=hours), name, 1]]
            client.insert(f"{database}.events_store", rows, column_names=columns)
        client.command(f"ALTER TABLE {database}.migrations DELETE WHERE number = 9", settings={"mutations_sync": 2})
        assert "applied 0009 retractions" in here.juice("migrate").stdout
        assert here.query("SELECT id, undo FROM {db}.retractions") == [("near", "u near")]
