"""Logs: structured, one line each, on standard error; JSON on request."""

from __future__ import annotations

import logging
import sys
from typing import Final

import structlog

from infra.settings import Settings

QUIET: Final = {
    "faust": logging.WARNING,
    "mode": logging.WARNING,
    "aiokafka": logging.WARNING,
    "kafka": logging.CRITICAL,
    "streams": logging.WARNING,
}
"""Who would say much, and from which level on it is heard. Faust's services log under the module that subclasses them;
what we say ourselves is logged as `juice`."""


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
