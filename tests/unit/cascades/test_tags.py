"""Rising hashtags: raised once per rise, whatever the order, and withdrawn when the reason goes."""

from __future__ import annotations

import math
import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.fact import LIKE, POST, Fact
from schemas.rows.trends import TRENDS
from streams.measures.rising import BUCKET, FLOOR, HIGH, KEPT, LOW, NEEDED, people
from streams.subject import DAY, HOUR, MINUTE, RELEASE, Due, Now, Rows
from streams.subjects.tags import Tags
from tests.unit.cascades.helpers import run, shown

START = 1_341_100_200_000 // BUCKET * BUCKET


def uses(counts: dict[int, int], tag: str = "juice") -> list[Fact]:
    """Return facts of so many people using a tag in each bucket after START."""
    return [
        Fact(f"{bucket}-{n}", POST, START + bucket * BUCKET + n % 250 * 1_000, f"p{n}", tags=(tag,))
        for bucket, count in counts.items()
        for n in range(count)
    ]


def at(bucket: float) -> int:
    """Return the time of a bucket after START."""
    return START + round(bucket * BUCKET)


def rises(facts: list[Fact], *, now: float, floor: float = -1) -> list[dict[str, Any]]:
    """Return what readers of trends see after `facts`."""
    return list(shown(run(Tags(), [facts], Now(at(now), at(floor))), TRENDS).values())


def plain_rises(counts: dict[int, float], last: int) -> list[tuple[int, int]]:
    """Return begin and end (0: still on) of every rise up to bucket `last`, by going over every single
    bucket.
    """
    level, began, found = 0.0, -1, []
    for bucket in range(min(counts, default=0), last):
        count = counts.get(bucket, 0.0)
        expected = max(level, FLOOR)
        z = (count - expected) / math.sqrt(expected)
        if began < 0 and z >= HIGH:
            began = bucket
        elif began >= 0 and z < LOW:
            found.append((began, bucket + 1))
            began = -1
        level += (1 - KEPT) * (count - level)
    return [*found, (began, 0)] if began >= 0 else found


COUNTS = st.dictionaries(st.integers(0, 40), st.sampled_from([1, 2, 5, 8, 9, 12, 30, 60]), max_size=12)


@settings(max_examples=150)
@given(counts=COUNTS, seed=st.integers(0, 99), cut=st.integers(1, 60), looks=st.integers(1, 9))
def test_rises_are_those_of_a_plain_walk_over_all_buckets(
    counts: dict[int, int], seed: int, cut: int, looks: int
) -> None:
    """In order or not, looked at often or once, settled early or late, the same rises are shown."""
    facts = uses(counts)
    expected = plain_rises({bucket: people(_slots(count)) for bucket, count in counts.items()}, 42)
    random.Random(seed).shuffle(facts)
    batches = [facts[i : i + cut] for i in range(0, len(facts), cut)]
    for between in (None, Now(at(42), at(-1))):
        rows = shown(run(Tags(), batches, Now(at(42), at(-1)), store=True, between=between), TRENDS)
        assert sorted(_span(row) for row in rows.values()) == expected

    tags, rows_in_order = Tags(), Rows()
    state = tags.empty("juice")
    for bucket in range(43):
        tags.fold("juice", state, uses({bucket: counts.get(bucket, 0)}), rows_in_order)
        if bucket % looks == 0 or bucket == 42:
            tags.present("juice", state, Now(at(bucket), at(bucket - 15)), rows_in_order)
            state = tags.load("juice", tags.dump(state))
    assert sorted(_span(row) for row in shown(rows_in_order, TRENDS).values()) == expected


def told(rows: Rows) -> list[tuple[str, int, int | None]]:
    """Return what the outside was told: id, begin (0: withdrawn) and end, in order."""
    names = TRENDS.names
    where = [names.index(name) for name in ("id", "raised_at", "ended_at")]
    return [tuple(row[i] for i in where) for row in rows.news.get("trends", ())]  # type: ignore[misc]


@settings(max_examples=100)
@given(counts=COUNTS, looks=st.integers(1, 5), data=st.data())
def test_the_outside_is_told_of_each_begin_and_end_once(
    counts: dict[int, int], looks: int, data: st.DataObject
) -> None:
    """However often one looks, and with uses undone, nothing is told twice, and the last word is what is shown."""
    tags, rows = Tags(), Rows()
    state = tags.empty("juice")
    for bucket in range(43):
        facts = uses({bucket: counts.get(bucket, 0)})
        if facts and data.draw(st.booleans()):
            facts += [replace(fact, sign=-1) for fact in uses({bucket - 1: counts.get(bucket - 1, 0)})]
        tags.fold("juice", state, facts, rows)
        for look in range(looks):
            tags.present("juice", state, Now(at(bucket) + look * MINUTE, at(bucket - 15)), rows)
            state = tags.load("juice", tags.dump(state))
    said = told(rows)
    assert all(one != other for one, other in pairwise(said) if one[0] == other[0])
    last = {id: (begun, ended) for id, begun, ended in said if begun}
    gone = {id for id, begun, _ in said if not begun}
    visible = {row["id"]: (row["raised_at"], row["ended_at"]) for row in shown(rows, TRENDS).values()}
    assert {id: last[id] for id in visible} == visible
    assert last.keys() - visible.keys() <= gone


def _slots(count: int) -> int:
    """Return how many slots of the sketch so many of our people take."""
    tags = Tags()
    state = tags.empty("juice")
    tags.fold("juice", state, uses({0: count}), Rows())
    return len(state.open[START // BUCKET].slots)


def _span(row: dict[str, Any]) -> tuple[int, int]:
    ended = (row["ended_at"] * 1_000 - START) // BUCKET if row["ended_at"] else 0
    return (row["raised_at"] * 1_000 - START) // BUCKET, ended


def test_a_rise_is_raised_while_its_bucket_still_fills() -> None:
    """Enough people in the first minute are enough."""
    (row,) = rises([replace(fact, time=START + 1) for fact in uses({0: 20})], now=0.2)
    assert row["ended_at"] is None
    assert row["z"] == pytest.approx((20 - FLOOR) / math.sqrt(FLOOR), rel=0.02)
    assert row["rate"] == pytest.approx(4, rel=0.02)


def test_hysteresis_keeps_a_rise_one_rise() -> None:
    """Between the two thresholds a rise goes on and is not raised again."""
    assert len(rises(uses({0: 20, 1: 6, 2: 20, 3: 6, 4: 20}), now=5)) == 1


def test_a_tag_that_is_always_used_is_no_rise() -> None:
    """What is usual is expected: after a day of it only the beginning was a rise."""
    counts = dict.fromkeys(range(288), 20)
    facts = uses(counts)
    rows = rises(facts, now=288)
    assert [_span(row)[0] for row in rows] == [0]
    assert rows[0]["ended_at"] is not None
    assert len(rises(facts + uses({288: 60}), now=289)) == 2


def test_one_account_that_uses_a_tag_a_thousand_times_is_one_person() -> None:
    """Repetition by one account raises nothing."""
    facts = [replace(fact, actor="bot") for fact in uses({0: 1_000})]
    assert not rises(facts, now=1)


def test_undone_uses_withdraw_the_rise_that_they_made() -> None:
    """When the reason of a rise is taken away while that can happen, its row goes."""
    facts = uses({0: 20})
    undone = [replace(fact, sign=-1) for fact in facts[5:]]
    now = Now(at(1), at(-1))
    rows = run(Tags(), [facts, undone], now, between=now)
    assert any(row[TRENDS.names.index("raised_at")] for row in rows.by_table["trends"])
    assert not shown(rows, TRENDS)


@given(facts=st.integers(1, 30), gone=st.integers(0, 30), seed=st.integers(0, 99))
def test_what_is_undone_never_was(facts: int, gone: int, seed: int) -> None:
    """Uses and their retractions leave what the others alone make, in any order."""
    kept, undone = uses({0: facts, 3: 9}), uses({1: gone, 2: gone})
    mixed = [*kept, *undone, *(replace(fact, sign=-1) for fact in undone)]
    random.Random(seed).shuffle(mixed)
    assert rises(mixed, now=5) == rises(kept, now=5)


def test_a_tag_that_falls_silent_is_released_and_its_rise_ended() -> None:
    """Following the due times, the rise gets its end and the state goes within a few days."""
    tags, rows = Tags(), Rows()
    state = tags.empty("juice")
    tags.fold("juice", state, uses({0: 500}), rows)
    last, looks = at(1), 1
    while (due := tags.present("juice", state, Now(last, last - 75 * MINUTE), rows)) != RELEASE:
        time, floor = Due.of(due)
        last, looks = min(time, floor + 75 * MINUTE), looks + 1
    assert last < START + 3 * DAY
    assert looks < 40
    (row,) = shown(rows, TRENDS).values()
    assert _span(row) == (0, 2)


def test_state_is_bounded_however_many_use_a_tag() -> None:
    """A hundred thousand people in a bucket take a fixed number of slots."""
    tags = Tags()
    state = tags.empty("juice")
    for bucket in range(3):
        facts = [Fact(str(n), POST, at(bucket), f"person-{n}", tags=("juice",)) for n in range(100_000)]
        tags.fold("juice", state, facts, Rows())
    assert len(tags.dump(state)) < 80_000
    settled = Now(at(3) + 3 * HOUR, at(3))
    tags.present("juice", state, settled, Rows())
    assert len(tags.dump(state)) < 120


def test_the_sketch_counts_people() -> None:
    """Up to 10,000 people are counted within 3 %, and few of them nearly exactly."""
    tags = Tags()
    for count, error in ((NEEDED, 0.01), (100, 0.03), (2_000, 0.03), (10_000, 0.03)):
        state = tags.empty("juice")
        facts = [Fact(str(n), POST, START, f"someone {n}", tags=("juice",)) for n in range(round(count))]
        tags.fold("juice", state, facts, Rows())
        assert state.open[START // BUCKET].people == pytest.approx(round(count), rel=error)


def test_a_fact_concerns_each_of_its_tags() -> None:
    """The keys of a fact are its tags."""
    assert list(Tags().keys(Fact("1", POST, 0, "a", tags=("x", "y")))) == ["x", "y"]
    assert list(Tags().keys(Fact("1", LIKE, 0, "a", given=0, tags=("x",)))) == [], "of a post of one's own"


def test_state_of_another_format_is_refused() -> None:
    """Bytes that are not a tag's state are corruption, and said to be."""
    with pytest.raises(ValueError, match="not the state of a tag"):
        Tags().load("juice", b"\x07abc")
