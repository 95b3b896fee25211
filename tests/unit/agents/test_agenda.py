"""The agenda: every key comes when its time or its floor has, once, whatever was noted of it before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.agents import agenda as module
from streams.agents.agenda import HEADER, ROOM, Agenda, written
from streams.subject import NEVER, Due, Now

moments = st.integers(1, 6) | st.just(NEVER)
dues = st.builds(Due, moments, moments) | moments
notes = st.lists(st.tuples(st.sampled_from((b"a", b"b", b"c")), dues), max_size=12)


def noted(some: list[tuple[bytes, int | Due]]) -> tuple[Agenda, dict[bytes, bytes], dict[bytes, Due]]:
    """Return an agenda with notes, values as they are stored, and what was noted last of each key."""
    agenda, values, last = Agenda(), {}, {}
    for key, due in some:
        agenda.put(key, due)
        values[key] = HEADER.pack(0, written(due))
        last[key] = Due.of(due)
    return agenda, values, last


@given(notes, st.integers(0, 7), st.integers(0, 7))
def test_a_key_comes_when_what_was_noted_last_has_come(
    some: list[tuple[bytes, int | Due]], time: int, floor: int
) -> None:
    """Only the last note of a key counts, and either moment of it is enough."""
    agenda, values, last = noted(some)
    now = Now(time, floor)
    want = {key for key, due in last.items() if due.time <= time or due.floor <= floor}
    assert set(agenda.take(now, values)) == want
    assert want <= set(values)
    assert not agenda.ripe(now)


@given(notes, st.integers(0, 7), st.integers(0, 7))
def test_after_a_restart_nothing_is_forgotten(some: list[tuple[bytes, int | Due]], time: int, floor: int) -> None:
    """From the headers alone the same keys come; those that wait for either of two moments are looked at at once."""
    _, values, last = noted(some)
    again = Agenda()
    for key, raw in values.items():
        again.restore(key, HEADER.unpack(raw)[1], 0)
    at_once = set(again.waiting)
    assert at_once == {key for key, due in last.items() if NEVER not in due}
    want = {key for key, due in last.items() if due.time <= time or due.floor <= floor}
    assert set(again.take(Now(time, floor), values)) | at_once >= want
    assert set(again.take(Now(time, floor), values)) == set()


def test_a_key_that_is_gone_does_not_come() -> None:
    """What was released, or dropped by name, is no longer due."""
    agenda, values, _ = noted([(b"a", 1), (b"b", Due(time=1, floor=1))])
    del values[b"a"]
    agenda.drop(b"b")
    assert list(agenda.take(Now(9, 9), values)) == []


@given(notes, st.integers(0, 7), st.integers(0, 7))
def test_sweeping_out_what_is_stale_changes_nothing(some: list[tuple[bytes, int | Due]], time: int, floor: int) -> None:
    """The same keys come, however often what is stale is swept out."""
    agenda, values, _ = noted(some)
    other, _, _ = noted(some)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "ROOM", -100)
        agenda.sweep(values, len(values))
    assert set(agenda.take(Now(time, floor), values)) == set(other.take(Now(time, floor), values))


def test_a_busy_key_takes_no_more_room_than_a_quiet_one() -> None:
    """What is stale does not become more with time, though its moment is far away."""
    agenda = Agenda()
    for due in range(10 * ROOM):
        values = {b"a": HEADER.pack(0, 10**9 + due), b"b": HEADER.pack(0, -2 - 10**9 - due)}
        agenda.put(b"a", 10**9 + due)
        agenda.put(b"b", Due(floor=10**9 + due))
        agenda.sweep(values, len(values))
    assert len(agenda._times) <= ROOM + 4
    assert len(agenda._floors) <= ROOM + 4
    assert list(agenda.take(Now(2 * 10**9, 2 * 10**9), values)) == [b"a", b"b"]


@given(notes, dues, st.integers(0, 5), st.integers(0, 5))
def test_what_is_on_the_agenda_is_not_put_again(
    some: list[tuple[bytes, int | Due]], due: int | Due, time: int, floor: int
) -> None:
    """A key comes when its last note has come, and one that is touched often with the same moment is there once."""
    agenda, values, _ = noted(some)
    now = Now(time, floor)
    said = dict.fromkeys(values, NEVER) | {key: HEADER.unpack(raw)[1] for key, raw in values.items()}
    for key in agenda.take(now, values):
        agenda.wait(key, now)
    for key, before in said.items():
        agenda.note(key, due, before, now)
        values[key] = HEADER.pack(0, written(due))
    size = len(agenda._times) + len(agenda._floors)
    for _ in range(5):
        for key in values:
            agenda.note(key, due, HEADER.unpack(values[key])[1], now)
    moments = Due.of(due)
    if moments.time > time and moments.floor > floor and (isinstance(due, int) or due.time == NEVER):
        assert len(agenda._times) + len(agenda._floors) == size
    later = Now(6, 6)
    assert set(agenda.take(later, values)) == (set(values) if moments != Due() else set())


def test_those_that_waited_longest_come_first_and_none_waits_too_long() -> None:
    """A key that waits already goes on waiting since then; only who overstayed comes when the others are put off."""
    agenda, values = Agenda(patience=10), {b"due": HEADER.pack(0, 4), b"late": HEADER.pack(0, 14)}
    agenda.wait(b"b", Now(3, 0))
    agenda.wait(b"a", Now(5, 0))
    agenda.wait(b"b", Now(9, 0))
    agenda.put(b"due", 4)
    agenda.put(b"late", 14)
    assert list(agenda.next(Now(12, 0), values, overstayed=True)) == []
    assert list(agenda.next(Now(14, 0), values, overstayed=True)) == [b"b", b"due"]
    assert list(agenda.next(Now(15, 0), values)) == [b"b", b"a", b"late"]
