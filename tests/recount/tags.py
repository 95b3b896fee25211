"""Rises of hashtags, recounted: docs/measures-cascades.md, *Trends*, one bucket of five minutes after the other.

People of a bucket are those whose names have different places among 4,096, and as many more as share one by chance.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from hashlib import blake2b
from math import log, sqrt
from typing import Any, Final

from tests.recount.campaigns import tags_of
from tests.recount.log import MINUTE
from tests.simulator.reading import Read

BUCKET: Final = 5 * MINUTE
PLACES: Final = 4_096
KEPT: Final = 0.5 ** (5 / 360)
FLOOR: Final = 2.0
LONG: Final = 3_000
"""Empty buckets after which nothing is expected any more."""


def rises(events: Iterable[Read], now: int) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Return the rows of `trends` of all tags."""
    used: dict[str, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    for event in events:
        place = int.from_bytes(blake2b(event.actor.encode(), digest_size=8).digest(), "little") % PLACES
        for tag in tags_of(event) if event.given else ():
            used[tag][event.time // BUCKET].add(place)
    rows = (row for tag, buckets in used.items() for row in _rises(tag, buckets, now // BUCKET))
    return {(row["id"],): row for row in rows}


def _rises(tag: str, buckets: dict[int, set[int]], current: int) -> list[dict[str, Any]]:
    """Return the rises of a tag; buckets from `current` on are not full."""
    found: list[dict[str, Any]] = []
    usual, empty, on = 0.0, 0, False
    at = min(buckets)
    while at < current or at in buckets:
        people = PLACES * log(PLACES / (PLACES - len(buckets.get(at, ()))))
        if empty > 24 and usual < 0.5:
            usual = 0.0
        expected = max(usual, FLOOR)
        z = (people - expected) / sqrt(expected)
        if not on and z >= 4:
            on = True
            began = at * BUCKET // 1000
            row = {"id": f"tag:{tag}:{began}", "kind": "tag", "name": tag, "raised_at": began, "ended_at": None}
            found.append(row | {"z": z, "baseline": expected / 5, "size": 0.0, "forecast_size": None})
        if on:
            row = found[-1]
            row |= {"z": max(row["z"], z), "rate": people / 5, "size": row["size"] + people}
            if at < current and z < 1:
                row["ended_at"], on = (at + 1) * BUCKET // 1000, False
        if at < current:
            usual += (1 - KEPT) * (people - usual)
        empty = 0 if people else empty + 1
        at += 1
        if empty > LONG and not on:
            usual, at = 0.0, min((number for number in buckets if number >= at), default=current + 1)
    return [row | {"size": round(row["size"])} for row in found]
