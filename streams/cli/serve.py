"""`juice serve`: the page."""

from __future__ import annotations

import uvicorn

from infra.listen import listener
from streams.cli.app import app, console, settings
from streams.page import create


@app.command()
def serve() -> None:
    """Show it in a browser: who matters, why, what comes next. Reads ClickHouse, writes nothing; Ctrl-C ends it.

    Listens on JUICE_SERVE_PORT of JUICE_METRICS_HOST. There is no log-in: put a proxy with one before it to open it up.

    Example: JUICE_SERVE_PORT=8080 juice serve
    """
    found = settings()
    listens = listener(found.metrics_host, found.serve_port)
    console.print(f"[bold]http://{found.metrics_host}:{found.serve_port}/[/]  (Ctrl-C ends it)")
    config = uvicorn.Config(
        create(found),
        host=found.metrics_host,
        port=found.serve_port,
        log_config=None,
        access_log=False,
        server_header=False,
        # Open pages hold a stream that never ends by itself.
        timeout_graceful_shutdown=1,
    )
    uvicorn.Server(config).run(sockets=[listens])
