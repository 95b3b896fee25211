"""What rises is told to the outside on a topic: the same things as in the table, and after a crash the same again."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from typing import Any

from tests.pipe import Pipe

JULY = 1_341_100_800_000
MINUTE = 60_000


def records() -> list[bytes]:
    """Return an hour in which a hashtag rises and falls, and a post whose shares have large audiences."""
    made: list[dict[str, Any]] = [
        {"id": "root", "type": "post", "time": JULY, "actor": "author", "object": "p", "actor_followers": 900}
    ]
    for n in range(120):
        at = JULY + 10 * MINUTE + n * 2_000
        made.append({"id": f"t{n}", "type": "post", "time": at, "actor": f"voice{n}", "text": "it is #up"})
        share = {"id": f"s{n}", "type": "share", "time": at, "actor": f"fan{n}", "actor_followers": 5_000}
        made.append(share | {"object": "p", "root": "p", "object_author": "author"})
    made.append({"id": "end", "type": "like", "time": JULY + 60 * MINUTE, "actor": "a", "object_author": "b"})
    return [json.dumps(event).encode() for event in made]


def told(pipe: Pipe) -> dict[str, list[dict[str, Any]]]:
    """Return the messages on the topic by their id, which is their key too."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in pipe.logs[pipe.names.trends][0]:
        message = json.loads(record.value or b"")
        assert record.key == message["id"].encode()
        found[message["id"]].append(message)
    return found


def test_rises_are_told_on_the_topic_and_again_the_same_after_crashes() -> None:
    """A hashtag and a cascade: told of when they begin and end; a crash repeats ids and moments, and makes none up."""
    for crashes in (0.0, 0.05):
        pipe = Pipe(sources=1, partitions=1, rng=random.Random(5))
        pipe.crash_rate = crashes
        for record in records():
            pipe.append(0, record, JULY + 90 * MINUTE)
        pipe.run(largest=20)
        rows = {row["id"]: row for row in pipe.rows("trends").values() if row["raised_at"]}
        said = told(pipe)
        assert said.keys() == rows.keys() == {"cascade:share:p", f"tag:up:{JULY // 1000 + 600}"}
        for id, messages in said.items():
            assert {message["raised_at"] for message in messages} == {rows[id]["raised_at"]}
            assert messages[-1]["ended_at"] == rows[id]["ended_at"]
            moments = [(message["raised_at"], message["ended_at"]) for message in messages]
            if not crashes:
                assert len(moments) == len(set(moments)) <= 2
        if not crashes:
            assert [m["ended_at"] is None for m in said[f"tag:up:{JULY // 1000 + 600}"]] == [True, False]
