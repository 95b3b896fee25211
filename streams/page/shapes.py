"""What charts need beyond rows: a cascade as a tree, how it grew, and steps without gaps. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from streams.measures.cascade.seismic import forecast
from streams.measures.cascade.tempo import Tempo

Row = dict[str, Any]


def nested(root: str, author: str, rows: Sequence[Row], limit: int) -> Row:
    """Return the tree of the first `limit` shares below the root: name, at, klass, followers, children, hidden.

    A share hangs below the node whose own post or whose id its parent names, if that came before it, else below the
    root, as in `streams/subjects/cascades.py`. `hidden` counts the shares beyond the limit, by the drawn node that
    they would hang below, at whatever depth.
    """
    top: Row = {"name": author or root, "id": root, "children": [], "hidden": 0}
    places: dict[str, Row] = {}
    for position, row in enumerate(rows):
        parent = places.get(row["parent"], top)
        if position < limit:
            here: Row = {
                "name": row["actor"],
                "id": row["node"],
                "at": row["at"],
                "klass": row["klass"],
                "followers": row["followers"],
                "children": [],
                "hidden": 0,
            }
            parent["children"].append(here)
        else:
            parent["hidden"] += 1
            here = parent
        places.setdefault(row["node"], here)
        if row["own"]:
            places.setdefault(row["own"], here)
    return top


def growth(rows: Sequence[Row], *, started: datetime, until: datetime, author_followers: int, points: int) -> list[Row]:
    """Return size and forecast at up to `points` moments from the first share to `until`: at, size, forecast.

    Each forecast is made from the shares up to its moment alone, as it would have been then (SEISMIC, see
    `streams/measures/cascade/seismic.py`), with the same sums as the product's own; the last one is the product's own
    where `until` is its `as_of`. None when there was none, or the cascade looked as if it would grow without bound.
    """
    if not rows:
        return []
    start, end = _millis(started), _millis(until)
    times = [_millis(row["at"]) for row in rows]
    first, last = max(times[0], start), max(end, times[-1])
    tempo, size, said = Tempo(), 0, list[Row]()
    for point in range(points + 1):
        now = first + (last - first) * point // points
        while size < len(times) and times[size] <= now:
            tempo.add(times[size], rows[size]["followers"], 1)
            size += 1
        elapsed = (now - start) / 1000
        found = forecast(size=size, elapsed=elapsed, followers=author_followers, ages=tempo.ages(now))
        said.append({"elapsed": elapsed, "size": size, "forecast": found.size if found.known else None})
    return said


def filled(rows: Sequence[Row], *, until: datetime, seconds: int, step: int) -> list[Row]:
    """Return a row for every step (s) of the `seconds` before `until`, zeros where none is; nothing for nothing."""
    if not rows:
        return []
    known = {row["at"].replace(tzinfo=UTC): row for row in rows}
    names = [name for name in rows[0] if name != "at"]
    last = int(until.replace(tzinfo=UTC).timestamp())
    moments = (datetime.fromtimestamp(at, UTC) for at in range((last - seconds) // step * step, last + 1, step))
    return [known.get(at) or {"at": at, **dict.fromkeys(names, 0)} for at in moments]


def _millis(at: datetime) -> int:
    """Return epoch milliseconds; the client leaves the zone out where it is UTC."""
    return round(at.replace(tzinfo=UTC).timestamp() * 1000)
