"""The three stages together, in memory: no cut, interleaving or crash changes what they say, and nothing gets lost.

Few examples are tried, always the same ones; `PIPE_EXAMPLES=5000` tries so many at random.
"""

from __future__ import annotations

import os
import random
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.event import KINDS
from streams.campaigns.rulebook import Rulebook
from streams.subject import DAY, HOUR, MINUTE
from streams.subjects.registry import all_subjects
from streams.tables import ALL_TABLES
from tests.pipe import Crash, Pipe, feed
from tests.unit.campaigns.every_kind import every_kind

EXAMPLES = int(os.environ.get("PIPE_EXAMPLES", "0"))
START = 1_341_100_800_000
SOURCES = 3
WHO = ("ada", "bob", "cy", "dee")
HOW_SAID = frozenset({"partition", "offset", "received_at", "raw", "as_of"})
"""Of a record that came twice, which one counts depends on the order of arrival; a row that holds may be said again."""
LOST = ("undone", "overtaken")

Records = list[tuple[int, bytes]]


def tried(examples: int) -> settings:
    """Return how a property is tried, by default with that many examples."""
    return settings(
        max_examples=EXAMPLES or examples,
        derandomize=not EXAMPLES,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )


@st.composite
def crowds(draw: st.DrawFn) -> Records:
    """Draw records by partition: a small world over some days, with duplicates, lateness, undos of undos, and nonsense.

    What is undone says nothing of followers: that stays said, or was never said if the undo came first.
    """
    time = START
    records: Records = []
    events: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 25))):
        partition = draw(st.integers(0, SOURCES - 1))
        what = draw(st.sampled_from(("event",) * 6 + ("undo", "undo", "again", "nonsense")))
        time += draw(st.sampled_from((0, 1_000, MINUTE, 10 * MINUTE, 50 * MINUTE, 3 * HOUR, DAY)))
        if what == "nonsense":
            records.append((partition, draw(st.sampled_from((b"", b"{", b'{"id":1}', b"\xff")))))
            continue
        if what == "again" and events:
            event = draw(st.sampled_from(events))
        else:
            late = draw(st.sampled_from((0, 0, 0, 14 * MINUTE, 16 * MINUTE, 100 * MINUTE)))
            event = {
                "id": f"e{number}",
                "type": draw(st.sampled_from([kind for kind in KINDS if kind != "undo"])),
                "time": time - late,
                "actor": draw(st.sampled_from(WHO)),
                "object": draw(st.sampled_from(("", "p1", "p2"))),
                "object_author": draw(st.sampled_from(("", *WHO))),
                "root": draw(st.sampled_from(("", "p1"))),
                "targets": draw(st.lists(st.sampled_from(WHO), max_size=2)),
                "venue": draw(st.sampled_from(("", "bar"))),
                "hashtags": draw(st.sampled_from(([], ["juice"], ["juice", "ad"]))),
                "media": draw(st.sampled_from(([], ["photo"]))),
                "actor_followers": draw(st.sampled_from((1, 9))) if number % 2 == 0 else None,
                "incentive": draw(st.sampled_from(("none", "paid"))),
            }
            if what == "undo":
                there = [said["id"] for said in events if int(said["id"][1:]) % 2]
                event |= {"type": "undo", "undo_of": draw(st.sampled_from((*there[-3:], f"e{number | 1}", "e3")))}
            events.append(event)
        records.append((partition, msgspec.json.encode(event)))
    return records


def said(pipe: Pipe) -> dict[tuple[Any, ...], Any]:
    """Return the rows of every table as a reader sees them, and what became of every record.

    Left out is what depends on the order of arrival: that a campaign has begun with an event that was undone, rewards
    that were lost again because of it or of an earlier claim, and whether a late copy is reached before its original.
    """
    rows: dict[tuple[Any, ...], Any] = {
        (name, *key): {column: value for column, value in row.items() if column not in HOW_SAID}
        for name in ALL_TABLES.keys() - {"outcomes", "campaigns"}
        for key, row in pipe.rows(name).items()
        if (not ALL_TABLES[name].live or eval(ALL_TABLES[name].live, {}, row)) and row.get("reason") not in LOST
    }
    outcomes: dict[str, int] = defaultdict(int)
    for row in pipe.rows("outcomes").values():
        late = row["outcome"] in ("duplicate", "late")
        outcomes["duplicate or late" if late else row["outcome"]] += row["records"]
    letters = {at: reason for at, reason in pipe.dead_letters().items() if reason != "late"}
    return rows | {("outcomes",): dict(outcomes), ("dead letters",): letters}


def recounted(pipe: Pipe) -> set[tuple[int, str]]:
    """Return time and id of every accepted event that an accepted undo is near enough to."""
    rows = pipe.rows("events").values()
    return {
        (row["time"], row["id"])
        for row in rows
        if row["type"] != "undo"
        and any(
            u["undo_of"] == row["id"] and abs(u["time"] - row["time"]) <= pipe.horizon
            for u in rows
            if u["type"] == "undo"
        )
    }


def differences(first: dict[Any, Any], second: dict[Any, Any]) -> list[tuple[Any, Any, Any]]:
    """Return what two pipes do not agree on: the key, and what each says where they differ."""
    found = []
    for key in sorted(first.keys() | second.keys(), key=str):
        one, two = first.get(key), second.get(key)
        if one is not None and two is not None:
            unequal = [name for name in one.keys() | two.keys() if one.get(name) != two.get(name)]
            one, two = {name: one.get(name) for name in unequal}, {name: two.get(name) for name in unequal}
        if one != two:
            found.append((key, one, two))
    return found


class Mortal(Pipe):
    """A pipe whose worker dies so many times, at random moments."""

    deaths = 0

    def _durable(self) -> None:
        try:
            super()._durable()
        except Crash:
            self.deaths -= 1
            self.crash_rate = self.crash_rate if self.deaths > 0 else 0.0
            raise


def through(
    records: Iterable[tuple[int, bytes]],
    seed: int,
    *,
    deaths: int = 0,
    again: float = 0.0,
    largest: int = 50,
    lateness: int = 15 * MINUTE,
    alone: bool = False,
) -> Pipe:
    """Return a pipe in which everything has been done, and days have passed, so that all is final.

    `alone` gives it one partition of everything.
    """
    rulebook = Rulebook(every_kind(START))
    pipe = Mortal(
        sources=1 if alone else SOURCES,
        partitions=1 if alone else 2,
        lateness=lateness,
        subjects=lambda: all_subjects(rulebook=rulebook),
        rng=random.Random(seed),
    )
    records = [(0 if alone else partition, record) for partition, record in records]
    pipe.deaths, pipe.crash_rate, pipe.again_rate = deaths, 0.05 if deaths else 0.0, again
    feed(pipe, records)
    pipe.run(largest=largest)
    for hours in (6 * 24, 9 * 24, 10 * 24, 10 * 24 + 6):
        later = {"type": "click", "actor": "zoe", "time": START + 3 * DAY + hours * HOUR}
        for partition in range(pipe.sources):
            event = {"id": f"later-{partition}-{hours}", **later}
            feed(pipe, [(partition, msgspec.json.encode(event))])
        pipe.run(largest=largest)
    return pipe


seeds = st.integers(0, 1 << 16)
cuts = st.sampled_from((1, 3, 50))
latenesses = st.sampled_from((15 * MINUTE, 3 * HOUR))


@given(records=crowds(), seed=seeds, largest=cuts, lateness=latenesses)
@tried(12)
def test_cuts_and_interleavings_change_nothing(records: Records, seed: int, largest: int, lateness: int) -> None:
    """However the logs are cut into batches and whichever partition comes first, the rows are the same."""
    one = through(records, seed, largest=largest, lateness=lateness)
    assert differences(said(one), said(through(records, 0, lateness=lateness))) == []


@given(records=crowds(), seed=seeds, largest=cuts, deaths=st.integers(1, 12), again=st.sampled_from((0.0, 0.1)))
@tried(18)
def test_crashes_change_nothing(records: Records, seed: int, largest: int, deaths: int, again: float) -> None:
    """A worker may die between any two things that become durable, and a record arrive twice: the rows are the same.

    What was read is accepted, a duplicate or a dead letter, never two of them, and there is a row for each; and one for each
    event that was taken back.
    """
    pipe = through(records, seed, largest=largest, deaths=deaths, again=again)
    assert differences(said(pipe), said(through(records, 0))) == []
    assert pipe.rows("retractions").keys() == recounted(pipe)
    found = pipe.outcomes()
    read = found.pop("read")
    assert read == sum(len(log) for log in pipe.logs[pipe.names.events].values()) >= len(records)
    assert sum(found.values()) == read
    assert found.get("accepted", 0) == len(pipe.rows("events"))
    assert found.get("dead_letter", 0) == len(pipe.dead_letters())
