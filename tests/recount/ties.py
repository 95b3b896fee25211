"""Ties, recounted: docs/measures-cascades.md, *Ties*."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from tests.recount.log import DAY
from tests.simulator.reading import Read

EFFORT: Final = {
    **{"like": 0.25, "click": 0.25, "follow": 0.25, "reply": 0.5, "mention": 0.5},
    **{"share": 1.0, "quote": 1.0, "tag": 1.0, "recommend": 1.5, "referral": 1.5},
}
HALF_LIFE: Final = 14 * DAY
COLUMNS: Final = ("events", "incentivised", "undisclosed", "amplifications", "weight", "earned_weight")


def ties(events: Iterable[Read]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Return the rows of ties by key."""
    found: dict[tuple[str, str, str], list[float]] = defaultdict(lambda: [0, 0, 0, 0, 0.0, 0.0])
    for event in events:
        if event.kind == "unfollow":
            continue
        end = event.time // DAY * DAY + DAY
        weight = EFFORT.get(event.kind, 0.0) * 0.5 ** ((end - event.time) / HALF_LIFE)
        day = datetime.fromtimestamp(event.time // 1000, UTC).date().isoformat()
        for receiver in event.receivers:
            row = found[event.actor, receiver, day]
            row[0] += 1
            row[1] += event.klass > 0
            row[2] += event.klass == 2
            row[3] += event.kind in ("share", "quote", "tag")
            row[4] += weight
            row[5] += weight * (event.klass == 0)
    return {key: dict(zip(COLUMNS, row, strict=True)) for key, row in found.items()}
