r"""On which line of a TOML file a value stands, which the standard parser does not tell. Pure.

The file is cut into statements: a line, and as many more as it takes until the parser is content with them
alone (arrays and strings may run over several). Each statement is then parsed by itself, so nothing here
knows the grammar.

>>> text = '[[campaign]]\nvenues = [\n  "x",\n]\n[campaign.caps]\ntotal = 1\n[[campaign]]\nid = "b"'
>>> lines = lines_of(text)
>>> lines["campaign", 0, "venues"], lines["campaign", 0, "caps", "total"], lines["campaign", 1, "id"]
(2, 6, 8)
"""

from __future__ import annotations

import tomllib
from typing import Any, Final

MAX_DEPTH: Final = 4
"""Keys within keys that are looked at; deeper ones stand where these do."""

Path = tuple[str | int, ...]


def lines_of(text: str) -> dict[Path, int]:
    """Return the line, from 1, of every table and key of a file that parses; of each the first."""
    found: dict[Path, int] = {}
    tables: dict[Path, int] = {}
    here: Path = ()
    for line, statement in _statements(text):
        parsed = tomllib.loads(statement)
        if statement.lstrip().startswith("["):
            here = _header(parsed, tables)
            found.setdefault(here, line)
        else:
            for path in _keys(parsed):
                found.setdefault(here + path, line)
    return found


def _statements(text: str) -> list[tuple[int, str]]:
    """Return the statements of a file that parses, each with its first line."""
    found: list[tuple[int, str]] = []
    pending: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        pending.append(line)
        if len(pending) > 1 and not any(end in line for end in ("]", "}", '"""', "'''")):
            continue
        statement = "\n".join(pending)
        try:
            tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue
        found.append((number - len(pending) + 1, statement))
        pending = []
    return found


def _header(parsed: dict[str, Any], tables: dict[Path, int]) -> Path:
    """Return the path that a header opens; `tables` counts the tables of each array so far."""
    path: Path = ()
    value: Any = parsed
    while value:
        name, value = next(iter(value.items()))
        path = (*path, name)
        if isinstance(value, list):
            tables[path] = tables.get(path, -1) + 1
            path = (*path, tables[path])
            value = value[0]
        elif path in tables:
            path = (*path, tables[path])
    return path


def _keys(parsed: dict[str, Any], depth: int = 1) -> list[Path]:
    """Return the path of every key in `parsed`, down to MAX_DEPTH."""
    found: list[Path] = []
    for name, value in parsed.items():
        found.append((name,))
        if isinstance(value, dict) and depth < MAX_DEPTH:
            found += [(name, *path) for path in _keys(value, depth + 1)]
    return found
