"""The command `juice`. One file per group of commands; a user's mistake is one line and a non-zero exit."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Final

from infra.settings import SettingsError
from streams.cli.app import app
from streams.engine.faults import Exit

FILES: Final = {
    "access": ("access",),
    "bench": ("bench",),
    "campaigns": ("campaigns",),
    "check": ("drain", "audit"),
    "demo": ("demo",),
    "feed": ("replay", "dead-letters"),
    "forget": ("forget",),
    "rank": ("pagerank",),
    "read": ("explain", "top", "validate"),
    "rebuild": ("rebuild",),
    "serve": ("serve",),
    "sink": ("sink",),
    "stack": ("up", "down", "status", "migrate", "config"),
    "worker": ("worker",),
}
"""The files of this folder that have commands, and which. Only the one that is asked for is imported: a worker's
supervisor, which needs no library of Kafka or ClickHouse, is there in a quarter of the time."""


UNUSABLE: Final = (PermissionError, NotADirectoryError, FileNotFoundError, FileExistsError, IsADirectoryError)
"""Of a path that somebody set, as JUICE_HOME; a disk that is full or fails is none of the user's mistakes."""


def register(command: str) -> None:
    """Make a command known to the app; all of them where it is none, for help and for slips of the pen."""
    wanted = [file for file, commands in FILES.items() if command in commands]
    for file in wanted or FILES:
        import_module(f"streams.cli.{file}")


def main() -> None:
    """Run the command line."""
    try:
        register(sys.argv[1] if len(sys.argv) > 1 else "")
        app()
    except KeyboardInterrupt:
        print("\njuice: interrupted", file=sys.stderr)
        raise SystemExit(130) from None
    except BrokenPipeError:
        sys.stderr.close()
        raise SystemExit(0) from None
    except Exception as error:
        if (line := _mistake(error)) is None:
            raise
        print(f"juice: {line}", file=sys.stderr)
        raise SystemExit(Exit.USAGE) from None


def _mistake(error: Exception) -> str | None:
    """Return the line for a user's mistake or a server that refuses; None for a fault of the program's own."""
    from kafka.errors import KafkaError  # here, because most commands end well, and some need none of these

    from infra.database import ClickHouseError, one_line
    from infra.stack.errors import StackError

    if isinstance(error, SettingsError | StackError):
        return str(error)
    if isinstance(error, UNUSABLE) and error.filename is not None:
        return f"cannot use {error.filename}: {error.strerror}"
    if isinstance(error, ClickHouseError | KafkaError):
        return f"{'ClickHouse' if isinstance(error, ClickHouseError) else 'Kafka'} refuses: {one_line(error)}"
    return None
