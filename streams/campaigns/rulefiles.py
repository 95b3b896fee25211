"""Campaign rules from the files an operator edits: right at start, and looked at again while the worker runs."""

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

    def changed(self) -> bool:
        """Tell whether there is anything to look at."""
        return self._watch is not None and self._watch.changed()

    def look(self) -> bool:
        """Put changed rules in force, between two batches, and tell whether there were any.

        Where the new ones are wrong the old ones stay, and a log line says why.
        """
        loaded = self._watch.poll() if self._watch else None
        if loaded is None:
            return False
        if loaded.problems:
            log.error("campaign rules not reloaded", problems=[str(problem) for problem in loaded.problems])
            return False
        log.info("campaign rules reloaded", campaigns=loaded.rules)
        return True
