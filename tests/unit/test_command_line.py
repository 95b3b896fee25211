"""The command line imports what is asked for, and knows where everything is."""

from __future__ import annotations

import subprocess
import sys

import typer.main

from streams import cli
from streams.cli.app import app


def test_every_command_is_found_in_its_file() -> None:
    """The list of files and commands is that of the files themselves."""
    cli.register("")
    found: dict[str, set[str]] = {}
    for info in app.registered_commands:
        assert info.callback is not None
        name = info.name or typer.main.get_command_name(info.callback.__name__)
        found.setdefault(info.callback.__module__.rpartition(".")[2], set()).add(name)
    for group in app.registered_groups:
        found.setdefault(str(group.name), set()).add(str(group.name))
    assert found == {file: set(commands) for file, commands in cli.FILES.items()}


def test_a_supervisor_needs_no_client_of_a_server() -> None:
    """`juice worker`, which is there for as long as its child, imports no library of Kafka or ClickHouse."""
    code = "import sys; from streams.cli import register; register('worker'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"kafka", "clickhouse_connect", "faust"}.isdisjoint(done.stdout.split())
    assert "streams.engine.supervise" in done.stdout.split()
