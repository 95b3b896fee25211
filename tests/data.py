"""Where the real data is that tests read: shipped with the project, or, where it may not be, in a folder beside the clone."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

import pytest

SHIPPED: Final = Path(str(files("infra"))) / "data"
BESIDE: Final = Path(__file__).resolve().parents[2] / "shared" / "data"


def real(name: str) -> Path:
    """Return the path of a file of data; a test that needs one that is not there fails, and says what is missing."""
    for folder in (SHIPPED, BESIDE):
        if (path := folder / name).exists():
            return path
    pytest.fail(f"{name} is not shipped with the project and not at {BESIDE / name}: put it there")
