"""`juice worker`: the supervisor of the process that does the work."""

from __future__ import annotations

import sys

from streams.cli.app import app, settings
from streams.engine.supervise import supervise


@app.command()
def worker() -> None:
    """Run a worker: decodes, decides, measures. Start as many as there are partitions; they share the work.

    A worker that fails is started again with back-off. Stop it with Ctrl-C or SIGTERM; nothing is lost either way.

    Example: JUICE_LATENESS=1h juice worker
    """
    settings()
    raise SystemExit(supervise([sys.executable, "-m", "streams.worker"]))
