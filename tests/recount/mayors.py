"""Mayors, recounted: docs/campaigns.md, *Mayor*, decided anew at every check-in and every midnight."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from tests.recount.log import DAY
from tests.simulator.reading import Read

Title = tuple[str, int, int, int | None]


def titles(visits: Iterable[tuple[int, str]], until: int, *, window: int = 60, least: int = 2) -> list[Title]:
    """Return who held the title: account, days when it was taken, since and until when; as of an instant, which counts."""
    visits = sorted(visits)
    midnights = {
        (time // DAY + days) * DAY
        for time, _ in visits
        for days in range(1, window + 1)
        if (time // DAY + days) * DAY <= until
    }
    found: list[Title] = []
    for at in sorted({time for time, _ in visits if time <= until} | midnights):
        first: dict[str, dict[int, int]] = defaultdict(dict)
        for time, account in visits:
            if time <= at and time // DAY > at // DAY - window:
                first[account].setdefault(time // DAY, time)
        ranks = [(-len(days), days[max(days)], account) for account, days in first.items() if len(days) >= least]
        holder = found[-1][0] if found and found[-1][3] is None else None
        best = min(ranks, default=None)
        if holder is not None:
            if best is not None and len(first[holder]) >= least and len(first[holder]) == -best[0]:
                continue
            found[-1] = (*found[-1][:3], at)
        if best is not None:
            found.append((best[2], -best[0], at, None))
    return found


def rows(events: Iterable[Read], now: int) -> dict[tuple[Any, ...], list[Title]]:
    """Return the titles of each venue and month of beginning."""
    visits: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for event in events:
        if event.kind == "checkin" and event.said.get("venue"):
            visits[event.said["venue"]].append((event.time, event.actor))
    found: dict[tuple[Any, ...], list[Title]] = defaultdict(list)
    for venue, those in visits.items():
        for title in titles(those, now):
            month = datetime.fromtimestamp(title[2] // 1000, UTC).strftime("%Y-%m-01")
            found[venue, month].append(title)
    return found
