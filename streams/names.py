"""Topics, groups and tables: the one place that names them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from infra.settings import Settings

STAGES: Final = ("ingest", "accept", "accumulate")


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one installation; `namespace` keeps two of them apart on one broker."""

    namespace: str = ""

    @classmethod
    def of(cls, settings: Settings) -> Names:
        """Return the names under these settings."""
        return cls(settings.namespace)

    def _named(self, name: str) -> str:
        return f"{self.namespace}{name}"

    @property
    def events(self) -> str:
        """Return the topic of input events."""
        return self._named("social.events")

    @property
    def dead_letters(self) -> str:
        """Return the topic of what could not be used."""
        return self._named("social.dead-letters")

    @property
    def rewards(self) -> str:
        """Return the topic of rewards won or lost."""
        return self.told("rewards")

    @property
    def trends(self) -> str:
        """Return the topic of what rises, and rises no more."""
        return self.told("trends")

    def told(self, table: str) -> str:
        """Return the topic on which the outside is told rows of a table as well (`Rows.tell`)."""
        return self._named(f"social.{table}")

    @property
    def decoded(self) -> str:
        """Return the topic from ingest to accept, by event id."""
        return self._named("juice.decoded")

    @property
    def routed(self) -> str:
        """Return the topic from accept to accumulate, by subject."""
        return self._named("juice.routed")

    @property
    def rows(self) -> str:
        """Return the topic of rows on their way to ClickHouse; the record key names the table."""
        return self._named("juice.rows")

    @property
    def erased(self) -> str:
        """Return the topic on which a rebuild puts aside who stays out; it is there only meanwhile."""
        return self._named("juice.erased")

    @property
    def app(self) -> str:
        """Return the worker's consumer group, which is also the Faust app id."""
        return self._named("juice.worker")

    @property
    def sink_group(self) -> str:
        """Return the sink's consumer group."""
        return self._named("juice.sink")

    def changelog(self, stage: str) -> str:
        """Return the changelog topic of a stage's table, as Faust names it."""
        return f"{self.app}-{stage}-changelog"

    def source(self, stage: str) -> str:
        """Return the topic that `stage` reads."""
        return {"ingest": self.events, "accept": self.decoded, "accumulate": self.routed}[stage]
