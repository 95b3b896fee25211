"""Measured parts of documents: each stands between two marks, and the command that measured it writes it."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "docs"


def write(name: str, text: str) -> None:
    """Put `text` between the marks of that name, in the page that has them."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    page = next((page for page in sorted(FOLDER.glob("*.md")) if begin in page.read_text()), None)
    assert page is not None, f"no page has a part {name}"
    found, count = re.subn(f"{begin}.*{end}", lambda _: f"{begin}\n{text}\n{end}", page.read_text(), flags=re.DOTALL)
    assert count == 1, f"{page.name} has no end of a part {name}"
    page.write_text(found)
