"""`juice access`: what each process may do, as commands for Kafka and statements for ClickHouse."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from streams.cli.app import app, settings
from streams.operations.access import acl_commands, grants, roles, users_file


@app.command()
def access(
    of: Annotated[Literal["kafka", "clickhouse", "users"], typer.Argument(help="Whose rights to print.")],
) -> None:
    """Print the least rights that each process needs, ready to run by an administrator. Changes nothing itself.

    For Kafka options of kafka-acls.sh, one command a line; for ClickHouse statements; `users` is the same as a file for
    its folder users.d, with the hashes of passwords from its environment. docs/security.md says who is who.

    Example: juice access kafka | while read -r line; do kafka-acls.sh --bootstrap-server broker:9092 $line; done
    """
    if of == "users":
        print(users_file(roles(settings())), end="")
        return
    for role in roles(settings()):
        lines = acl_commands(role) if of == "kafka" else (f"{grant};" for grant in grants(role))
        for line in lines:
            print(line)
