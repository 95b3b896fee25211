"""Measured parts of docs/reliability.md: each stands between two marks, and the command that measured it writes it."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "reliability.md"


def write(name: str, text: str) -> None:
    """Put `text` between the marks of that name."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    page, count = re.subn(f"{begin}.*{end}", lambda _: f"{begin}\n{text}\n{end}", PAGE.read_text(), flags=re.DOTALL)
    assert count == 1, f"{PAGE.name} has no part {name}"
    PAGE.write_text(page)
