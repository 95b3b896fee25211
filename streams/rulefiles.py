"""Campaign rules from the files an operator edits: must be right at start, are looked at again while the worker runs."""

from __future__ import annotations

from pathlib import Path

import structlog

from infra.settings import SettingsError
from streams.campaigns.rulebook import Rulebook
from streams.campaigns.watch import Watch

log = structlog.get_logger("juice")


class RuleFiles:
    """The rules in force, from a file or folder, if there is one."""

    def __init__(self, path: Path | None) -> None:
        """Load the rules; raise SettingsError that names file and line of everything wrong with them."""
        self.rulebook = Rulebook()
        self._watch = None if path is None else Watch(path, self.rulebook)
        loaded = self._watch.poll() if self._watch else None
        if loaded is not None and loaded.problems:
            raise SettingsError("campaign rules cannot be used:\n  " + "\n  ".join(map(str, loaded.problems)))

    def look(self) -> None:
        """Put changed rules in force, between two batches; keep the old ones, and say so, if the new are wrong."""
        loaded = self._watch.poll() if self._watch else None
        if loaded is None:
            return
        if loaded.problems:
            log.error("campaign rules not reloaded", problems=[str(problem) for problem in loaded.problems])
        else:
            log.info("campaign rules reloaded", campaigns=loaded.rules)
