"""No message is larger than a broker takes by default, unless a single record makes it so."""

from __future__ import annotations

import json
from operator import itemgetter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.decode import Reason, Rejected
from schemas.fact import Fact
from streams.agents import routing
from streams.agents.ingest import MAX_LETTER, dead_letter
from streams.agents.routing import MAX_MESSAGE, fitting, rows_sends
from streams.engine.app import MAX_REQUEST
from streams.names import Names
from streams.subject import Subject
from tests.pipe import Pipe

JULY = 1_341_100_800_000
DEFAULT = 1 << 20
"""`message.max.bytes` of a broker that nobody has set up, less what a batch needs for itself."""


def test_rows_of_one_flush_are_split() -> None:
    """What a flush says of one table leaves in as many messages as it takes, every row once and in order."""
    rows = [("ada" * 1_000, number, "received", "like", 1, 0, 0) for number in range(1_000)]
    sends = list(rows_sends("rows", 0, "account_panes", rows, 9))
    assert max(len(send.value or b"") for send in sends) <= MAX_MESSAGE
    said = [row for send in sends for row in json.loads(b"[" + (send.value or b"") + b"]")]
    assert [tuple(row) for row in said] == [(*row, 9) for row in rows]
    assert sum(int(dict(send.headers)["rows"]) for send in sends) == len(rows)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 400)), min_size=1).map(sorted))
def test_messages_are_cut_between_offsets(items: list[tuple[int, int]]) -> None:
    """Runs follow each other without a gap, hold every item once, tear no offset apart, and only the last is last."""

    def make(some: Any, begin: int, end: int, last: bool) -> bytes:
        return json.dumps([some, begin, end, last]).encode()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(routing, "MAX_MESSAGE", 100)
        values = list(fitting(items, itemgetter(0), make, 0, 10))
    runs = [json.loads(value) for value in values]
    assert [tuple(item) for run in runs for item in run[0]] == items
    assert all(begin <= offset < end for some, begin, end, _ in runs for offset, _ in some)
    assert [begin for _, begin, _, _ in runs] == [0, *(end for _, _, end, _ in runs[:-1])]
    assert [last for *_, last in runs] == [False] * (len(runs) - 1) + [True]
    assert runs[-1][2] == 10
    assert all(len(value) <= 100 or len({offset for offset, _ in json.loads(value)[0]}) == 1 for value in values)


class ByActor(Subject[None]):
    """Routes facts to their actor, and does nothing with them."""

    name, code = "actors", "z"

    def keys(self, fact: Fact) -> tuple[str, ...]:
        return (fact.actor,)

    def empty(self, key: str) -> None:
        return None

    def load(self, key: str, raw: bytes) -> None:
        return None

    def dump(self, state: None) -> bytes:
        return b""

    def fold(self, key: str, state: None, facts: Any, rows: Any) -> None:
        return None

    def present(self, key: str, state: None, now: Any, rows: Any) -> int:
        return 1 << 62


def test_a_batch_of_fat_events_makes_messages_that_a_broker_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claims, facts, orders, rows and the memory of them are each below a megabyte, in one piece nothing is lost."""
    names = [f"{n:03}" + "x" * 500 for n in range(300)]
    pipe = Pipe(sources=1, partitions=1, subjects=lambda: [ByActor()])
    for number in range(40):
        event = {"id": f"e{number}", "type": "mention", "time": JULY + number, "actor": "a", "targets": names}
        undo = {
            "id": f"u{number}",
            "type": "undo",
            "time": JULY + number,
            "actor": "a",
            "undo_of": names[0] + str(number),
        }
        for record in (event, undo):
            pipe.append(0, json.dumps(record).encode(), JULY + 3_600_000)
    written: list[bytes] = []
    apply = pipe._apply

    def noting(stage: Any, partition: int, effects: Any, offset: int) -> None:
        written.extend(value for value in effects.writes.values() if value is not None)
        apply(stage, partition, effects, offset)

    monkeypatch.setattr(pipe, "_apply", noting)
    pipe.run(largest=1_000)
    logs = [log for topic, log in pipe.logs.items() if topic != pipe.names.events]
    values = [record.value or b"" for log in logs for records in log.values() for record in records]
    assert max(map(len, values + written)) < DEFAULT
    assert sum(map(len, values)) > 10 * DEFAULT
    assert len(pipe.rows("events")) == 80
    assert pipe.outcomes() == {"read": 80, "accepted": 80}


@pytest.mark.parametrize("size", [0, 1 << 20, MAX_LETTER, 40 << 20])
def test_a_dead_letter_fits_into_a_message(size: int) -> None:
    """However large a record turns out to be, its letter is one that the topic takes, and says what it left out."""
    letter = dead_letter(Names(), Rejected(Reason.TOO_LARGE, "too large"), 0, 7, b"\xff" * size, JULY)
    assert len(letter.value or b"") < MAX_REQUEST - DEFAULT
    said = json.loads(letter.value or b"")
    assert said["detail"].startswith("too large")
    assert said.get("size", 0) == (size if size > MAX_LETTER else 0)
    assert ("are kept" in said["detail"]) == (size > MAX_LETTER)


def test_the_limit_leaves_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a limit is passed by one row only, that row goes alone."""
    monkeypatch.setattr(routing, "MAX_MESSAGE", 10)
    sends = list(rows_sends("rows", 0, "account_panes", [("x" * 20, n) for n in range(3)], 1))
    assert [json.loads(b"[" + (send.value or b"") + b"]")[0][1] for send in sends] == [0, 1, 2]
