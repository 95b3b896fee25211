"""Who may do what: the least that each process needs of Kafka and of ClickHouse, for `juice access`, containers and tests.

Names follow the settings, so what is printed fits the installation. Kafka's Describe comes with Read and Write.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple
from xml.sax.saxutils import escape

from infra import clickhouse_users
from infra.settings import Settings
from streams.names import STAGES, Names
from streams.tables import ALL_TABLES

READ: Final = ("Read",)
WRITE: Final = ("Write",)
BOTH: Final = ("Read", "Write")
MANAGE: Final = ("Create", "Delete", "Alter", "AlterConfigs", "DescribeConfigs", "Read", "Write")


class Right(NamedTuple):
    """What may be done with a topic or group, or with all whose names begin so."""

    operations: tuple[str, ...]
    kind: Literal["topic", "group"]
    name: str
    prefixed: bool = False


@dataclass(frozen=True, slots=True)
class Role:
    """A kind of process or person: what it may do in Kafka, and its grants in ClickHouse (`GRANT … TO` without the TO)."""

    name: str
    doc: str
    kafka: tuple[Right, ...] = ()
    clickhouse: tuple[str, ...] = ()


def roles(settings: Settings) -> tuple[Role, ...]:
    """Return every role of an installation."""
    names, database = Names.of(settings), settings.database
    changelogs = tuple(Right(BOTH, "topic", names.changelog(stage)) for stage in STAGES)
    return (
        Role(
            "worker",
            "juice worker",
            (
                Right(READ, "topic", names.events),
                *(Right(BOTH, "topic", topic) for topic in (names.decoded, names.routed)),
                *changelogs,
                *(
                    Right(WRITE, "topic", topic)
                    for topic in (names.rows, names.dead_letters, names.rewards, names.trends)
                ),
                Right(READ, "group", names.app),
            ),
        ),
        Role(
            "sink",
            "juice sink",
            (
                *(Right(READ, "topic", topic) for topic in (names.rows, names.dead_letters)),
                *(Right(("Describe",), "topic", topic) for topic in (names.events, names.decoded, names.routed)),
                Right(READ, "group", names.sink_group),
                Right(("Describe",), "group", names.app),
            ),
            (
                f"GRANT SELECT ON {database}.*",
                *(f"GRANT INSERT ON {database}.{table.store}" for table in ALL_TABLES.values()),
                "GRANT SELECT ON system.parts",
            ),
        ),
        Role(
            "reader",
            "juice serve, explain, top, campaigns, audit, validate, pagerank, Grafana, people with questions",
            (),
            (f"GRANT SELECT ON {database}.*", "GRANT SELECT ON system.parts"),
        ),
        Role("producer", "who sends events, juice replay", (Right(BOTH, "topic", names.events),)),
        Role(
            "operator",
            "juice migrate, drain, dead-letters, forget, rebuild, pagerank --save",
            (
                *(
                    Right(MANAGE, "topic", f"{names.namespace}{start}", prefixed=True)
                    for start in ("social.", "juice.")
                ),
                *(Right(("Describe", "Delete", "Read"), "group", group) for group in (names.app, names.sink_group)),
            ),
            (
                f"GRANT CREATE DATABASE, CREATE TABLE, CREATE VIEW, DROP VIEW, ALTER, TRUNCATE, SELECT, INSERT ON {database}.*",
                f"GRANT DROP TABLE ON {database}._tmp_replace_*",  # what CREATE OR REPLACE VIEW makes in between
                "GRANT TABLE ENGINE ON ReplacingMergeTree",
                *(f"GRANT SELECT ON system.{table}" for table in ("tables", "columns", "mutations")),
            ),
        ),
    )


def acl_commands(role: Role) -> Iterator[str]:
    """Yield the options of `kafka-acls.sh` that allow `role`, as user `juice-ROLE`, what it may."""
    for right in role.kafka:
        operations = " ".join(f"--operation {operation}" for operation in right.operations)
        pattern = " --resource-pattern-type prefixed" if right.prefixed else ""
        yield f"--add --allow-principal User:juice-{role.name} {operations} --{right.kind} {right.name}{pattern}"


def grants(role: Role) -> Iterator[str]:
    """Yield the statements that allow `role`, as user `juice_ROLE`, what it may."""
    for grant in role.clickhouse:
        yield f"{grant} TO juice_{role.name}"


_COMMENT: Final = """\
<!-- ClickHouse users of juice, as `juice access users` prints them. Each logs in with the password whose SHA-256 is in an
     environment variable of the server; `default`, who may do everything, only from the server's own machine. -->
"""


def hash_variable(role: str) -> str:
    """Return the environment variable in which ClickHouse finds the hash of a role's password."""
    return f"JUICE_{role.upper()}_SHA256"


def users_file(found: tuple[Role, ...]) -> str:
    """Return a ClickHouse users file with a user for each role that has grants."""
    users = [
        f"    <juice_{role.name}>\n"
        f'      <password_sha256_hex from_env="{hash_variable(role.name)}"/>\n'
        "      <networks><ip>::/0</ip></networks>\n"
        "      <profile>default</profile>\n"
        "      <quota>default</quota>\n"
        "      <grants>\n"
        + "".join(f"        <query>{escape(grant)}</query>\n" for grant in role.clickhouse)
        + f"      </grants>\n    </juice_{role.name}>\n"
        for role in found
        if role.clickhouse
    ]
    return _COMMENT + clickhouse_users.users_file("".join(users))
