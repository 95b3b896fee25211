"""Real events of three networks, moved in time so that all end at one moment, and a few with names that bite."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any, Final

END: Final = datetime(2012, 7, 4, tzinfo=UTC)
DATA: Final = Path(str(files("infra"))) / "data"
ROOT: Final = "seismic"
CONTEST: Final = "dubois"
NAUGHTY: Final = (
    "<img src=x onerror=\"document.title='owned'\">",
    "'; DROP TABLE events; --",
    "{account:String} %s ${1+1} {{7*7}}",
    "\u202egnitirw desrever",
    "a/b?c=d&e#f %2e%2e/",
    "Ω≈ç√∫ 田中さん 👩‍👩‍👧 zero\u200bwidth",
    "n" * 300,
)
RULES: Final = f"""
[[campaign]]
id = "{CONTEST}"
kind = "contest"
name = "#DuBoisChallenge"
start = {(END - timedelta(days=120)).isoformat()}
end = {(END + timedelta(days=30)).isoformat()}
prize = "the admiration of the R and Python communities"
hashtags = ["DuBoisChallenge"]
winners = 3
"""


def read(name: str, first: int = 0, count: int | None = None) -> list[dict[str, Any]]:
    """Return some events of a file, in its order."""
    with gzip.open(DATA / name) as lines:
        return [json.loads(line) for line in islice(lines, first, None if count is None else first + count)]


def moved(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the events, the last of which happens at the end."""
    times = [datetime.fromisoformat(event["time"]) for event in events]
    by = END - max(times)
    return [event | {"time": stamp(at + by)} for event, at in zip(events, times, strict=True)]


def stamp(at: datetime) -> str:
    """Return a time as events have it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def naughty() -> Iterator[dict[str, Any]]:
    """Yield shares of and by accounts whose names bite, of all three classes, on the last hour."""
    said = ({}, {"incentive": "paid", "disclosed": True}, {"incentive": "paid"})
    for number, name in enumerate(NAUGHTY):
        for share in range(6):
            yield {
                "id": f"naughty:{number}:{share}",
                "type": "share",
                "time": stamp(END - timedelta(seconds=1800 - 60 * share - number)),
                "network": "twitter",
                "actor": NAUGHTY[(number + share + 1) % len(NAUGHTY)],
                "actor_followers": 10 + share,
                "object": f"copy {share} of {name}",
                "parent": f"copy {share // 2 - 1} of {name}" if share > 1 else f"post of {name}",
                "root": f"post of {name}",
                "object_author": name,
                "text": "#DuBoisChallenge <script>alert(1)</script>",
                **said[share % 3],
            }


def events(higgs: int = 6_000, shares: int = 1_200) -> list[bytes]:
    """Return everything as records, in order of time."""
    cascade = moved(read("seismic-cascade.ndjson.gz", 0, shares))
    latest = read("higgs-july-1-3.ndjson.gz", 53_746 - higgs)
    contest = moved(read("dubois-contest.ndjson.gz"))
    together = [*cascade, *moved(latest), *contest, *naughty()]
    together.sort(key=lambda event: datetime.fromisoformat(event["time"]))
    return [json.dumps(event).encode() for event in together]


def later(number: int, actor: str, author: str = "late bloomer") -> bytes:
    """Return a share that happens after everything else."""
    event = {
        "id": f"later:{number}",
        "type": "share",
        "time": stamp(END + timedelta(minutes=2, seconds=number)),
        "network": "twitter",
        "actor": actor,
        "actor_followers": 50,
        "object": "late post",
        "root": "late post",
        "object_author": author,
    }
    return json.dumps(event).encode()
