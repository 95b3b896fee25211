"""Ties: counts by pair and day, weights that fade, laws, bounded state."""

from __future__ import annotations

import random
from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.fact import FOLLOW, LIKE, MENTION, SHARE, TAG, UNFOLLOW, Fact
from schemas.rows.ties import TIES
from streams.measures.account.settings import DEFAULTS
from streams.subject import DAY, HOUR, RELEASE, Due, Now, Rows
from streams.subjects.ties import Ties, date_of
from tests.unit.cascades.helpers import FOREVER, given_events, plain_facts, run, shown

NAMES = st.sampled_from(["a", "b", "c:1", "2:x:", "\0", "ñ\0:"])
FACTS = st.builds(
    Fact,
    id=st.uuids().map(str),
    kind=st.sampled_from([LIKE, MENTION, SHARE, TAG, FOLLOW]),
    time=st.integers(1_341_000_000_000, 1_341_000_000_000 + 5 * DAY),
    actor=NAMES,
    receivers=st.lists(NAMES, max_size=4).map(tuple),
    klass=st.integers(0, 2),
)


@given(facts=st.lists(FACTS, max_size=30), seed=st.integers(0, 99), cut=st.integers(1, 7))
def test_any_order_and_grouping_gives_the_same_rows(facts: list[Fact], seed: int, cut: int) -> None:
    """Neither the order of facts, nor their grouping, nor a stay in the store in between changes what is
    shown.
    """
    whole = shown(run(Ties(), [facts], FOREVER), TIES)
    random.Random(seed).shuffle(facts)
    batches = [facts[i : i + cut] for i in range(0, len(facts), cut)]
    assert shown(run(Ties(), batches, FOREVER, store=True), TIES) == whole
    assert shown(run(Ties(), batches, FOREVER, between=FOREVER), TIES) == whole


@given(facts=st.lists(FACTS, max_size=20), others=st.lists(FACTS, max_size=20), seed=st.integers(0, 99))
def test_what_is_undone_never_was(facts: list[Fact], others: list[Fact], seed: int) -> None:
    """A fact and its retraction leave nothing, whichever comes first."""
    mixed = facts + others + [replace(fact, sign=-1) for fact in others]
    random.Random(seed).shuffle(mixed)
    assert shown(run(Ties(), [mixed], FOREVER), TIES) == shown(run(Ties(), [facts], FOREVER), TIES)


@given(source=st.text(min_size=1), target=st.text(min_size=1))
def test_a_key_is_read_back_whatever_the_names_hold(source: str, target: str) -> None:
    """Names may hold any character, the separators of the key included."""
    (key,) = Ties().keys(Fact("1", LIKE, 0, source, receivers=(target,)))
    assert Ties.pair(key) == (source, target)
    assert Ties().home(key) == source


def test_college_messages_make_the_pairs_that_are_published() -> None:
    """The given messages make 20,296 pairs; each pair and day has the events that a plain count gives."""
    events = list(given_events("college-messages"))
    counted: Counter[tuple[str, str, str]] = Counter(
        (event["actor"], target, event["time"][:10]) for event in events for target in event["targets"]
    )
    facts = list(plain_facts(events))
    batches = [facts[i : i + 5_000] for i in range(0, len(facts), 5_000)]
    rows = shown(run(Ties(), batches, FOREVER, store=True), TIES)
    assert {key: row["events"] for key, row in rows.items()} == counted
    assert len({key[:2] for key in rows}) == 20_296


def test_the_weight_at_any_later_time_follows_from_the_days() -> None:
    """Decaying days from their ends gives the sum over actions, each decayed from its own moment."""
    half_life = 14 * DAY
    rng = random.Random(5)
    facts = [
        Fact(str(i), rng.choice([LIKE, SHARE, MENTION]), rng.randrange(30 * DAY), "a", receivers=("b",))
        for i in range(200)
    ]
    until = 40 * DAY
    expected = sum(DEFAULTS.effort[fact.kind] * 2 ** (-(until - fact.time) / half_life) for fact in facts)
    rows = shown(run(Ties(half_life=half_life), [facts], FOREVER), TIES).values()
    number_of = {date_of(day): day for day in range(31)}
    ages = {row["day"]: until - (number_of[row["day"]] + 1) * DAY for row in rows}
    total = sum(row["weight"] * 2 ** (-ages[row["day"]] / half_life) for row in rows)
    assert total == pytest.approx(expected, abs=len(facts) * 1e-6)


def test_what_was_bought_is_told_apart() -> None:
    """Incentivised and undisclosed actions are counted, and weigh nothing in the earned weight."""
    facts = [Fact(str(klass), LIKE, DAY - 1, "a", receivers=("b",), klass=klass) for klass in (0, 0, 1, 2)]
    (row,) = shown(run(Ties(), [facts], FOREVER), TIES).values()
    assert (row["events"], row["incentivised"], row["undisclosed"]) == (4, 2, 1)
    assert row["weight"] == pytest.approx(2 * row["earned_weight"])


def test_unfollow_makes_no_tie_and_follow_before_it_stays() -> None:
    """A follow counts as something done; an unfollow, also one that comes first, counts as nothing."""
    facts = [
        Fact("1", UNFOLLOW, 0, "a", receivers=("b",)),
        Fact("2", FOLLOW, 1, "a", receivers=("b",)),
        Fact("3", UNFOLLOW, 2, "a", receivers=("c",)),
    ]
    assert [key[:2] for key in shown(run(Ties(), [facts], FOREVER), TIES)] == [("a", "b")]


def test_a_day_is_kept_as_long_as_it_can_change_and_said_only_when_it_has() -> None:
    """The state lives until nothing of the day can come any more; asking again says nothing twice."""
    ties, rows = Ties(), Rows()
    fact = Fact("1", LIKE, 10 * DAY + HOUR, "a", receivers=("b",))
    (key,) = ties.keys(fact)
    state = ties.empty(key)
    ties.fold(key, state, [fact], rows)
    due = ties.present(key, state, Now(10 * DAY + 2 * HOUR, 10 * DAY), rows)
    assert due == Due(floor=11 * DAY), "however far time is ahead of the floor, nobody looks in vain"
    state = ties.load(key, ties.dump(state))
    assert ties.present(key, state, Now(13 * DAY, 11 * DAY - 1), rows) == due
    assert ties.present(key, state, Now(13 * DAY, 11 * DAY), rows) == RELEASE
    assert len(rows.by_table["ties"]) == 1


def test_days_that_are_final_leave_the_state_of_a_tie_that_lives_on() -> None:
    """A pair that meets every day for a year keeps about a week of state, and is looked at about once a week."""
    ties = Ties()
    state = ties.empty("1:a:b")
    sizes, looks = [], 0
    for day in range(365):
        fact = Fact(str(day), LIKE, day * DAY + HOUR, "a", receivers=("b",))
        due = ties.fold("1:a:b", state, [fact], Rows())
        now = Now(day * DAY + 2 * HOUR, day * DAY)
        sizes.append(len(ties.dump(state)))
        if due.floor <= now.floor:
            looks += 1
            assert Due.of(ties.present("1:a:b", state, now, Rows())).floor > now.floor
            assert list(state) == [day]
    assert max(sizes) == 1 + 34 * 9
    assert 365 // 9 <= looks <= 365 // 7


def test_a_tie_goes_unread_when_none_of_its_days_can_change() -> None:
    """Of bytes it is told whether presenting would say nothing and release, whatever number of days there is."""
    ties = Ties()
    for days in ((3,), (3, 5), (5, 3, 4)):
        state = ties.empty("1:a:b")
        facts = [Fact(str(day), LIKE, day * DAY + HOUR, "a", receivers=("b",)) for day in days]
        ties.fold("1:a:b", state, facts, Rows())
        raw = ties.dump(state)
        for floor in range(3 * DAY, 8 * DAY, DAY // 2):
            now = Now(max(floor, 6 * DAY), floor)
            rows = Rows()
            released = ties.present("1:a:b", ties.load("1:a:b", raw), now, rows) == RELEASE
            assert not rows.listed()
            assert ties.spent(raw, now) == released == (floor >= (max(days) + 1) * DAY)
    assert not ties.spent(b"\x07" + raw[1:], Now(9 * DAY, 9 * DAY)), "what is no tie's state is loaded, and refused"
    assert not ties.spent(raw[:-1], Now(9 * DAY, 9 * DAY))


def test_state_of_another_format_is_refused() -> None:
    """Bytes that are not a tie's state are corruption, and said to be."""
    with pytest.raises(ValueError, match="not the state of a tie"):
        Ties().load("1:a:b", b"\x07abc")


def test_ties_of_one_source_share_a_home() -> None:
    """Every tie of an account lives where the account's name sends it, and targets are told apart."""
    homes: dict[str, set[str]] = defaultdict(set)
    for fact in plain_facts(given_events("college-messages")):
        for key in Ties().keys(fact):
            homes[Ties().home(key)].add(key)
    assert sum(map(len, homes.values())) == 20_296
