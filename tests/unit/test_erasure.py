"""An account that is forgotten leaves the state of every stage, stays out, and changes nobody else's numbers."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest

from schemas.wire import UNHEARD, Decoded, Erasure, encode
from streams.engine.outbox import Send
from streams.operations.forgetting import CHANGES
from streams.subjects.registry import all_subjects
from streams.tables import ALL_TABLES
from tests.pipe import Pipe, Record
from tests.rows import plain

JULY = 1_341_100_800_000
LATER = JULY + 3_600_000
PERSON, STAND_IN = "somebody_to_forget", "forgotten-1"
PEOPLE = ("ann", "bob", "cem", PERSON)


def events(rng: random.Random, count: int, start: int = 0) -> list[bytes]:
    """Return events of many kinds among a few people, one of them the person."""
    found: list[bytes] = []
    for number in range(start, start + count):
        actor, other = rng.sample(PEOPLE, 2)
        said: dict[str, Any] = {"id": f"e{number}", "time": JULY + number * 9_000, "actor": actor}
        said |= rng.choice(
            [
                {"type": "like", "object": "p", "object_author": other},
                {"type": "share", "object": "p1", "object_author": other, "root": "p1"},
                {"type": "post", "object": f"p{number % 3}", "text": f"hello @{other} #juice"},
                {"type": "reply", "object": "p9", "object_author": actor, "text": f"and you, @{other}?"},
                {"type": "mention", "text": f"@{other} and @{rng.choice(PEOPLE)}"},
                {"type": "follow", "targets": [other, *rng.sample(PEOPLE, 1)]},
                {"type": "tag", "targets": [other], "root": "meme"},
                {"type": "checkin", "venue": "cafe"},
                {"type": "undo", "undo_of": f"e{max(number - rng.randint(1, 30), 0)}"},
            ]
        )
        found.append(json.dumps(said).encode())
    return found


def forget(pipe: Pipe, *, lifted: bool = False) -> None:
    """Ask to forget the person, as `juice forget` does."""
    message = encode(Decoded(0, 0, 0, UNHEARD, UNHEARD, erasures=(Erasure(PERSON, STAND_IN, lifted),)))
    for partition in range(pipe.partitions):
        pipe._append(Send(pipe.names.decoded, partition, None, message))


def holding(pipe: Pipe) -> list[tuple[str, bytes]]:
    """Return the stage and key of every stored record that has the name in it."""
    name = PERSON.encode()
    return [
        (stage.name, key)
        for stage in pipe.stages.values()
        for table in stage.tables.values()
        for key, value in table.items()
        if name in key or name in value
    ]


def others(pipe: Pipe) -> dict[tuple[Any, ...], tuple[int, ...]]:
    """Return the panes of everybody else."""
    return {
        key: (row["events"], row["incentivised"], row["undisclosed"])
        for key, row in pipe.rows("account_panes").items()
        if key[0] != PERSON
    }


@pytest.mark.parametrize("seed", range(20))
def test_state_forgets_and_others_keep_what_they_have(seed: int) -> None:
    """Whatever crashes in between and comes after, no stage keeps the name, and all others' panes are as without it."""
    before, after = events(random.Random(seed), 120), events(random.Random(seed + 100), 80, start=120)
    forgetful, plain = (Pipe(rng=random.Random(seed)) for _ in range(2))
    forgetful.crash_rate, forgetful.again_rate = 0.01, 0.05
    for pipe in (forgetful, plain):
        for number, record in enumerate(before):
            pipe.append(number % pipe.sources, record, LATER)
        pipe.run()
    assert holding(forgetful), "the name was never there"
    forget(forgetful)
    for pipe in (forgetful, plain):
        for number, record in enumerate(after):
            pipe.append(number % pipe.sources, record, LATER)
        pipe.run()
    assert holding(forgetful) == []
    assert not any(here.told for here in forgetful.stages["accumulate"].body.held.values()), (
        "the fingerprint is left nowhere"
    )
    assert others(forgetful) == others(plain)
    assert forgetful.outcomes() == plain.outcomes()


def test_rows_said_afterwards_hold_no_name() -> None:
    """Once the stream has forgotten, no row of any table names the person, though events go on naming it."""
    pipe = Pipe()
    for number, record in enumerate(events(random.Random(1), 100)):
        pipe.append(number % pipe.sources, record, LATER)
    pipe.run()
    forget(pipe)
    pipe.run()
    marks = {partition: len(log) for partition, log in pipe.logs[pipe.names.rows].items()}
    for number, record in enumerate(events(random.Random(2), 100, start=100)):
        pipe.append(number % pipe.sources, record, LATER)
    pipe.run()
    fresh = [r for p, log in pipe.logs[pipe.names.rows].items() for r in log[marks.get(p, 0) :]]
    assert {(record.key or b"").decode() for record in fresh} >= {"events", "account_panes", "ties"}
    assert [record.key for record in fresh if PERSON.encode() in _said(record)] == []


def _said(record: Record) -> bytes:
    return plain(ALL_TABLES[(record.key or b"").decode()], record.value or b"")


@pytest.mark.parametrize(
    ("words", "held"),
    [
        (f"and you, @{PERSON}?", False),
        (f"and you, ＠{PERSON}?", False),
        (f"and you, @{PERSON.upper()}?", False),
        ("and you, @ann?", True),
        (f"{PERSON} at home", True),
    ],
)
def test_words_that_call_somebody_do_not_get_in(words: str, held: bool) -> None:
    """Whatever sign and letters are used; nobody is called who has the name for a word."""
    pipe = Pipe()
    forget(pipe)
    pipe.run()
    said = {"id": "e", "time": JULY, "actor": "ann", "type": "post", "object": "p", "text": words}
    pipe.append(0, json.dumps(said).encode(), LATER)
    pipe.run()
    (row,) = pipe.rows("events").values()
    assert (row["text"], bool(row["raw"])) == (words if held else "", held)


def test_a_share_of_ones_own_post_stays_out_of_cascades() -> None:
    """Without names nothing but its being of no cascade tells it from a share of somebody's who was forgotten too."""
    pipe = Pipe(sources=1)
    forget(pipe)
    pipe.run()
    share = {"time": JULY, "actor": PERSON, "type": "share", "object": "p", "root": "p", "parent": "p"}
    for name, author in (("own", PERSON), ("bob's", "bob"), ("anybody's", "")):
        pipe.append(0, json.dumps(share | {"id": name, "object_author": author}).encode(), LATER)
    pipe.run()
    of = {row["id"]: (row["object"], row["root"], row["parent"]) for row in pipe.rows("events").values()}
    assert of == {"own": ("", "", ""), "bob's": ("p", "p", "p"), "anybody's": ("p", "p", "p")}
    assert [row["size"] for row in pipe.rows("cascade_episodes").values()] == [2]


def test_every_column_that_names_accounts_is_dealt_with() -> None:
    """A table that comes to name accounts, in a column of any of these names, has a change that looks there."""
    naming = {
        "account",
        "source",
        "target",
        "targets",
        "mentioned",
        "actor",
        "object_author",
        "author",
        "member",
        "sponsor",
    }
    missed = {
        f"{table.name}.{column.name}"
        for table in ALL_TABLES.values()
        for column in table.columns
        if column.name in naming
        and not any(c.table == table.name and re.search(rf"\b{column.name}\b", c.where) for c in CHANGES)
    }
    assert missed == set()


def test_what_is_not_chosen_any_more_is_forgotten_whole() -> None:
    """State of a subject that nobody keeps now goes if it has the name, for nobody knows what in it is the account's."""
    pipe = Pipe(sources=1)
    pipe.append(
        0, json.dumps({"type": "checkin", "actor": PERSON, "venue": "cafe", "id": "e", "time": JULY}).encode(), LATER
    )
    pipe.run()
    pipe._subjects = lambda: [subject for subject in all_subjects() if subject.name != "mayors"]
    pipe._start()
    forget(pipe)
    pipe.run()
    assert holding(pipe) == []


def test_who_is_let_in_again_begins_from_nothing() -> None:
    """After the request is lifted new events count, and nothing from before is there."""
    pipe = Pipe(sources=1)
    like = {"type": "like", "actor": PERSON, "object": "p", "object_author": "ann"}
    pipe.append(0, json.dumps({**like, "id": "old", "time": JULY}).encode(), LATER)
    pipe.run()
    forget(pipe)
    pipe.append(0, json.dumps({**like, "id": "hushed", "time": JULY + 60_000}).encode(), LATER)
    pipe.run()
    forget(pipe, lifted=True)
    pipe.append(0, json.dumps({**like, "id": "new", "time": JULY + 120_000}).encode(), LATER)
    pipe.run()
    of_person = {key[1] * 1000: row["events"] for key, row in pipe.rows("account_panes").items() if key[0] == PERSON}
    assert of_person == {JULY: 1, JULY + 120_000: 1}, "the first is what ClickHouse is rid of, the second is new"
    assert sum(events for (events, _, _) in others(pipe).values()) == 3


def test_a_claim_that_came_before_the_request_can_still_be_undone() -> None:
    """What waits for an undo loses the name, not its effect on others."""
    pipe = Pipe(sources=1)
    like = {"id": "e", "time": JULY, "type": "like", "actor": PERSON, "object": "p", "object_author": "ann"}
    pipe.append(0, json.dumps(like).encode(), LATER)
    pipe.run()
    forget(pipe)
    undo = {"id": "u", "time": JULY + 1_000, "type": "undo", "actor": "bob", "undo_of": "e"}
    pipe.append(0, json.dumps(undo).encode(), LATER)
    pipe.run()
    assert others(pipe) == {}
    assert holding(pipe) == []
