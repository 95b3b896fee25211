"""What accept remembers decides as if nothing were ever forgotten, whatever is cut, killed and started again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.fact import LIKE, UNDO, Fact
from schemas.wire import raw_fact
from streams.agents import memory as module
from streams.agents.memory import Memory, Undo
from streams.engine.progress import FENCE
from streams.subject import HOUR, MINUTE

HORIZON = HOUR
DAY = 24 * HOUR


def fact(name: str, time: int, kind: int = LIKE) -> Fact:
    """Return a fact of that id and time."""
    return Fact(name, kind, time, "ada")


def remember(memory: Memory, offset: int, one: Fact) -> bool:
    """Have a memory accept a fact; tell whether it was taken back before."""
    return memory.accept(offset, one, raw_fact(one)) is not None


class Everything:
    """The rules as they are told, over all that ever happened."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.orders: list[tuple[str, Undo]] = []

    def step(self, what: str, name: str, time: int) -> Any:
        """Take one claim or order; return what is decided."""
        near = [e for e in self.events if e["name"] == name and abs(e["time"] - time) <= HORIZON]
        if what == "order":
            self.orders.append((name, Undo(time, f"u{len(self.events) + len(self.orders)}")))
            undone = [e for e in near if e["kind"] == "like" and not e["undone"]]
            for event in undone:
                event["undone"] = True
            return sorted(e["time"] for e in undone)
        if near:
            return "duplicate"
        undone = what == "like" and any(n == name and abs(undo.time - time) <= HORIZON for n, undo in self.orders)
        self.events.append({"name": name, "time": time, "kind": what, "undone": undone})
        return "undone" if undone else "counts"

    def retractions(self) -> dict[tuple[str, int], Undo]:
        """Return the earliest undo of each event that is taken back."""
        return {
            (e["name"], e["time"]): min(
                u for n, u in self.orders if n == e["name"] and abs(u.time - e["time"]) <= HORIZON
            )
            for e in self.events
            if e["undone"]
        }


class Kept:
    """A memory with its changelog, that can be flushed, killed and started again."""

    def __init__(self) -> None:
        self.changelog: dict[bytes, bytes] = {}
        self.offset = self.settled = self.progress = self.settled_before = 0
        self.told: dict[tuple[str, int], Undo] = {}
        """What was said to be taken back, as last said."""
        self.restart()

    def flush(self, durable: int | None = None) -> None:
        """End a batch; with `durable`, die when so many of its writes are done, and start again before it."""
        writes = self.memory.flush(self.settled_before)
        for key, value in list(writes.items())[:durable]:
            if value is None:
                self.changelog.pop(key, None)
            elif value[:8] >= self.changelog.get(key, b"")[:8]:
                self.changelog[key] = value
        if durable is None:
            self.table.update({key: value for key, value in writes.items() if value is not None})
            for key in (key for key, value in writes.items() if value is None):
                self.table.pop(key, None)
            self.progress, self.settled_before = self.offset, self.settled
        else:
            self.offset, self.settled = self.progress, self.settled_before
            self.restart()

    def restart(self) -> None:
        """Start again on what is durable."""
        self.table = dict(self.changelog)
        self.memory = Memory(self.table, HORIZON)
        self.memory.restore(self.offset, self.settled)

    def step(self, what: str, name: str, time: int, settled: int = 0, undo: str = "") -> Any:
        """Take one claim or order, of `undo`, after which nothing with a time before `settled` comes; return what is decided."""
        self.offset += 1
        found: Any
        if what == "order":
            carried = self.memory.order(self.offset - 1, Undo(time, undo), name)
            self.told |= {(name, told.time): told.by for told in carried.told}
            found = sorted(fact.time for fact in carried.undone)
        elif self.memory.duplicate(one := fact(name, time, UNDO if what == "undo" else LIKE), 0):
            found = "duplicate"
        elif (told := self.memory.accept(self.offset - 1, one, raw_fact(one))) is not None:
            self.told[told.id, told.time] = told.by
            found = "undone"
        else:
            found = "counts"
        self.settled = max(self.settled, settled)
        self.memory.forget(self.settled)
        return found


steps = st.tuples(st.sampled_from(("like", "like", "undo", "order")), st.sampled_from("abc"), st.integers(-3600, 3600))
happenings = st.sampled_from(("go on", "go on", "go on", "flush", "restart", "die"))


@given(claims=st.lists(steps, max_size=60), data=st.data())
def test_it_decides_as_if_nothing_were_forgotten(claims: list[tuple[str, str, int]], data: st.DataObject) -> None:
    """Over many hours, however claims are cut into batches and whenever the worker dies, each is judged by the rules, and in the
    end every retraction names the earliest undo; what is remembered still can be told once more.
    """
    timed = [(what, name, DAY + n * 10 * MINUTE + seconds * 1000) for n, (what, name, seconds) in enumerate(claims)]
    everything, kept = Everything(), Kept()
    undos, judged = [], []
    for claim in timed:
        undos.append(f"u{len(everything.events) + len(everything.orders)}")
        judged.append(everything.step(*claim))
    while kept.offset < len(timed):
        number = kept.offset
        promise = min((time for *_, time in timed[number + 1 :]), default=0)
        assert kept.step(*timed[number], promise, undos[number]) == judged[number]
        match data.draw(happenings):
            case "flush":
                kept.flush()
            case "restart":
                kept.flush()
                kept.restart()
            case "die":
                kept.flush(data.draw(st.integers(0, 3)))
    assert kept.told == everything.retractions()
    kept.flush()
    kept.restart()
    recalled = {(told.id, told.time): told.by for told in kept.memory.recall()}
    assert recalled.items() <= kept.told.items()
    assert recalled.keys() >= {key for key in kept.told if key[1] > kept.settled - HORIZON}


def test_an_undo_counts_once_across_a_restart() -> None:
    """An event that was taken back before a restart is not taken back once more after it."""
    kept = Kept()
    kept.step("like", "a", DAY)
    assert kept.step("order", "a", DAY) == [DAY]
    kept.flush()
    kept.restart()
    assert kept.step("order", "a", DAY) == []


def test_how_late_a_copy_is_adds_to_its_distance() -> None:
    """So nobody need remember for longer than the horizon, and whoever does says the same."""
    memory = Memory({}, HORIZON)
    remember(memory, 0, fact("a", DAY))
    assert memory.duplicate(fact("a", DAY), HORIZON)
    assert not memory.duplicate(fact("a", DAY), HORIZON + 1)
    assert memory.duplicate(fact("a", DAY + HORIZON), 0)
    assert not memory.duplicate(fact("a", DAY + HORIZON + 1), 0)
    assert not memory.duplicate(fact("a", DAY - HORIZON + 5), 6)


def test_what_an_order_found_is_said() -> None:
    """Whether it was carried out, had been before, came too early, or asks for what cannot be."""
    memory = Memory({}, HORIZON)
    remember(memory, 0, fact("a", DAY))
    remember(memory, 1, fact("u", DAY, UNDO))
    asked = [("a", DAY + 2 * HORIZON), ("a", DAY), ("a", DAY), ("u", DAY), ("nobody", DAY)]
    said = [memory.order(2, Undo(time, "u"), target).outcome for target, time in asked]
    assert said == ["refused", "applied", "repeated", "refused", "waiting"]


def test_entries_of_a_batch_to_be_repeated_are_passed_over() -> None:
    """What a segment says beyond the progress record was not decided yet, and what is no more than that goes."""
    kept = Kept()
    kept.step("like", "a", DAY)
    kept.step("like", "b", DAY)
    kept.flush()
    kept.step("like", "c", DAY)
    kept.flush()
    kept.offset = kept.progress = 1
    kept.restart()
    known = [kept.memory.duplicate(fact(name, DAY), 0) for name in "abc"]
    assert known == [True, False, False]
    assert list(kept.memory.flush(0).values()) == [None]


def test_what_was_decided_twice_counts_once() -> None:
    """A batch that died half-way is repeated with another end: its entries stand in two segments, the event is one."""
    kept = Kept()
    for name in "abc":
        kept.step("like", name, DAY)
    kept.flush(durable=1)
    kept.step("like", "a", DAY)
    kept.flush()
    kept.step("like", "b", DAY)
    kept.step("like", "c", DAY)
    kept.flush()
    kept.restart()
    assert len(kept.table) == 2
    assert kept.step("order", "b", DAY) == [DAY]


def test_an_order_is_remembered_as_long_as_its_event() -> None:
    """Its event may be younger by the horizon, and must not come back to life in a restart."""
    kept = Kept()
    kept.step("order", "a", DAY)
    kept.flush()
    assert kept.step("like", "a", DAY + HORIZON) == "undone"
    kept.flush()
    kept.step("like", "b", DAY + 2 * HORIZON, DAY + 2 * HORIZON)
    for _ in "..":
        kept.flush()
    kept.restart()
    assert kept.step("order", "a", DAY + 2 * HORIZON) == []


def test_thousands_of_undos_of_one_event_are_forgotten_together() -> None:
    """Those of a minute in one look at all that wait for it; otherwise forgetting them would cost the square of their number."""

    class Waiting(dict[str, list[Undo]]):
        looks = 0

        def pop(self, *what: Any) -> Any:
            self.looks += 1
            return super().pop(*what)

    memory = Memory({}, HORIZON)
    memory._waiting = waiting = Waiting()
    for number in range(1_000):
        memory.order(number, Undo(DAY + number % 2 * MINUTE, f"u{number}"), "a")
    memory.forget(DAY + MINUTE + HORIZON)
    assert len(waiting["a"]) == 500
    memory.forget(DAY + 2 * MINUTE + HORIZON)
    assert not waiting
    assert waiting.looks == 2


def test_an_id_used_again_hides_nothing_and_holds_nothing() -> None:
    """Beyond the horizon an id may be used again; the older event is found until it is forgotten, then no more."""
    kept = Kept()
    kept.step("like", "a", DAY)
    kept.flush()
    assert kept.step("like", "a", DAY + 90 * MINUTE) == "counts"
    kept.flush()
    assert kept.step("order", "a", DAY) == [DAY]
    assert kept.step("order", "a", DAY + 45 * MINUTE) == [DAY + 90 * MINUTE]
    kept.step("like", "b", DAY + 4 * HORIZON, DAY + 90 * MINUTE)
    kept.settled += MINUTE
    for _ in "..":
        kept.flush()
    assert not kept.memory.duplicate(fact("a", DAY - HORIZON), 0)


def test_it_is_bounded_by_the_horizon() -> None:
    """Days of ids leave no more behind than the last hours did."""
    kept = Kept()
    for number in range(3_000):
        time = DAY + number * MINUTE
        kept.step("like", f"e{number}", time, time - HORIZON)
        kept.step("order", f"e{number - 5}", time, time - HORIZON)
        if number % 10 == 0:
            kept.flush()
    assert len(kept.memory) < 150
    events, orders = (sum(key.startswith(kind) for key in kept.table) for kind in (b"c", b"o"))
    assert events < 15, "orders are needed for longer, and do not hold the events they came with"
    assert orders < 22


def test_a_segment_outlives_the_batch_that_outdates_it() -> None:
    """A batch deletes nothing that its own beginning could still ask for, or its repetition would decide otherwise."""
    kept = Kept()
    kept.step("like", "a", DAY)
    kept.flush()
    kept.step("like", "a", DAY)
    kept.step("like", "b", 3 * DAY, 3 * DAY)
    kept.flush(durable=10)
    assert kept.step("like", "a", DAY) == "duplicate"
    kept.step("like", "b", 3 * DAY, 3 * DAY)
    kept.flush()
    kept.step("like", "c", 3 * DAY)
    kept.flush()
    assert len(kept.table) == 2, "a's segment is gone, b's and c's are there"


def test_a_large_batch_makes_several_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each fits into a message, no offset is torn apart, and together they hold everything."""
    monkeypatch.setattr(module, "MAX_MESSAGE", 2_000)
    memory = Memory(table := {}, HORIZON)
    for number in range(300):
        remember(memory, number // 3, fact(f"e{number}", DAY))
    writes = memory.flush(0)
    assert len(writes) > 5
    assert all(value is not None and len(value) <= 2_000 + FENCE.size for value in writes.values())
    table.update(writes)  # type: ignore[arg-type]
    again = Memory(table, HORIZON)
    again.restore(100, 0)
    assert len(again) == 300
    undo = Undo(DAY, "u")
    assert again.order(100, undo, "e7").undone == [fact("e7", DAY)] == memory.order(100, undo, "e7").undone
