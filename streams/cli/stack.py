"""`juice up`, `down`, `status`, `migrate`, `config`: what everything else runs on."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Annotated

import typer
from rich.table import Table

from infra import stack
from infra.database import connect
from infra.database import migrate as migrate_database
from infra.kafka import admin_client, broker_of, ensure_topics, topic_partitions
from infra.settings import Settings, SettingsError
from infra.stack.asking import silent
from streams.cli.app import app, console, err, settings
from streams.demo import left
from streams.engine.faults import arm, crash_point
from streams.names import Names
from streams.operations.rebuild import keep_out
from streams.tables import ALL_TABLES
from streams.topics import topic_specs

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.command()
def up(
    brokers: Annotated[int | None, typer.Option(help="Kafka brokers: 1, or 3 with replication.")] = None,
    kafka_port: Annotated[int | None, typer.Option(help="Port of Kafka; 0 takes any free one.")] = None,
    clickhouse_port: Annotated[int | None, typer.Option(help="HTTP port of ClickHouse; 0 takes any free one.")] = None,
    as_json: Json = False,
) -> None:
    """Start the local stack: a real Kafka broker and a real ClickHouse, without containers.

    Harmless when it runs already. Data stays in JUICE_HOME (default .juice) until removed.

    Example: juice up --brokers 3
    """
    home = settings().home
    left.claim(home)  # whatever a demo left, from now on it is yours
    with err.status("starting Kafka and ClickHouse …"):
        info = stack.up(home, kafka_port=kafka_port, clickhouse_port=clickhouse_port, brokers=brokers)
    _show(info, as_json)


@app.command()
def down(
    wipe: Annotated[bool, typer.Option(help="Remove the data as well.")] = False,
) -> None:
    """Stop the local stack and what a demo left running. Leaves no process; leaves the data, unless told to wipe it."""
    home = settings().home
    if wipe:
        left.remove(home)
    else:
        left.stop_left(home)
        stack.down(home)


@app.command()
def status(as_json: Json = False) -> None:
    """Show what of the local stack runs, and where. Exit 1 when it does not run, or runs and does not answer."""
    info = stack.status(settings().home)
    mute = silent(info)
    _show(info, as_json, mute)
    raise typer.Exit(0 if info.running and not mute else 1)


def _show(info: stack.StackInfo, as_json: bool, mute: Collection[str] | None = None) -> None:
    """Print a stack; `mute` are the names of servers that run and do not answer, where they were asked."""
    if as_json:
        said = json.loads(info.to_json())
        if mute is not None:
            for each in said["services"]:
                each["answers"] = each["running"] and each["name"] not in mute
        print(json.dumps(said))
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("service", "state", "address", "pid"):
        table.add_column(heading, no_wrap=True)
    table.add_column("log", overflow="fold")
    for service in info.services:
        state = "[green]up[/]" if service.running else "[red]down[/]"
        state = "[yellow]does not answer[/]" if service.name in (mute or ()) else state
        table.add_row(service.name, state, service.address or "", str(service.pid or ""), str(service.log))
    console.print(table if info.services else "nothing runs; start it with `juice up`")


@app.command()
def migrate(
    sources: Annotated[
        int | None, typer.Option(min=1, help="Partitions of social.events; more than it has are added.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Bring topics and the ClickHouse schema to what this version needs. Idempotent.

    Example: juice migrate --sources 8
    """
    found = settings()
    if found.crash_at:
        arm(found.crash_at)
    done = apply_migrations(found, sources)
    if as_json:
        print(json.dumps({"done": done}))
    else:
        console.print("\n".join(done) if done else "nothing to do", soft_wrap=True)


def apply_migrations(found: Settings, sources: int | None = None) -> list[str]:
    """Create or extend topics and tables; return what was done, a line each."""
    kafka = broker_of(found)
    names = Names.of(found)
    with admin_client(found, kafka) as admin:
        there = topic_partitions(admin)
        _check_partitions(found, names, there)
        have = there.get(names.events)
        begun = there.get(names.changelog("ingest"), 0)  # by a migration that did not come to its end
        count = max(have or 0, begun, sources or (0 if have else found.partitions))
        specs = topic_specs(found, count)
        done = ensure_topics(admin, specs, found.replication)
        if names.erased in there:  # a rebuild is under way, or did not come to its end
            done.append(keep_out(found, admin))
        if have and count > have:  # last: workers that see it start again, and need the rest
            admin.create_partitions({names.events: count})
            done.append(f"topic {names.events}: {have} → {count} partitions; workers start again to read them")
        if have and sources and sources < have:
            done.append(f"topic {names.events}: keeps its {have} partitions, which are never taken away")
    crash_point("migrate.between")
    client = connect(found)
    days = -(-found.ttl // 86_400_000)
    done += migrate_database(
        client,
        found.database,
        ALL_TABLES.values(),
        horizon=found.horizon,
        ttl_days=days,
        between=lambda: crash_point("migrate.between"),
    )
    return done


def _check_partitions(found: Settings, names: Names, there: Mapping[str, int]) -> None:
    """Raise SettingsError where the topics between stages have other partitions than the setting says."""
    for topic in (names.decoded, names.routed, names.rows):
        if there.get(topic, found.partitions) != found.partitions:
            raise SettingsError(
                f"JUICE_PARTITIONS is {found.partitions}, but {topic} has {there[topic]}; the first migration fixes them"
            )


@app.command()
def config(as_json: Json = False) -> None:
    """Print every setting as it is in force, secrets hidden. Each comes from a JUICE_* environment variable.

    JUICE_*_FILE names a file that holds the value, for secrets.
    """
    found = settings()
    shown = found.shown()
    if as_json:
        print(json.dumps(shown))
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("variable", "value", "meaning"):
        table.add_column(heading, overflow="fold")
    for name, field in type(found).model_fields.items():
        table.add_row(f"JUICE_{name.upper()}", shown[name], field.description or "")
    console.print(table)
