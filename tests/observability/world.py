"""A world to look at: the real files that come with juice, laid on one time line, and a few people who cheat."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any, Final

DATA: Final = Path(str(files("infra"))) / "data"
HIGGS_FROM: Final = datetime(2021, 5, 7, tzinfo=UTC)
SEISMIC_FROM: Final = datetime(2021, 5, 8, 5, tzinfo=UTC)
END: Final = datetime(2021, 5, 8, 9, tzinfo=UTC)
"""The newest event of the world, about."""

RULES: Final = """
[[campaign]]
id = "gowalla-mayors"
kind = "mayor"
name = "Mayors of Gowalla"
start = 2009-01-01T00:00:00Z
end = 2011-01-01T00:00:00Z
prize = "the title"
venues = "*"
network = "gowalla"

[[campaign]]
id = "dubois-2021"
kind = "contest"
name = "#DuBoisChallenge"
start = 2021-02-01T00:00:00Z
end = 2021-06-01T00:00:00Z
prize = "admiration"
hashtags = ["DuBoisChallenge"]
winners = 3

[[campaign]]
id = "photo-popup"
kind = "post_with_media"
name = "Pay by picture"
start = 2021-04-01T00:00:00Z
end = 2021-06-01T00:00:00Z
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
start = 2021-04-01T00:00:00Z
end = 2021-06-01T00:00:00Z
prize = "a month free for each friend"
"""


def _read(name: str, limit: int | None = None) -> list[dict[str, Any]]:
    with gzip.open(DATA / f"{name}.ndjson.gz", "rt") as lines:
        return [json.loads(line) for line in islice(lines, limit)]


def _time(event: dict[str, Any]) -> datetime:
    time = event["time"]
    return datetime.fromisoformat(time) if isinstance(time, str) else datetime.fromtimestamp(time / 1000, UTC)


def _moved(events: list[dict[str, Any]], to: datetime) -> list[dict[str, Any]]:
    shift = to - min(map(_time, events))
    return [{**event, "time": (_time(event) + shift).isoformat()} for event in events]


def _cheats() -> list[dict[str, Any]]:
    """Somebody buys followers overnight; somebody posts the same entry again and again and hides what it is."""
    made: list[dict[str, Any]] = []

    def say(type_: str, at: datetime, actor: str, **more: Any) -> None:
        made.append({"id": f"w{len(made)}", "type": type_, "time": at.isoformat(), "actor": actor, **more})

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
            media=["photo"], incentive="sweepstake", campaign="photo-popup", actor_followers=3)  # fmt: skip
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
    say("share", END, "fan0", object="b1", object_author="buyer", root="b1", actor_followers=10)
    say("reply", END, "fan1", object="b1", object_author="buyer", root="b1")
    return made


def world(*, higgs: int = 6_000, seismic: int = 5_000) -> list[bytes]:
    """Return all records of the world in time order; about 22,000 by default."""
    events = [
        *_read("gowalla-10k"),
        *_read("dubois-contest"),
        *_moved(_read("higgs-july-1-3", higgs), HIGGS_FROM),
        *_moved(_read("seismic-cascade", seismic), SEISMIC_FROM),
        *_cheats(),
    ]
    events = [event for event in events if _time(event) <= END]
    events.sort(key=_time)
    return [json.dumps(event).encode() for event in events]
