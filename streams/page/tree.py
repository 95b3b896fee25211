"""A cascade as a tree to draw, and how it grew. Pure: rows in, plain structures out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from streams.measures.cascade.seismic import forecast

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
    `streams/measures/cascade/seismic.py`; here share by share, there by the minute). None when there was none, or the
    cascade looked as if it would grow without bound.
    """
    if not rows:
        return []
    seconds = [(row["at"] - started).total_seconds() for row in rows]
    first, last = max(seconds[0], 0.0), max((until - started).total_seconds(), seconds[-1])
    said: list[Row] = []
    size = 0
    for point in range(points + 1):
        elapsed = first + (last - first) * point / points
        while size < len(seconds) and seconds[size] <= elapsed:
            size += 1
        ages = ((elapsed - s, 1, elapsed - s, row["followers"]) for s, row in zip(seconds[:size], rows, strict=False))
        found = forecast(size=size, elapsed=elapsed, followers=author_followers, ages=ages)
        said.append({"elapsed": round(elapsed, 3), "size": size, "forecast": found.size if found.known else None})
    return said
