"""The machine a figure was taken on; a figure without it says little."""

from __future__ import annotations

import platform
from pathlib import Path

import psutil


def describe() -> dict[str, str]:
    """Return what a reader needs to judge the figures by, name → text."""
    return {
        "processor": _processor(),
        "cores": f"{psutil.cpu_count(logical=False) or '?'} ({psutil.cpu_count()} logical)",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "python": platform.python_version(),
    }


def load() -> float:
    """Return what others ran in the last minute: the load average, per core."""
    last_minute: float = psutil.getloadavg()[0]
    return last_minute / (psutil.cpu_count() or 1)


def _processor() -> str:
    """Return the model's name; Python's own answer is empty on Linux."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"
