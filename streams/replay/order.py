"""Which events the pipeline will find late: foreseen, so that nobody has to look for them afterwards."""

from __future__ import annotations

from streams.replay.events import UNKNOWN


class Order:
    """Compares each event with the newest before it in its partition, as ingest does.

    `held` are the newest event times that partitions of the topic hold already, `lateness` is what is
    allowed; all times in ms.
    """

    def __init__(self, held: dict[int, int], *, partitions: int, lateness: int) -> None:
        self.lateness = lateness
        self.held = [held.get(p, UNKNOWN) for p in range(partitions)]
        self.given = [UNKNOWN] * partitions

    def late(self, partition: int, time: int) -> bool:
        """Take note of an event that goes to `partition`; return whether it will be late."""
        if time == UNKNOWN:
            return False
        given = self.given[partition]
        if time > given:
            self.given[partition] = time
        return time < max(given, self.held[partition]) - self.lateness

    def out_of_order(self, partition: int, time: int) -> bool:
        """Return whether an event just noted is late for what was given, not only for what the topic held."""
        return time < self.given[partition] - self.lateness
