"""`juice forget` on real servers: the name is gone everywhere, every count is right, and it does not come back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from infra.stack import StackInfo
from tests.harness import Installation, installation

PERSON = "erase_me"
MONDAY = datetime(2024, 3, 4, tzinfo=UTC)
IDS = {PERSON: 1, "bob": 2, "cem": 3}
"""Ids of posts and venues do not hold names here: a name in an id is out of reach."""
RULES = """
[[campaign]]
id = "contest"
kind = "contest"
name = "A contest"
start = 2024-03-01T00:00:00Z
end = 2024-04-01T00:00:00Z
prize = "fame"
hashtags = ["juice"]

[[campaign]]
id = "cups"
kind = "mayor"
name = "Mayors"
start = 2024-01-01T00:00:00Z
end = 2025-01-01T00:00:00Z
prize = "a cup"
venues = "*"

[[campaign]]
id = "friends"
kind = "referral"
name = "Friends"
start = 2024-03-01T00:00:00Z
end = 2024-04-01T00:00:00Z
prize = "a month"

[[campaign]]
id = "photos"
kind = "post_with_media"
name = "Photos"
start = 2024-03-01T00:00:00Z
end = 2024-04-01T00:00:00Z
prize = "a frame"
hashtags = ["juice"]
media = ["photo"]

[[campaign]]
id = "chain"
kind = "tag_chain"
name = "Chain"
start = 2024-03-01T00:00:00Z
end = 2024-05-01T00:00:00Z
prize = "thanks"
memes = ["five"]
tagged = 1
"""


def story(day: int, suffix: str = "") -> list[dict[str, Any]]:
    """Return what happens on a day: the person does, receives, wins and is named in every way there is."""
    start = MONDAY + timedelta(days=day)
    said: list[dict[str, Any]] = []
    for hour, (actor, other) in enumerate(((PERSON, "bob"), ("bob", PERSON), ("cem", "bob"), ("bob", "cem"))):
        common = {"actor": actor, "actor_followers": 40}
        said += [
            {
                **common,
                "type": "post",
                "object": f"p-{IDS[actor]}-{day}",
                "text": f"with @{other} #juice",
                "media": ["photo"],
            },
            {**common, "type": "like", "object": f"p-{IDS[other]}-{day}", "object_author": other},
            {
                **common,
                "type": "share",
                "object": f"p-{IDS[other]}-{day}",
                "object_author": other,
                "root": f"p-{IDS[other]}-{day}",
            },
            {**common, "type": "mention", "text": f"look, @{other} and @dan"},
            {**common, "type": "recommend", "targets": [other, "dan"]},
            {**common, "type": "tag", "targets": [other], "root": "five"},
            {**common, "type": "referral", "targets": [other]},
            {**common, "type": "checkin", "venue": f"cafe-{IDS[actor]}"},
            {**common, "type": "follow", "targets": [other]},
        ]
        for number, event in enumerate(said[-9:]):
            at = start + timedelta(hours=hour, minutes=number)
            event |= {"id": f"{suffix}{day}-{hour}-{number}", "time": at.isoformat()}
    return said


def shares() -> list[dict[str, Any]]:
    """Return shares by the person: of a post of which nothing says whose it is, with another's below; of its own post; one
    that was undone, and one that was not, for its undo came too late.
    """
    common = {"type": "share", "actor_followers": 40}
    said = [
        {**common, "id": "s-0", "actor": PERSON, "object": "q"},
        {**common, "id": "s-1", "actor": "dan", "object": "q-1", "root": "q", "parent": "s-0"},
        {**common, "id": "s-2", "actor": PERSON, "object": "p-1-0", "object_author": PERSON},
        {**common, "id": "s-3", "actor": PERSON, "object": "q"},
        {"type": "undo", "id": "s-4", "actor": PERSON, "undo_of": "s-3"},
        *({**common, "id": f"s-{n}", "actor": PERSON, "object": "f", "object_author": "bob"} for n in (5, 6, 7)),
    ]
    for number, event in enumerate(said):
        event["time"] = (MONDAY + timedelta(days=2, hours=12, minutes=number)).isoformat()
    return [
        *said,
        {**said[4], "id": "s-8", "undo_of": "s-5", "time": (MONDAY + timedelta(days=2, hours=14)).isoformat()},
    ]


def records(events: list[dict[str, Any]]) -> list[bytes]:
    """Return the events as records."""
    return [json.dumps(event).encode() for event in events]


def holding(here: Installation) -> dict[str, int]:
    """Return the tables and views that have the name in any cell of a row, with so many rows of it."""
    names = here.query("SELECT name FROM system.tables WHERE database = {db:String}", db=here.settings.database)
    found = {}
    for (name,) in names:
        [(rows,)] = here.query(
            f"SELECT countIf(position(toString(tuple(*)), {{who:String}}) > 0) FROM {{db}}.{name}", who=PERSON
        )
        if rows:
            found[str(name)] = int(str(rows))
    letters = "SELECT countIf(position(tryBase64Decode(record), {who:String}) > 0) FROM {db}.dead_letters"
    [(rows,)] = here.query(letters, who=PERSON)
    return found | ({"dead letters": int(str(rows))} if rows else {})


def test_a_person_is_forgotten_and_stays_so(stack: StackInfo, tmp_path: Path) -> None:
    """After `juice forget` no table names the person, the audit is exact, others keep their numbers; also after a
    restart, a replay and new events. Lifted, it begins from nothing.
    """
    rules = tmp_path / "rules.toml"
    rules.write_text(RULES)
    events = records([*(event for day in range(3) for event in story(day)), *shares(), *story(3), *story(4)])
    broken = json.dumps({"id": "x", "type": "dance", "time": 1, "actor": PERSON}).encode()
    with installation(stack, tmp_path, campaigns=str(rules)) as here:
        worker = here.start("worker")
        here.start("sink")
        here.feed([*events, broken])
        assert here.drain() is None, here.logs()
        tables = holding(here)
        assert tables.keys() >= {
            *("events_store", "account_panes_store", "account_scores_store", "ties_store", "venue_titles_store"),
            *("cascade_episodes_store", "campaign_points_store", "campaign_entries_store", "campaign_links_store"),
            *("rewards_store", "dead letters"),
        }, tables
        received = "SELECT account, sum(events) FROM {db}.account_panes WHERE account != {who:String} GROUP BY account"
        before = dict(here.query(received, who=PERSON))
        nodes, retracted = drawn(here), here.query("SELECT * FROM {db}.retractions")
        assert (nodes["q"], nodes["f"], [row[0] for row in retracted]) == (2, 3, ["s-3"])

        done = here.juice("forget", PERSON, "--yes")
        assert done.returncode == 0, done.stderr
        assert "Out of reach" in done.stdout
        assert holding(here) == {}
        assert dict(here.query(received, who=PERSON)) == before
        assert (drawn(here), here.query("SELECT * FROM {db}.retractions")) == (nodes, retracted)
        _exact(here)
        [(emptied,)] = here.query(
            "SELECT count() FROM {db}.events WHERE raw = '' AND type != 'undo' "
            "AND (time, id) NOT IN (SELECT time, id FROM {db}.retractions)"
        )
        validated = here.juice("validate", f"{MONDAY + timedelta(days=3):%Y-%m-%d}", "2100-01-01", "--json")
        assert json.loads(validated.stdout)["left_out"] == emptied > 0, validated.stderr

        worker.kill()
        here.start("worker")
        own = {"id": "o", "type": "share", "actor": PERSON, "object": "p-1-0", "object_author": PERSON}
        here.feed([*events, *records([*story(5), own | {"time": (MONDAY + timedelta(days=5, hours=5)).isoformat()}])])
        assert here.drain() is None, here.logs()
        assert holding(here) == {}
        drawn(here)
        _exact(here)
        assert dict(here.query(received, who=PERSON)) != before

        assert here.juice("forget", PERSON, "--lift").returncode == 0
        here.feed(records(story(6)))
        assert here.drain() is None, here.logs()
        first = here.query("SELECT toDate(min(pane)) FROM {db}.account_panes WHERE account = {who:String}", who=PERSON)
        assert first == [((MONDAY + timedelta(days=6)).date(),)]
        _exact(here)


def drawn(here: Installation) -> dict[str, int]:
    """Return how many nodes each cascade is drawn with, which are as many as its size says."""
    nodes = dict(here.query("SELECT cascade, count() FROM {db}.cascade_nodes GROUP BY cascade"))
    assert nodes == dict(here.query("SELECT root, size FROM {db}.cascades WHERE kind = 'share'"))
    return nodes  # type: ignore[return-value]


def _exact(here: Installation) -> None:
    _, differences, conservation = here.audit()
    assert differences == []
    assert conservation.holds, conservation
