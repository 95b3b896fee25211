"""The way to ClickHouse: one client, one error, and the schema's migrations."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError, OperationalError

from infra.settings import Settings, SettingsError
from infra.stack.stack import status
from schemas.rows import CASE, NESTED, VERSION, Column, Table
from schemas.rows.table import Totals

QUERY_SETTINGS: Final = {"session_timezone": "UTC"}


class DatabaseUnreachable(SettingsError):
    """ClickHouse does not answer; the message is one line for the user."""


class SchemaError(SettingsError):
    """The schema is missing, older or newer than this version needs; the message says what to do."""


def url_of(settings: Settings) -> str:
    """Return where ClickHouse is: as set, or the local stack's; raise SettingsError when there are neither."""
    if settings.clickhouse:
        return settings.clickhouse
    if found := status(settings.home).clickhouse:
        return found
    raise SettingsError(f"no ClickHouse: set JUICE_CLICKHOUSE, or run `juice up` (no stack runs in {settings.home})")


def connect(settings: Settings, *, timeout: float = 60.0) -> Client:
    """Return a client; raise DatabaseUnreachable with one line when ClickHouse does not answer or refuses us."""
    url = url_of(settings)
    parts = urlsplit(url)
    try:
        return clickhouse_connect.get_client(
            # One by one: of a `dsn` it takes host and port, and speaks plain HTTP whatever its scheme says.
            interface=parts.scheme,
            host=parts.hostname or "",
            port=parts.port or (8443 if parts.scheme == "https" else 8123),
            proxy_path=parts.path,
            username=settings.clickhouse_user,
            password=settings.clickhouse_password.get_secret_value(),
            ca_cert=str(settings.clickhouse_ca) if settings.clickhouse_ca else None,
            autogenerate_session_id=False,
            connect_timeout=5,
            send_receive_timeout=timeout,
            settings=dict(QUERY_SETTINGS),
        )
    except (ClickHouseError, OSError) as error:
        raise DatabaseUnreachable(f"ClickHouse at {url}: {one_line(error)}") from None


def one_line(error: Exception) -> str:
    """Return the first line of what ClickHouse or the network says, short."""
    if isinstance(error, OperationalError) and "Code:" not in str(error):
        return "does not answer"
    text = str(error).strip().splitlines()[0] if str(error).strip() else error.__class__.__name__
    return text if len(text) <= 300 else text[:299] + "…"


class Migration(NamedTuple):
    """A numbered file of SQL statements in infra/clickhouse/."""

    number: int
    name: str
    statements: tuple[str, ...]


def migrations() -> list[Migration]:
    """Return all migrations in order."""
    named = [(re.fullmatch(r"(\d{4})_(\w+)\.sql", file.name), file) for file in files("infra.clickhouse").iterdir()]
    return sorted(
        Migration(int(match[1]), match[2], tuple(_statements(file.read_text()))) for match, file in named if match
    )


def _statements(text: str) -> Iterator[str]:
    """Yield the statements of a file; a line that ends in a semicolon ends one. `--` lines are comments."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    for statement in re.split(r";\s*$", "\n".join(lines), flags=re.MULTILINE):
        if statement.strip():
            yield statement.strip()


def applied(client: Client, database: str) -> list[int]:
    """Return the numbers of the migrations this database has had, in order."""
    exists = client.query(
        "SELECT 1 FROM system.tables WHERE database = {db:String} AND name = 'migrations'", parameters={"db": database}
    )
    if not exists.result_rows:
        return []
    sql = "SELECT DISTINCT number FROM {db:Identifier}.migrations ORDER BY number"
    return [row[0] for row in client.query(sql, parameters={"db": database}).result_rows]


def check_schema(client: Client, database: str, tables: Iterable[Table] = ()) -> None:
    """Raise SchemaError unless the database has exactly the migrations this version knows, and all columns of `tables`."""
    have, want = applied(client, database), [m.number for m in migrations()]
    if not have:
        raise SchemaError(f"database {database} has no schema; run `juice migrate`")
    _refuse_newer(database, have, want)
    if have != want:
        missing = sorted(set(want) - set(have))
        raise SchemaError(f"database {database} lacks migrations {missing}; run `juice migrate`")
    there = columns_of(client, database)
    for table in tables:
        if lacking := [column.name for column in table.stored if column.name not in there.get(table.store, ())]:
            raise SchemaError(f"{database}.{table.store} lacks columns: {', '.join(lacking)}; run `juice migrate`")


def columns_of(client: Client, database: str) -> dict[str, set[str]]:
    """Return the names of the columns of each table and view."""
    sql = "SELECT table, name FROM system.columns WHERE database = {db:String}"
    found: dict[str, set[str]] = {}
    for table, column in client.query(sql, parameters={"db": database}).result_rows:
        found.setdefault(table, set()).add(column)
    return found


def refuse_newer(client: Client, database: str) -> None:
    """Raise SchemaError when the database is newer than this version; one without a schema, or an older one, will do."""
    _refuse_newer(database, applied(client, database), [m.number for m in migrations()])


def _refuse_newer(database: str, have: Sequence[int], want: Sequence[int]) -> None:
    if have and have[-1] > want[-1]:
        raise SchemaError(
            f"database {database} is at migration {have[-1]}, newer than this juice knows ({want[-1]}); upgrade it"
        )


def migrate(
    client: Client,
    database: str,
    tables: Iterable[Table],
    *,
    horizon: int,
    ttl_days: int = 0,
    between: Callable[[], None] = lambda: None,
) -> list[str]:
    """Bring the database to what this version needs, each statement idempotent; return what was done.

    `tables` and their views come from their declarations; everything else from the numbered files. `horizon` (ms) is how far
    apart an undo and its event may be. `between` is called between the steps.
    """
    client.command(f"CREATE DATABASE IF NOT EXISTS {database}")
    client.command(
        f"CREATE TABLE IF NOT EXISTS {database}.migrations (number UInt32, name String, at DateTime DEFAULT now('UTC')) "
        "ENGINE = ReplacingMergeTree ORDER BY number"
    )
    refuse_newer(client, database)
    have = set(applied(client, database))
    known = migrations()
    done = []
    found = columns_of(client, database)
    for table in tables:
        for statement in table_statements(table, database, found.get(table.store, ()), ttl_days):
            try:
                client.command(statement)
            except DatabaseError as error:
                if not (statement.endswith("REMOVE TTL") and "doesn't have any table TTL" in str(error)):
                    raise
        between()
    for migration in known:
        if migration.number in have:
            continue
        for statement in migration.statements:
            client.command(statement.replace("{database}", database).replace("{horizon}", str(horizon)))
        between()
        client.insert(f"{database}.migrations", [[migration.number, migration.name]], column_names=["number", "name"])
        done.append(f"applied {migration.number:04d} {migration.name}")
    return done


_STORAGE: Final = "min_parts_to_merge_at_once = 10, merge_selector_base = 9, auto_statistics_types = ''"
"""Settings of a table, whether new or old. By itself ClickHouse merges whatever is ten seconds old, however much it has to
write again: five times what came in, and half of what it spent. A part counts as 5 MB at least, so with a base of 5 the largest
of the small ones was written again with each seven that came: live, at 8,000 events/s, merges wrote 155,000 to 288,000 rows a
second for 15,000 to 18,000 that came, with 0.22 to 0.34 of a core; now 83,000 to 91,000 with 0.12 to 0.13. Statistics of columns
are for the planning of joins."""
_COMPACT: Final = ", min_bytes_for_wide_part = 134217728"
"""And of a packed one, which has many columns: parts are one file up to this size (docs/decisions/0019-by-column.md)."""

_CODECS: Final = {
    "String": "ZSTD(1)",
    "DateTime": "Delta, ZSTD(1)",
    "UInt64": "T64, ZSTD(1)",
    "Date": "Delta, ZSTD(1)",
}


def _quoted(text: str) -> str:
    """Return a text as SQL has it."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _column(column: Column) -> str:
    codec = next((c for kind, c in _CODECS.items() if re.fullmatch(kind + r"(64)?(\(.*\))?", column.type)), "ZSTD(1)")
    return f"`{column.name}` {column.type} COMMENT {_quoted(column.doc)} CODEC({codec})"


def table_statements(table: Table, database: str, have: Collection[str] = (), ttl_days: int = 0) -> list[str]:
    """Return the idempotent statements that bring one table and its views to their declaration.

    `have` are the columns the storage has already. Rows are absolute and versioned, so storage keeps the greatest version
    of each key; the view shows it while the storage has not merged yet. Inserts are deduplicated by token as well, which
    spares the merges of a retried block.
    """
    store = f"{database}.{table.store}"
    storage = _STORAGE + (_COMPACT if table.packed else "")
    statements = []
    if not have:
        columns = ", ".join(_column(column) for column in (*table.stored, VERSION))
        partition = f"PARTITION BY {table.partition} " if table.partition else ""
        statements.append(
            f"CREATE TABLE IF NOT EXISTS {store} ({columns}) ENGINE = ReplacingMergeTree(version) {partition}"
            f"ORDER BY ({', '.join(f'`{key}`' for key in table.stored_key)}) "
            f"SETTINGS non_replicated_deduplication_window = 1000, index_granularity = 4096, {storage}"
        )
    elif missing := [column for column in table.stored if column.name not in have]:
        added = ", ".join(f"ADD COLUMN IF NOT EXISTS {_column(column)}" for column in missing)
        statements.append(f"ALTER TABLE {store} {added}")
    if have:
        statements.append(f"ALTER TABLE {store} MODIFY SETTING {storage}")
    if table.time and ttl_days:
        time = f"arrayMax({table.time})" if table.packed and table.time in table.packed.own else table.time
        statements.append(f"ALTER TABLE {store} MODIFY TTL {time} + INTERVAL {ttl_days} DAY")
    elif table.time and have:
        statements.append(f"ALTER TABLE {store} REMOVE TTL")
    view = f"{database}.{table.name}"
    docs = {column.name: column.doc for column in table.seen}
    statements += _view(view, _shown(table, store), table.doc, docs)
    if (totals := table.totals) is not None:
        docs |= {each.column.name: each.doc or each.column.doc for each in totals.columns}
        docs[totals.count.name] = totals.count.doc
        names = [*totals.by, *(each.column.name for each in totals.columns), totals.count.name]
        summed = _summed(totals, view)
        statements += _view(f"{database}.{totals.name}", summed, totals.doc, {name: docs[name] for name in names})
    return statements


def _view(name: str, query: str, doc: str, columns: Mapping[str, str]) -> Iterator[str]:
    """Yield the statements that make a view and say what it and its columns are: one that is made anew has no comments."""
    yield f"CREATE OR REPLACE VIEW {name} AS {query} COMMENT {_quoted(doc)}"
    comments = ", ".join(f"COMMENT COLUMN `{column}` {_quoted(said)}" for column, said in columns.items())
    yield f"ALTER TABLE {name} {comments}"


def _summed(totals: Totals, rows: str) -> str:
    """Return the query behind a view that adds up."""
    columns = [f"e.`{name}` AS `{name}`" for name in totals.by]
    columns += [f"{each.sql.format(f'e.`{each.column.name}`')} AS `{each.column.name}`" for each in totals.columns]
    columns.append(f"count() AS `{totals.count.name}`")
    by = ", ".join(f"e.`{name}`" for name in totals.by)
    return f"SELECT {', '.join(columns)} FROM {rows} AS e GROUP BY {by}"  # noqa: S608  declarations only


def _shown(table: Table, store: str) -> str:
    """Return the query behind a table's view."""
    conditions = [table.live] if table.live else []
    if (packed := table.packed) is None:
        selected, unpacking = [f"`{name}`" for name in table.names], ""
    else:
        cased = {name: f"s.`{NESTED}.{name}`[at] AS `{name}`" for name in packed.cased}
        shared = {name: f"s.`{name}` AS `{name}`" for name in table.names}
        columns = shared | cased | {name: f"`{name}`" for name in (packed.by, *packed.own)}
        selected = [columns[name] for name in table.names]
        values = ", ".join(f"'{value}'" for value in packed.values)
        # Plain strings: as LowCardinality they make every query six times as slow.
        joined = [f"[{values}] AS `{packed.by}`", f"s.`{CASE.name}` AS at"]
        joined += [f"s.`{name}` AS `{name}`" for name in sorted(packed.own)]
        unpacking = f" ARRAY JOIN {', '.join(joined)}"
        conditions.append("at > 0")
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    if table.also is not None:
        column, sql = table.also
        selected.append(f"{sql} AS `{column.name}`")
    return f"SELECT {', '.join(selected)} FROM {store} AS s FINAL{unpacking}{where}"  # noqa: S608  declarations only


__all__ = ["ClickHouseError", "Client", "DatabaseError", "connect", "migrate", "one_line"]
