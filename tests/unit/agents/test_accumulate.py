"""Accumulate: a key that is due comes, also when it is touched at the same moment; one that is not leaves no litter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import pytest

from infra import telemetry
from schemas.fact import Fact
from schemas.wire import UNHEARD, Routed, encode
from streams.agents import accumulate
from streams.agents.accumulate import Accumulate
from streams.engine.progress import PROGRESS
from streams.names import Names
from streams.subject import MINUTE, NEVER, RELEASE, Now, Rows, Subject
from streams.subjects.accounts import Accounts
from streams.subjects.ledger import Ledger
from streams.tables import ALL_TABLES
from tests.pipe import Record
from tests.rows import rows_of
from tests.unit.measures.world import NOON, act

DUE = 10 * MINUTE
LATENESS = 15 * MINUTE


class Patient(Subject[list[int]]):
    """Wants to be looked at ten minutes after the beginning of time, and notes when it was."""

    name: ClassVar[str] = "patient"
    code: ClassVar[str] = "z"

    def __init__(self) -> None:
        self.presented: list[int] = []

    def keys(self, fact: Fact) -> Iterable[str]:
        """Return the actor."""
        return (fact.actor,)

    def empty(self, key: str) -> list[int]:
        """Return nothing."""
        return []

    def load(self, key: str, raw: bytes) -> list[int]:
        """Return the times in `raw`."""
        return list(raw)

    def dump(self, state: list[int]) -> bytes:
        """Return the minutes of facts."""
        return bytes(state)

    def fold(self, key: str, state: list[int], facts: Sequence[Fact], rows: Rows) -> int:
        """Note the minutes of facts."""
        state += [fact.time // MINUTE for fact in facts]
        return DUE

    def present(self, key: str, state: list[int], now: Now, rows: Rows) -> int:
        """Note that somebody looked."""
        self.presented.append(now.time)
        return RELEASE


class World:
    """The stage, with one partition, and what it has written."""

    def __init__(self, other: Subject[Any] | None = None) -> None:
        self.subject = Patient()
        self.body = Accumulate(names=Names(), partitions=1, subjects=[other or self.subject])
        self.values: dict[bytes, bytes] = {}
        self.offset = 0
        self.body.restore(0, self.values, 0, b"")

    def come(self, minute: int, behind: bool = False, who: str = "ada", code: str = "z") -> None:
        """Let a fact of that minute come."""
        fact = Fact("id", 0, minute * MINUTE, who, given=1)
        floor = fact.time - LATENESS
        routed = Routed(0, self.offset, self.offset + 1, fact.time, floor, ((self.offset, (code + who,), fact),))
        effects = self.body.process(0, [Record(self.offset, 0, None, encode(routed))], behind)
        self.offset += 1
        for key, value in effects.writes.items():
            if value is None:
                del self.values[key]
            else:
                self.values[key] = value
        self.values[PROGRESS] = effects.kept

    def rest(self) -> None:
        """Let the stage do what is to be done."""
        while self.body.idle(0, 0, self.offset, False) is not None:
            pass


@pytest.mark.parametrize("behind", [False, True])
def test_what_is_due_and_touched_at_once_is_not_forgotten(behind: bool) -> None:
    """The fact that lets time come to the due is one for the same key."""
    world = World()
    world.come(1, behind)
    world.rest()
    assert not world.subject.presented
    world.come(20, behind)
    world.rest()
    assert world.subject.presented


@pytest.mark.parametrize("fleeting", [False, True])
def test_a_batch_that_is_repeated_releases_nothing_it_has_seen(fleeting: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have to be repeated once more, and would count again for what is not there any more."""
    monkeypatch.setattr(Patient, "fleeting", fleeting)
    monkeypatch.setattr(Patient, "spent", lambda *_: True)
    world = World()
    facts = tuple(
        (n, ("z" + who,), Fact("id", 0, n * 20 * MINUTE, who, given=1)) for n, who in enumerate(("ada", "bob"))
    )
    batch = [Record(0, 0, None, encode(Routed(0, 0, 2, 20 * MINUTE, 0, facts)))]
    for _ in range(3):  # each time the state is durable, and the progress is not
        world.body.restore(0, world.values, 0, b"")
        for key, value in world.body.process(0, batch, False).writes.items():
            assert value is not None
            world.values[key] = value
    assert [value[-1] for value in world.values.values()] == [0, 20]
    effects = world.body.idle(0, 0, 1, False)
    assert effects is not None
    assert effects.writes == {b"zada": None, b"zbob": None}


def test_it_rests_when_nothing_waits_or_is_due() -> None:
    """Then nobody need wake its thread; also of a partition of which nothing is known."""
    world = World()
    assert world.body.rests(7)
    world.come(1)
    assert world.body.rests(0)
    world.come(20, behind=True, who="bob")
    assert not world.body.rests(0)
    world.rest()
    assert world.body.rests(0)


def test_a_due_that_stays_is_noted_once() -> None:
    """However often its key is touched."""
    world = World()
    for minute in (1, 2, 3, 4):
        world.come(minute)
    assert len(world.body.held[0].agendas[ord("z")]._times) == 1


@pytest.mark.parametrize("light", [False, True])
def test_what_is_light_is_presented_even_while_behind(light: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is at hand; what is not light waits for better times."""
    monkeypatch.setattr(Patient, "light", light)
    world = World()
    world.come(1, behind=True)
    assert bool(world.subject.presented) is light
    world.come(20, behind=True)
    assert len(world.subject.presented) == (2 if light else 0)


def test_how_many_wait_and_how_long_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all partitions together; the longest wait counts, in event time."""
    monkeypatch.setattr(Patient, "fold", lambda *_: None)
    monkeypatch.setattr(Patient, "present", lambda *_: NEVER)

    def said() -> list[float | None]:
        names = ("juice_waiting_keys", "juice_waiting_seconds")
        return [telemetry.REGISTRY.get_sample_value(name, {"table": "patient"}) for name in names]

    world = World()
    world.come(1, behind=True)
    assert said() == [1, 0]
    world.come(9, behind=True, who="bob")
    world.come(9, behind=True)
    assert said() == [2, 8 * 60]
    world.rest()
    assert said() == [0, 0]


@pytest.mark.parametrize("behind", [False, True])
def test_a_busy_account_of_the_ledger_takes_no_more_room_than_a_quiet_one(behind: bool) -> None:
    """Its next due moves on with each fact, so what is final must go while it is at hand."""
    world = World(Ledger())
    sizes = []
    for minute in range(1, 1_000):
        world.come(minute, behind, code="l")
        sizes.append(len(world.values[b"lada"]))
    assert sizes[-1] < 2 * sizes[100]


def test_a_ledger_of_nothing_is_released_whatever_is_final() -> None:
    """Also while nobody knows yet what is: what was done and undone in one batch leaves nothing."""
    assert Ledger().present("ada", {}, Now(3 * MINUTE, UNHEARD), Rows()) == RELEASE


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("due", [None, DUE])
def test_what_is_put_off_is_bounded(due: int | None, restarts: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a worker is behind, keys that wait to be presented, and those whose time has come, are released; also
    by a worker that is started again and again.
    """
    monkeypatch.setattr(accumulate, "MAX_PRESENTED", 1)
    monkeypatch.setattr(Patient, "patience", 3 * MINUTE)
    monkeypatch.setattr(Patient, "fold", lambda *_: due)
    world = World()
    for number in range(500):
        world.come(1 + number // 10, behind=True, who=f"u{number}")
        if restarts and number % 50 == 0:
            world.body.restore(0, world.values, world.offset, world.values[PROGRESS])
    assert len(world.values) < 150  # ten begin in a minute, are due after ten, and wait for three


def test_rows_by_column_say_where_they_are_of_and_what_they_have_seen() -> None:
    """As all rows do: their partition, and as version the next input offset; that they are by column is in a header."""
    accumulate = Accumulate(names=Names(), partitions=3, subjects=[Accounts()])
    accumulate.restore(2, {}, 0, b"")
    fact = act("like", "ann", "bob")
    routed = Routed(0, 0, 1, NOON, UNHEARD, ((0, ("aann", "abob"), fact),))
    effects = accumulate.process(2, [Record(40, 0, None, encode(routed))], False)
    by_table = {(send.key or b"").decode(): send for send in effects.sends}
    assert by_table.keys() == {"account_panes", "account_scores"}
    for table, send in by_table.items():
        read = list(rows_of(ALL_TABLES[table], send.value or b""))
        assert (send.partition, {row[-1] for row in read}, {row[0] for row in read}) == (2, {41}, {"ann", "bob"})
        assert int(dict(send.headers)["rows"]) == len(read)
    assert dict(by_table["account_scores"].headers)["format"] == b"Native zstd"
    assert "format" not in dict(by_table["account_panes"].headers)
