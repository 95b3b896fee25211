"""`juice access`: what each process may do, as commands for Kafka and statements for ClickHouse."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from streams.access import acl_commands, grants, roles
from streams.cli.app import app, settings


@app.command()
def access(
    of: Annotated[Literal["kafka", "clickhouse"], typer.Argument(help="Whose rights to print.")],
) -> None:
    """Print the least rights that each process needs, ready to run by an administrator. Changes nothing itself.

    For Kafka options of kafka-acls.sh, one command a line; for ClickHouse statements. docs/security.md says who is who.

    Example: juice access kafka | while read -r line; do kafka-acls.sh --bootstrap-server broker:9092 $line; done
    """
    for role in roles(settings()):
        lines = acl_commands(role) if of == "kafka" else (f"{grant};" for grant in grants(role))
        for line in lines:
            print(line)
