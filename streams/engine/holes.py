"""Offsets without records: which of them are the log's own, and may be passed over.

Control records of transactions leave such holes, between records and at the end of a log, and so does retention. What Faust
or a fetch dropped looks the same, but begins elsewhere when it is fetched again.

A log may end with control records, which are not delivered. Progress would never reach the end, so a transactional producer
that pauses would look like a worker that hangs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import structlog

from infra.clock import monotonic
from streams.engine.clients import STALE

log = structlog.get_logger("juice")

RETRIES = 2
"""How often a poll that begins beyond the next offset is fetched again before the hole counts as the log's own."""

QUIET = 5.0
"""Seconds for which a partition must be quiet near its end before the offsets left there count as holding no records."""


@dataclass(slots=True)
class _End:
    """What is known of a partition that may have nothing left but offsets without records."""

    begin: int
    end: int
    since: float
    looked: float
    again: bool = False
    """It was fetched again."""


class Holes:
    """What was seen of each partition's holes."""

    def __init__(self) -> None:
        self._retried: dict[Any, tuple[int, int, int]] = {}
        """By partition: where a hole begins and ends, and how often it was fetched again."""
        self._ends: dict[Any, _End] = {}

    def clear(self) -> None:
        """Forget what was fetched again."""
        self._retried.clear()

    @property
    def retried(self) -> bool:
        """Tell whether a hole is being fetched again."""
        return bool(self._retried)

    def filled(self, tp: Any) -> None:
        """Note that a partition goes on where it should."""
        self._retried.pop(tp, None)

    def is_natural(self, tp: Any, want: int, first: int) -> bool:
        """Tell whether the log itself has no records from `want` to `first`: each time it is fetched again, it begins there."""
        known_want, known_first, count = self._retried.get(tp, (-1, -1, 0))
        count = count + 1 if (known_want, known_first) == (want, first) else 0
        self._retried[tp] = (want, first, count)
        if count < RETRIES:
            return False
        del self._retried[tp]
        if first - want > 1:
            log.warning(
                "offsets without records: a transaction was aborted, or retention was faster than we",
                topic=tp.topic,
                partition=tp.partition,
                begin=want,
                end=first,
            )
        return True

    def has_no_end(self, tp: Any) -> None:
        """Note that records may wait in a partition, or that it is read up to its end."""
        self._ends.pop(tp, None)

    def end(self, tp: Any, begin: int, end: int, position: int) -> int | None:
        """Return from where a partition goes on of which all is done up to `begin`, and which has offsets beyond; None where a
        record may wait there.

        `end` is the end that is known, `position` the offset that is fetched next. For QUIET seconds, in which we were awake and
        Kafka answered, the consumer must have read beyond the end; then `begin` is returned, to be fetched once more, and after
        as long again the end as it was when it was first seen. Offsets without records that are added meanwhile come after
        that, so a producer that aborts again and again holds nothing up.
        """
        now = monotonic()
        seen = self._ends.get(tp)
        if seen is None or seen.begin != begin:
            seen = self._ends[tp] = _End(begin, end, now, now)
        elif now - seen.looked > STALE or position < seen.end:
            seen.since = now
        seen.looked = now
        if now - seen.since < QUIET:
            return None
        seen.since = now
        if not seen.again:
            seen.again = True
            return begin
        del self._ends[tp]
        return seen.end
