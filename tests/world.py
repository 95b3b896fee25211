"""A world to look at: real events of four networks on one time line, people who cheat, and names that bite.

Higgs happens when it did; the others are moved so that all end with July 3, 2012 (UTC), but for Gowalla's check-ins of
2009 and 2010.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

from tests.data import real

END: Final = datetime(2012, 7, 4, tzinfo=UTC)
"""The newest event of the world."""
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
HIGGS: Final = 6_000
"""So many of the last events of the Higgs days."""
SHARES: Final = 1_199
"""So many of the first shares of the one cascade, after its root."""
RULES: Final = f"""
[[campaign]]
id = "gowalla"
kind = "mayor"
name = "Mayors of Gowalla"
start = 2009-01-01T00:00:00Z
end = 2011-01-01T00:00:00Z
prize = "the title"
venues = "*"
network = "gowalla"

[[campaign]]
id = "{CONTEST}"
kind = "contest"
name = "#DuBoisChallenge"
start = {(END - timedelta(days=120)).isoformat()}
end = {(END + timedelta(days=30)).isoformat()}
prize = "the admiration of the R and Python communities"
hashtags = ["DuBoisChallenge"]
winners = 3

[[campaign]]
id = "photo-popup"
kind = "post_with_media"
name = "Pay by picture"
start = 2012-06-01T00:00:00Z
end = 2012-08-01T00:00:00Z
prize = "your bill is waived"
hashtags = ["PayByPicture"]
media = ["photo"]
period = "day"

[campaign.disclosure]
tags = ["ad"]

[[campaign]]
id = "bring-a-friend"
kind = "referral"
name = "Bring a friend"
start = 2012-06-01T00:00:00Z
end = 2012-08-01T00:00:00Z
prize = "a month free for each friend"
"""


def read(name: str, first: int = 0, count: int | None = None) -> list[dict[str, Any]]:
    """Return some events of a file, in its order."""
    with gzip.open(real(f"{name}.ndjson.gz")) as lines:
        return [json.loads(line) for line in islice(lines, first, None if count is None else first + count)]


def moved(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the events, the last of which happens at the end."""
    times = [time_of(event) for event in events]
    by = END - max(times)
    return [event | {"time": stamp(at + by)} for event, at in zip(events, times, strict=True)]


def time_of(event: dict[str, Any]) -> datetime:
    """Return when an event happens."""
    time = event["time"]
    return datetime.fromisoformat(time) if isinstance(time, str) else datetime.fromtimestamp(time / 1000, UTC)


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


def cheats() -> list[dict[str, Any]]:
    """Return what people do who buy followers overnight, hide what an entry is, trade likes, or rise all at once."""
    made: list[dict[str, Any]] = []

    def say(type_: str, at: datetime, actor: str, **more: Any) -> None:
        made.append({"id": f"w{len(made)}", "type": type_, "time": stamp(at), "actor": actor, **more})

    for day in range(20):
        for fan in range(3):
            at = END - timedelta(days=21 - day, minutes=fan)
            say("follow", at, f"fan{fan}", targets=["buyer"])
            say("like", at, f"fan{fan}", object=f"b{day}", object_author="buyer")
            say("unfollow", at + timedelta(minutes=1), f"fan{fan}", targets=["buyer"])
    for bot in range(400):
        say("follow", END - timedelta(hours=3, seconds=bot), f"bot{bot}", targets=["buyer"])
    for entry in range(40):
        at = END - timedelta(hours=2, seconds=20 * entry)
        say("post", at, "gamer", object=f"g{entry}", text="win win #PayByPicture", hashtags=["PayByPicture"],
            media=["photo"], incentive="sweepstake", campaign="photo-popup", actor_followers=3, promo=True)  # fmt: skip
    for guest in range(5):
        at = END - timedelta(hours=2, minutes=guest)
        say("post", at, f"guest{guest}", object=f"p{guest}", text="dinner #PayByPicture #ad",
            hashtags=["PayByPicture", "ad"], media=["photo"], actor_followers=100)  # fmt: skip
        say("share", at + timedelta(minutes=3), f"fan{guest}", object=f"p{guest}", object_author=f"guest{guest}",
            root=f"p{guest}", incentive="reward", disclosed=True, actor_followers=10)  # fmt: skip
        say("referral", at, f"new{guest}", targets=[f"guest{guest % 2}"], campaign="bring-a-friend")
    for turn in range(12):
        one, other = ("trader0", "trader1") if turn % 2 else ("trader1", "trader0")
        at = END - timedelta(hours=1, seconds=-60 * turn)
        say("like", at, one, object=f"t{turn}", object_author=other)
    for voice in range(120):
        at = END - timedelta(minutes=20, seconds=-10 * voice)
        say("post", at, f"voice{voice}", object=f"v{voice}", text="it rises #breaking", hashtags=["breaking"])
    for number, (tagger, tagged) in enumerate((("ann", "bea cem dan"), ("bea", "eve"), ("eve", "fay gus"))):
        at = END - timedelta(hours=5 - number)
        say("tag", at, tagger, root="five facts", targets=tagged.split(), actor_followers=50)
    say("share", END, "fan0", object="b1", object_author="buyer", root="b1", actor_followers=10)
    say("reply", END, "fan1", object="b1", object_author="buyer", root="b1")
    return made


def events() -> list[bytes]:
    """Return everything as records, in order of time."""
    together = [
        *read("gowalla-10k"),
        *moved(read("dubois-contest")),
        *read("higgs-july-1-3", 53_746 - HIGGS),
        *moved(read("seismic-cascade", 0, SHARES + 1)),
        *cheats(),
        *naughty(),
    ]
    return [json.dumps(event).encode() for event in sorted(together, key=time_of)]


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
