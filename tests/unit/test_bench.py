"""The load of `juice bench`: what it makes of a file of events."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from infra.clock import wall
from streams.operations.bench import COPY_SPAN, HOT, PROBE, PROBES, SPARSE, copies, probed

EVENTS: tuple[dict[str, Any], ...] = (
    {"id": "a", "type": "like", "time": "2012-07-01T00:00:00Z", "actor": "ada", "object_author": "bob"},
    {"id": "b", "type": "mention", "time": 1341100860000, "actor": "bob", "targets": ["ada", "eve"]},
    {"id": "c", "type": "post", "time": 1341100920000, "actor": "eve"},
)


def made(tmp_path: Path, count: int, **options: Any) -> list[dict[str, Any]]:
    """Return the events that become of EVENTS."""
    path = tmp_path / "events.ndjson.gz"
    path.write_bytes(gzip.compress(b"\n".join(msgspec.json.encode(event) for event in EVENTS)))
    return [msgspec.json.decode(event) for event in copies(path, count, **options)]


def test_a_copy_is_later_and_has_ids_of_its_own(tmp_path: Path) -> None:
    """Nothing else differs."""
    first, second = (made(tmp_path, 2)[start : start + 3] for start in (0, 3))
    assert [event["time"] for event in first] == [1341100800000, 1341100860000, 1341100920000]
    for one, other in zip(first, second, strict=True):
        assert other["time"] - one["time"] == COPY_SPAN
        assert other["id"] != one["id"]
        assert one | {"id": "", "time": 0} == other | {"id": "", "time": 0}


def test_half_of_the_events_are_done_to_one_account(tmp_path: Path) -> None:
    """Whether they name an author or targets."""
    events = made(tmp_path, 4, hot=0.5)
    assert sum(HOT in (event.get("object_author"), *event.get("targets", ())) for event in events) == 6


def test_in_a_crowd_everybody_has_namesakes(tmp_path: Path) -> None:
    """Who meets stays together: all names in an event get the same suffix, and each of the crowd its turn."""
    turns: Counter[str] = Counter()
    for event in made(tmp_path, 4, crowd=3):
        names = {event["actor"], event.get("object_author"), *event.get("targets", ())} - {None}
        (suffix,) = {name.partition("~")[2] for name in names}
        turns[suffix] += 1
    assert turns == {"0": 4, "1": 4, "2": 4}


def test_together_copies_are_of_the_same_days(tmp_path: Path) -> None:
    """In order of time, so that none is late, and everybody's namesakes do all that is done."""
    events = made(tmp_path, 3, crowd=3, together=True)
    assert [event["time"] for event in events] == [1341100800000] * 3 + [1341100860000] * 3 + [1341100920000] * 3
    assert len({event["id"] for event in events}) == 9
    assert Counter(event["actor"] for event in events) == {
        f"{name}~{number}": 1 for name in ("ada", "bob", "eve") for number in range(3)
    }


def test_live_events_are_of_when_they_are_asked_for(tmp_path: Path) -> None:
    """Whatever their time was."""
    began = wall() * 1000 - 1
    assert all(began <= event["time"] <= wall() * 1000 + 1 for event in made(tmp_path, 2, together=True, live=True))


def test_live_copies_are_each_somewhere_else(tmp_path: Path) -> None:
    """Each copy has everything; what comes together is of different moments."""
    events = made(tmp_path, 3, live=True)
    assert len({event["id"] for event in events}) == 9
    assert [{event["actor"] for event in events[at : at + 3]} for at in (0, 3, 6)] == [{"ada", "bob", "eve"}] * 3


@pytest.mark.parametrize(("rate", "number"), [(PROBES * 50, 2), (1.0, 100 // SPARSE)])
def test_probes_do_what_was_just_done(rate: float, number: int) -> None:
    """At their pace, each once, under a name of its own; never many among few; whatever else comes stays as it was."""
    events = [msgspec.json.encode(EVENTS[0] | {"id": str(number)}) for number in range(100)]
    all_there = [msgspec.json.decode(event) for event in probed(iter(events), rate)]
    probes = [event for event in all_there if event["actor"].startswith(PROBE)]
    assert [event["id"] for event in all_there if event not in probes] == [str(number) for number in range(100)]
    assert len({event["actor"] for event in probes}) == len({event["id"] for event in probes}) == len(probes) == number
    assert all(event["object_author"] == "bob" and event["time"] == EVENTS[0]["time"] for event in probes)
