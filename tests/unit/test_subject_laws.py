"""The laws every subject keeps, whatever it measures; subjects are found in the registry, so a new one is
tested too.

What counts is what a reader of ClickHouse would see: of rows with one key the last one said, and none that
its table does not show.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.event import KINDS, Event
from schemas.fact import Fact, fact_of
from schemas.rows import encode_rows
from schemas.wire import decode_brief, encode
from streams.campaigns.rulebook import Rulebook
from streams.subject import DAY, HOUR, MINUTE, RELEASE, SOON, Due, Now, Rows, Subject
from streams.subjects.ledger import Ledger
from streams.subjects.registry import all_subjects
from streams.tables import ALL_TABLES
from tests.unit.campaigns.every_kind import every_kind

START = 1_341_100_800_000
SUBJECTS = {subject.name: subject for subject in (*all_subjects(), Ledger())}
RULED = {
    f"{subject.name} under rules": subject
    for subject in all_subjects(rulebook=Rulebook(every_kind(START)))
    if subject.ruled
}
every_subject = pytest.mark.parametrize("subject", (SUBJECTS | RULED).values(), ids=(SUBJECTS | RULED))

END = Now(START + 2 * DAY, 0)
ACCOUNTS = ("ada", "bob", "cy", "dee")


@st.composite
def facts_of_a_day(draw: st.DrawFn) -> Fact:
    """Draw a fact of a small world, in which much happens to the same few."""
    kind = draw(st.sampled_from([kind for kind in KINDS if kind != "undo"]))
    time = START + draw(st.integers(0, DAY - 1) | st.integers(0, 5 * MINUTE))
    event = Event(
        id=str(draw(st.integers(0, 1 << 60))),
        type=kind,
        time=time,
        actor=draw(st.sampled_from(ACCOUNTS)),
        network=draw(st.sampled_from(("", "bluesky"))),
        actor_followers=draw(st.none() | st.sampled_from((0, 7, 10**9))),
        object=draw(st.sampled_from(("", "p1", "p2", "p3"))),
        object_author=draw(st.sampled_from(("", *ACCOUNTS))),
        root=draw(st.sampled_from(("", "p1", "p2"))),
        parent=draw(st.sampled_from(("", "p1", "p2", "p3"))),
        targets=tuple(draw(st.lists(st.sampled_from(ACCOUNTS), max_size=3))),
        hashtags=draw(st.none() | st.just(("juice",)) | st.just(("ad", "juice"))),
        media=draw(st.sampled_from(((), ("photo",)))),
        venue=draw(st.sampled_from(("", "bar"))),
        incentive=draw(st.sampled_from(("none", "reward"))),
        promo=draw(st.booleans()),
    )
    return fact_of(event, time)


some_facts = st.lists(facts_of_a_day(), max_size=12, unique_by=lambda fact: fact.id)


def changed(fact: Fact, **changes: Any) -> Fact:
    """Return `fact` with some fields changed; an undo is the same fact with `sign` -1."""
    return Fact(**{**msgspec.structs.asdict(fact), **changes})


class Reader:
    """Runs a subject over facts, and shows what is left to read."""

    def __init__(self, subject: Subject[Any]) -> None:
        self.subject = subject
        self.stored: dict[str, bytes] = {}
        self.due: dict[str, Due] = {}
        self.rows: dict[tuple[Any, ...], tuple[Any, ...]] = {}

    def fold(self, facts: Iterable[Fact]) -> None:
        """Add facts, keeping states as bytes, as the agent does."""
        groups: dict[str, list[Fact]] = defaultdict(list)
        for fact in facts:
            for key in self.subject.keys(fact):
                groups[key].append(fact)
        for key, group in groups.items():
            state = self._state(key)
            rows = Rows()
            self.subject.fold(key, state, group, rows)
            self.stored[key] = self.subject.dump(state)
            self._take(rows)

    def present(self, now: Now) -> None:
        """Present every key as of `now`, until it has no more to say."""
        keys = list(self.stored)
        while keys:
            keys = self._present(keys, now)

    def _present(self, keys: list[str], now: Now) -> list[str]:
        """Present keys; return those that have more to say."""
        states = [(key, self._state(key)) for key in keys]
        again = []
        rows = Rows()
        for key, state in states:
            self.subject.look(key, state, now, Alone())
        dues = self.subject.present_many(states, now, rows)
        self._take(rows)
        for (key, state), due in zip(states, dues, strict=True):
            if due == RELEASE:
                del self.stored[key]
                self.due.pop(key, None)
            elif due == SOON:
                self.stored[key] = self.subject.dump(state)
                again.append(key)
            else:
                due = Due.of(due)
                assert due.time > now.time, "due in the past would be asked for again and again"
                assert due.floor > now.floor
                self.stored[key] = self.subject.dump(state)
                self.due[key] = due
        return again

    def seen(self) -> dict[tuple[Any, ...], dict[str, Any]]:
        """Return the rows that their tables show."""
        found = {}
        for key, row in self.rows.items():
            table = ALL_TABLES[key[0]]
            for shown in table.shown(row):
                values = dict(zip(table.names, shown, strict=True))
                if not table.live or eval(table.live, {}, values):
                    found[key[0], *(_hashable(values[column]) for column in table.key)] = values
        return found

    def said(self) -> dict[tuple[Any, ...], dict[str, Any]]:
        """Return what the rows say, but for the moment at which they do."""
        return {key: {**row, "as_of": None} for key, row in self.seen().items()}

    def _state(self, key: str) -> Any:
        raw = self.stored.get(key)
        return self.subject.empty(key) if raw is None else self.subject.load(key, raw)

    def _take(self, rows: Rows) -> None:
        for name, said in rows.listed().items():
            table = ALL_TABLES[name]
            for row in said:
                assert len(row) == len(table.names), name
                values = dict(zip(table.names, row, strict=True))
                self.rows[(name, *(_hashable(values[column]) for column in table.stored_key))] = row


class Alone:
    """No other keys."""

    def keys(self, prefix: bytes) -> list[bytes]:
        """Return none."""
        return []

    def get(self, key: bytes) -> bytes | None:
        """Return nothing."""
        return None


def _written(rows: Rows) -> dict[str, list[bytes]]:
    """Return the rows as they leave, in any order."""
    return {table: sorted(encode_rows([row]) for row in said) for table, said in rows.listed().items()}


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@every_subject
@given(data=st.data(), facts=some_facts)
@settings(max_examples=25, deadline=None)
def test_order_and_grouping_do_not_matter(subject: Subject[Any], data: st.DataObject, facts: list[Fact]) -> None:
    """The same facts say the same, in any order and however they are grouped into folds."""
    together, apart = Reader(subject), Reader(subject)
    together.fold(facts)
    together.present(END)
    shuffled = data.draw(st.permutations(facts))
    while shuffled:
        cut = data.draw(st.integers(1, len(shuffled)))
        apart.fold(shuffled[:cut])
        shuffled = shuffled[cut:]
    apart.present(END)
    assert apart.seen() == together.seen()


@pytest.mark.parametrize("subject", [each for each in SUBJECTS.values() if each.brief], ids=lambda each: each.name)
@given(facts=some_facts)
@settings(max_examples=25, deadline=None)
def test_a_brief_is_all_it_asks_for(subject: Subject[Any], facts: list[Fact]) -> None:
    """Who says so has the same keys and says the same, when no more is read of facts."""
    whole, part = Reader(subject), Reader(subject)
    briefs: list[Any] = [decode_brief(encode(fact)) for fact in facts]
    assert [list(subject.keys(brief)) for brief in briefs] == [list(subject.keys(fact)) for fact in facts]
    whole.fold(facts)
    part.fold(briefs)
    for reader in (whole, part):
        reader.present(END)
    assert part.seen() == whole.seen()
    assert part.stored == whole.stored


@every_subject
@given(data=st.data(), facts=some_facts, more=some_facts)
@settings(max_examples=25, deadline=None)
def test_what_is_undone_was_never_there(
    subject: Subject[Any], data: st.DataObject, facts: list[Fact], more: list[Fact]
) -> None:
    """A fact and its undo, among others and in any order, say what neither would have."""
    without, with_undone = Reader(subject), Reader(subject)
    without.fold(facts)
    without.present(END)
    # What an undone event said of its actor's followers is no part of what it did: let it say nothing.
    known = {fact.id for fact in facts}
    silent = [changed(fact, followers=-1, following=-1) for fact in more if fact.id not in known]
    undone = [changed(fact, sign=-1) for fact in silent]
    with_undone.fold(data.draw(st.permutations([*facts, *silent, *undone])))
    with_undone.present(END)
    assert with_undone.seen() == without.seen()


@every_subject
@given(facts=some_facts)
@settings(max_examples=25, deadline=None)
def test_a_stored_state_says_what_it_said(subject: Subject[Any], facts: list[Fact]) -> None:
    """A state that was dumped and loaded presents the rows, and the due time, of the one that was not."""
    groups: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        for key in subject.keys(fact):
            groups[key].append(fact)
    for key, group in groups.items():
        state = subject.empty(key)
        subject.fold(key, state, group, Rows())
        copy = subject.load(key, subject.dump(state))
        said, said_by_copy = Rows(), Rows()
        assert subject.present(key, state, END, said) == subject.present(key, copy, END, said_by_copy)
        assert _written(said) == _written(said_by_copy)


@pytest.mark.parametrize("subject", [each for each in SUBJECTS.values() if each.fleeting], ids=lambda each: each.name)
@given(facts=some_facts, minutes=st.integers(-600, 4_000))
@settings(max_examples=100, deadline=None)
def test_what_is_spent_has_nothing_more_to_say(subject: Subject[Any], facts: list[Fact], minutes: int) -> None:
    """It is released without being loaded, so who loads it must come to the same; the facts are of one day."""
    reader = Reader(subject)
    reader.fold(facts)
    for key, raw in reader.stored.items():
        now, rows = Now(START + max(minutes, 0) * MINUTE, START + minutes * MINUTE), Rows()
        due = subject.present(key, subject.load(key, raw), now, rows)
        assert subject.spent(raw, now) == (due == RELEASE and not rows.listed())


@every_subject
@given(facts=some_facts)
@settings(max_examples=25, deadline=None)
def test_together_as_apart(subject: Subject[Any], facts: list[Fact]) -> None:
    """Keys that are presented together say the rows, and the due times, that each says alone."""
    reader = Reader(subject)
    reader.fold(facts)
    together, apart = Rows(), Rows()
    states = [(key, reader._state(key)) for key in reader.stored]
    dues = subject.present_many(states, END, together)
    assert dues == [subject.present(key, reader._state(key), END, apart) for key in reader.stored]
    assert _written(together) == _written(apart)


@every_subject
@given(data=st.data(), facts=some_facts)
@settings(max_examples=25, deadline=None)
def test_it_does_not_matter_how_often_one_looks(subject: Subject[Any], data: st.DataObject, facts: list[Fact]) -> None:
    """Presenting on the way, at any times and with any promise of the floor that holds, changes no last
    row."""
    once, often = Reader(subject), Reader(subject)
    ordered = sorted(facts, key=lambda fact: fact.time)
    end = Now(END.time + data.draw(st.integers(0, 70)) * DAY, START + DAY)
    once.fold(ordered)
    once.present(end)
    while ordered:
        cut = data.draw(st.integers(1, len(ordered)))
        often.fold(ordered[:cut])
        newest, ordered = ordered[cut - 1].time, ordered[cut:]
        lag = data.draw(st.sampled_from((0, MINUTE, HOUR)))
        floor = min([newest - lag, *(fact.time for fact in ordered[:1])])
        often.present(Now((newest // MINUTE + 1) * MINUTE, floor))
    time = END.time
    while time < end.time:
        often.present(Now(time, START + DAY))
        time += data.draw(st.sampled_from((MINUTE, HOUR + MINUTE, DAY, 9 * DAY)))
    often.present(end)
    assert often.said() == once.said()


@every_subject
@given(data=st.data(), facts=some_facts)
@settings(max_examples=25, deadline=None)
def test_what_is_said_holds_until_it_is_due(subject: Subject[Any], data: st.DataObject, facts: list[Fact]) -> None:
    """Between two due times there is nothing new to read."""
    reader = Reader(subject)
    reader.fold(facts)
    now = END
    reader.present(now)
    for _ in range(3):
        if not reader.due:
            break
        said = reader.said()
        due = min(END.time + 400 * DAY, *(due.time for due in reader.due.values()))
        if due <= now.time:
            break  # what is left waits for the floor, or for nothing
        between = data.draw(st.integers(now.time // MINUTE, (due - 1) // MINUTE)) * MINUTE
        early = Reader(subject)
        early.stored, early.rows = dict(reader.stored), dict(reader.rows)
        early.present(Now(max(between, now.time), now.floor))
        assert early.said() == said
        now = Now(-(-due // MINUTE) * MINUTE, now.floor)
        reader.present(now)


@every_subject
@given(raw=st.binary(max_size=40))
@settings(max_examples=10, deadline=None)
def test_what_was_not_dumped_is_not_loaded(subject: Subject[Any], raw: bytes) -> None:
    """Bytes of another format are refused, since they are corruption."""
    with pytest.raises((ValueError, IndexError, TypeError)):
        subject.load("ada", b"\xff" + raw)
