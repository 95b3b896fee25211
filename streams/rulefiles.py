"""Campaign rules from the files an operator edits: loaded at start, looked at again while the worker runs."""

from __future__ import annotations

from pathlib import Path

import structlog

from infra.settings import SettingsError
from streams.campaigns.rulebook import Rulebook
from streams.campaigns.rules import load_rules

log = structlog.get_logger("juice")


class RuleFiles:
    """The rules in a file or folder, and when that last changed."""

    def __init__(self, path: Path | None) -> None:
        """Load the rules; raise SettingsError that names file and line of everything wrong with them."""
        self.path, self.rulebook = path, Rulebook()
        self._stamp = self._seen()
        if path is not None:
            rules = load_rules(path)
            if isinstance(rules, list):
                raise SettingsError("campaign rules cannot be used:\n  " + "\n  ".join(map(str, rules)))
            self.rulebook.replace(rules)

    def look(self) -> None:
        """Put changed rules in force, between two batches; keep the old ones, and say so, if the new are wrong."""
        stamp = self._seen()
        if self.path is None or stamp == self._stamp:
            return
        self._stamp = stamp
        rules = load_rules(self.path)
        if isinstance(rules, list):
            log.error("campaign rules not reloaded", problems=[str(problem) for problem in rules])
        else:
            self.rulebook.replace(rules)
            log.info("campaign rules reloaded", campaigns=len(rules))

    def _seen(self) -> tuple[tuple[str, int, int], ...]:
        if self.path is None:
            return ()
        files = sorted(self.path.glob("*.toml")) if self.path.is_dir() else [self.path]
        stats = [(str(file), file.stat()) for file in files if file.exists()]
        return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)
