"""Reloads the rules when their file or folder changes, and keeps the last good ones when it changes for the
worse.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from streams.campaigns.problem import Problem
from streams.campaigns.rulebook import Rulebook
from streams.campaigns.rules import load_rules


class Reloaded(NamedTuple):
    """The rules changed: so many are in force now, or none of the new ones because of `problems`."""

    rules: int
    problems: list[Problem]


class Watch:
    """Looks at the rules in `path` when asked, and puts them into `rulebook`."""

    def __init__(self, path: Path, rulebook: Rulebook) -> None:
        """Nothing is read before the first `poll`."""
        self._path = path
        self._rulebook = rulebook
        self._seen: tuple[tuple[str, int, int], ...] | None = None

    def changed(self) -> bool:
        """Tell whether anything has changed since the last poll."""
        return self._signature() != self._seen

    def poll(self) -> Reloaded | None:
        """Return what came of a change since the last poll, or None if there was none. The first poll is a
        change.
        """
        seen = self._signature()
        if seen == self._seen:
            return None
        self._seen = seen
        rules = load_rules(self._path)
        if isinstance(rules, list):
            return Reloaded(len(self._rulebook.rules), rules)
        self._rulebook.replace(rules)
        return Reloaded(len(rules), [])

    def _signature(self) -> tuple[tuple[str, int, int], ...]:
        """Return names, sizes and times of change of the files; files that are not there are left out."""
        files = sorted(self._path.glob("*.toml")) if self._path.is_dir() else [self._path]
        found = []
        for file in files:
            try:
                stat = file.stat()
            except OSError:
                continue
            found.append((str(file), stat.st_size, stat.st_mtime_ns))
        return tuple(found)
