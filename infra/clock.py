"""The wall clock, touched here and nowhere else. No result depends on it: it paces, times and stamps telemetry."""

from __future__ import annotations

import time


def wall() -> float:
    """Return seconds since the epoch, for telemetry and display."""
    return time.time()


def monotonic() -> float:
    """Return seconds that never run backwards, for intervals and deadlines; goes on while the process is stopped."""
    return time.monotonic()
