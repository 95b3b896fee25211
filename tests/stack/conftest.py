"""What tests of the stack share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra import stack as local


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A folder whose stack, should there be one, is gone after the test."""
    yield tmp_path / "home"
    local.down(tmp_path / "home", wipe=True)
