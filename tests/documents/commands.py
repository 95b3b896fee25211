"""Everything in README.md and docs/ that can be run, taken from the pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
PROGRAM = re.compile(r"(JUICE_\w+=\S+ )*(juice [a-z]|(make|docker|python|promtool) )")
"""How a command begins."""


def blocks(*languages: str) -> Iterator[tuple[str, str]]:
    """Yield the name of the page and the text of every fenced block in one of the languages."""
    for page in PAGES:
        for language, block in re.findall(r"^```(\w+)\n(.+?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
            if language in languages:
                yield page.name, block


def lines() -> list[str]:
    """Return the lines of all shell blocks, without comments and without the & that sends one to the background."""
    found = [
        re.sub(r"(^|\s)#.*", "", line).strip() for _, block in blocks("sh", "console") for line in block.splitlines()
    ]
    return [line.removesuffix("&").strip() for line in found if line]


def prose() -> list[str]:
    """Return the text of each page without its fenced blocks."""
    return [re.sub(r"^```.+?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL) for page in PAGES]


def commands() -> set[str]:
    """Return every command of the product and of its tools, in blocks and in sentences."""
    named = [code for text in prose() for code in re.findall(r"`([^`\n]+)`", text)]
    return {line for line in (*lines(), *named) if PROGRAM.match(line)}


def exports() -> set[tuple[str, str]]:
    """Return the variables that pages set, with their values."""
    return {
        (name, value)
        for line in lines()
        if line.startswith("export ")
        for name, value in re.findall(r"(\w+)=(\S+)", line)
    }


def shell() -> list[str]:
    """Return the lines of shell blocks that are neither commands of the product or its tools, nor exports."""
    return [line for line in lines() if not PROGRAM.match(line) and not line.startswith("export ")]
