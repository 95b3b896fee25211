"""Logs: structured, one line each, on standard error; JSON on request."""

from __future__ import annotations

import logging
import sys
from math import inf
from typing import Final

import structlog

from infra.clock import monotonic
from infra.settings import Settings

QUIET: Final = {
    "faust": logging.WARNING,
    "mode": logging.WARNING,
    "aiokafka": logging.WARNING,
    "kafka": logging.CRITICAL,
    "streams": logging.WARNING,
    "urllib3": logging.CRITICAL,
    "clickhouse_connect": logging.CRITICAL,
}
"""Who would say much, and from which level on it is heard. Faust's services log under the module that subclasses them;
what we say ourselves is logged as `juice`, what ClickHouse's client meets among it."""

EVERY: Final = 10.0
"""Seconds in which a library says the same once: without a broker aiokafka said 1,123 lines in so many."""
KNOWN: Final = 500
"""So many of its sayings are remembered, which is more than it has, unless it puts names into them."""


class Seldom(logging.Filter):
    """Lets each logger but our own say one thing, whatever it fills in, once in EVERY seconds, and how often it was left out."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, str], tuple[float, int]] = {}
        """By logger and message: when it was let through, and how often it was not since."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a line is let through."""
        if record.name == "juice":
            return True
        key, now = (record.name, str(record.msg)), monotonic()
        since, left_out = self._said.get(key, (-inf, 0))
        if now - since < EVERY:
            self._said[key] = since, left_out + 1
            return False
        if len(self._said) >= KNOWN:
            self._said.clear()
        self._said[key] = now, 0
        if left_out:
            record.msg = f"{record.msg} ({left_out} more like it were left out)"
        return True


def configure(settings: Settings) -> None:
    """Send our own and the libraries' log lines through one formatter."""
    level = getattr(logging, settings.log_level.upper())
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        stamp,
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.typing.Processor
    if settings.log == "json":
        renderer = structlog.processors.JSONRenderer()
    else:
        renderer = structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"], drop_missing=True)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    if level != logging.DEBUG:
        handler.addFilter(Seldom())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, quiet in QUIET.items():
        logging.getLogger(name).setLevel(logging.INFO if level == logging.DEBUG else quiet)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def complain(settings: Settings, why: str) -> None:
    """Say in one line why a process does not start: a line of the log where that is JSON, else as commands say it."""
    if settings.log == "json":
        structlog.get_logger("juice").error("not started", error=why)
    else:
        print(f"juice: {why}", file=sys.stderr)
