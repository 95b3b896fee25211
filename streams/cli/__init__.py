"""The command `juice`. One file per group of commands; a user's mistake is one line and a non-zero exit."""

from __future__ import annotations

import sys

from kafka.errors import KafkaError

from infra.database import ClickHouseError, one_line
from infra.settings import SettingsError
from infra.stack.errors import StackError
from streams.cli.app import app
from streams.engine.faults import Exit


def main() -> None:
    """Run the command line."""
    try:
        from streams.cli import (  # noqa: F401  each registers its commands
            access,
            bench,
            campaigns,
            check,
            demo,
            feed,
            forget,
            rank,
            read,
            rebuild,
            run,
            serve,
            stack,
        )

        app()
    except (SettingsError, StackError) as error:
        print(f"juice: {error}", file=sys.stderr)
        raise SystemExit(Exit.USAGE) from None
    except (ClickHouseError, KafkaError) as error:
        who = "ClickHouse" if isinstance(error, ClickHouseError) else "Kafka"
        print(f"juice: {who} refuses: {one_line(error)}", file=sys.stderr)
        raise SystemExit(Exit.USAGE) from None
    except KeyboardInterrupt:
        print("\njuice: interrupted", file=sys.stderr)
        raise SystemExit(130) from None
    except BrokenPipeError:
        sys.stderr.close()
        raise SystemExit(0) from None
