"""What was polled waits a moment for more, where little comes: a batch costs nearly the same however little is in it.

Each batch takes two requests to the broker for its writes, and what is measured in columns is set up anew
(docs/decisions/0017-gathering.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from infra.clock import monotonic

FIRST: Final = 0.2
"""Seconds for which records wait before the first stage."""
LATER: Final = 0.05
"""Seconds before the other stages: as long as the partitions of the stage before take to send what they read together."""
ENOUGH: Final = 256 << 10
"""Bytes of a topic at which its records wait no longer."""


class _Topic:
    """What waits of one topic."""

    def __init__(self, window: float) -> None:
        self.until = monotonic() + window
        self.size = 0
        self.records: dict[Any, list[Any]] = {}

    def wait(self) -> float:
        return 0.0 if self.size >= ENOUGH else max(self.until - monotonic(), 0.0)


class Gathering:
    """Records by partition, in the order of their offsets, until it is their time."""

    def __init__(self, topics: Sequence[str]) -> None:
        """`topics` in the order of the stages that read them."""
        self._windows = {topic: LATER if before else FIRST for before, topic in enumerate(topics)}
        self._waiting: dict[str, _Topic] = {}

    def through(self, polled: Mapping[Any, Sequence[Any]], *, at_once: bool = False) -> dict[Any, Sequence[Any]]:
        """Take in what was polled, and return what is to be delivered now: everything if `at_once`, and always the records of
        topics that no stage reads.

        If a poll does not continue where a partition's waiting records end, the waiting records of that topic are delivered now
        and the new ones later, so that the hole check sees the poll's first offset.
        """
        free = {tp: records for tp, records in polled.items() if tp.topic not in self._windows}
        ours = {tp: records for tp, records in polled.items() if tp.topic in self._windows and records}
        broken = {tp.topic for tp, records in ours.items() if not self._follow(tp, records)}
        found = self._take([name for name in self._waiting if name in broken])
        self._add(ours)
        ripe = [name for name, topic in self._waiting.items() if at_once or not topic.wait()]
        return free | found | self._take([name for name in ripe if name not in broken])

    def wait(self) -> float | None:
        """Return in how many seconds something is to be delivered; None where nothing waits."""
        return min((topic.wait() for topic in self._waiting.values()), default=None)

    def holds(self, tp: Any) -> bool:
        """Tell whether records of a partition wait here."""
        return bool(self._of(tp))

    def forget(self, tp: Any) -> None:
        """Forget what waits of a partition."""
        if (topic := self._waiting.get(tp.topic)) is not None:
            topic.records.pop(tp, None)

    def clear(self) -> None:
        """Forget everything."""
        self._waiting.clear()

    def _of(self, tp: Any) -> Sequence[Any]:
        topic = self._waiting.get(tp.topic)
        return () if topic is None else topic.records.get(tp, ())

    def _follow(self, tp: Any, records: Sequence[Any]) -> bool:
        before = self._of(tp)
        return not before or before[-1].offset + 1 == records[0].offset

    def _add(self, polled: Mapping[Any, Sequence[Any]]) -> None:
        for tp, records in polled.items():
            topic = self._waiting.get(tp.topic)
            if topic is None:
                topic = self._waiting[tp.topic] = _Topic(self._windows[tp.topic])
            topic.records.setdefault(tp, []).extend(records)
            topic.size += sum(len(record.key or b"") + len(record.value or b"") for record in records)

    def _take(self, topics: Sequence[str]) -> dict[Any, Sequence[Any]]:
        found: dict[Any, Sequence[Any]] = {}
        for topic in topics:
            found |= self._waiting.pop(topic).records
        return found
