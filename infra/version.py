"""The version of this installation."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed


def version() -> str:
    """Return the installed version, `unknown` when run from a bare checkout."""
    try:
        return installed("juice")
    except PackageNotFoundError:
        return "unknown"
