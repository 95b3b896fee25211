"""Mayors: titles as events and days pass."""

from __future__ import annotations

import random
from collections import defaultdict

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.fact import CHECKIN, Fact
from streams.campaigns.rulebook import Rulebook
from streams.subject import DAY, HOUR, RELEASE, Due, Now, Rows
from streams.subjects.mayors import Mayors
from tests.unit.campaigns.drive import ALL_EARLIER, Drive, fact, facts_of, titles, undone

NOON = 12 * HOUR


def recount(facts: list[Fact], until: int) -> list[tuple[str, str, int, int, int | None]]:
    """Return all titles, computed venue by venue from the plain definition: look at every instant anew."""
    found: list[tuple[str, str, int, int, int | None]] = []
    by_venue = defaultdict(list)
    for checkin in facts:
        by_venue[checkin.venue].append((checkin.time, checkin.actor))
    for venue, visits in by_venue.items():
        instants = {time for time, _ in visits} | {(time // DAY + 60) * DAY for time, _ in visits}
        holder: str | None = None
        since = days = 0
        for at in sorted(instant for instant in instants if instant <= until):
            today = at // DAY
            seen: dict[str, dict[int, int]] = defaultdict(dict)
            for time, account in visits:
                if time <= at and today - time // DAY < 60:
                    first = seen[account].get(time // DAY, time)
                    seen[account][time // DAY] = min(first, time)
            ranks = sorted(
                (-len(per_day), account != holder, per_day[max(per_day)], account)
                for account, per_day in seen.items()
                if len(per_day) >= 2
            )
            best = ranks[0][3] if ranks else None
            if best != holder:
                if holder is not None:
                    found.append((venue, holder, days, since, at))
                holder, since = best, at
                days = len(seen[best]) if best is not None else 0
        if holder is not None:
            found.append((venue, holder, days, since, None))
    return sorted(found, key=lambda title: title[:4])


@pytest.fixture(scope="module")
def gowalla() -> list[Fact]:
    return facts_of("gowalla-10k")


@pytest.mark.parametrize("chunk", [300, 10_000])
def test_gowalla_newest_first(gowalla: list[Fact], chunk: int) -> None:
    """Read as the file has it, newest first, with lateness allowed, every title equals the batch recount."""
    drive = Drive(Mayors(), lag=ALL_EARLIER).feed(gowalla, chunk)
    assert titles(drive) == recount(gowalla, drive.now.time)
    assert len(titles(drive)) > 800


def test_gowalla_sorted(gowalla: list[Fact]) -> None:
    """Read in order of time, with state settled and released on the way, every title equals the batch
    recount."""
    drive = Drive(Mayors()).feed(sorted(gowalla, key=lambda checkin: checkin.time), 50)
    assert titles(drive) == recount(gowalla, drive.now.time)
    assert len(drive.states) < len({checkin.venue for checkin in gowalla}) / 2


def test_gowalla_somewhat_late(gowalla: list[Fact]) -> None:
    """Check-ins that come in any order within the hour that the floor allows give the same titles."""
    rng = random.Random(7)
    late = sorted(gowalla, key=lambda checkin: checkin.time + rng.randrange(HOUR))
    drive = Drive(Mayors()).feed(late, 33)
    assert titles(drive) == recount(gowalla, drive.now.time)


def checkins(*visits: tuple[str, float], venue: str = "cafe") -> list[Fact]:
    """Return check-ins at noon: account and day, fractions are parts of the day."""
    return [
        fact(f"{n}", CHECKIN, int(day * DAY) + NOON, account, venue=venue) for n, (account, day) in enumerate(visits)
    ]


def test_one_day_is_not_enough() -> None:
    """Any number of check-ins on one day make nobody mayor."""
    assert titles(Drive(Mayors()).feed(checkins(("ann", 1), ("ann", 1.1), ("ann", 1.2)))) == []


def test_incumbent_keeps_ties() -> None:
    """Who draws level with the mayor does not become mayor; who passes does."""
    facts = checkins(("ann", 1), ("ann", 2), ("bob", 2), ("bob", 3), ("bob", 4))
    assert titles(Drive(Mayors()).feed(facts, 1)) == [
        ("cafe", "ann", 2, 2 * DAY + NOON, 4 * DAY + NOON),
        ("cafe", "bob", 3, 4 * DAY + NOON, None),
    ]


def test_days_take_the_title_away() -> None:
    """When the mayor's old days leave the window, the title passes at midnight to who has more left."""
    facts = checkins(("ann", 1), ("ann", 2), ("ann", 3), ("bob", 20), ("bob", 21))
    drive = Drive(Mayors()).feed(facts, 1).pass_to(70 * DAY)
    assert titles(drive) == [
        ("cafe", "ann", 2, 2 * DAY + NOON, 62 * DAY),
        ("cafe", "bob", 2, 62 * DAY, None),
    ]


def test_quiet_year() -> None:
    """A venue that stays quiet for a year loses its mayor when fewer than two days are left, and then its
    state."""
    drive = Drive(Mayors()).feed(checkins(("ann", 1), ("ann", 5)))
    assert titles(drive) == [("cafe", "ann", 2, 5 * DAY + NOON, None)]
    drive.feed(checkins(("eve", 370), venue="elsewhere"))
    assert titles(drive) == [("cafe", "ann", 2, 5 * DAY + NOON, 61 * DAY)]
    assert [key for _, key in drive.states] == ["elsewhere\0"]


def test_undo_takes_the_title_back() -> None:
    """When the check-in that made a mayor is undone, the title never was."""
    facts = checkins(("ann", 1), ("ann", 2), ("bob", 2))
    drive = Drive(Mayors()).feed(facts, 1)
    assert len(titles(drive)) == 1
    assert titles(drive.feed([undone(facts[1])])) == []


def test_late_check_in_rewrites() -> None:
    """A check-in that comes late, but not too late, moves the beginning of a title."""
    facts = checkins(("ann", 1), ("ann", 2.05), ("ann", 2.01))
    drive = Drive(Mayors()).feed(facts, 1)
    assert titles(drive) == [("cafe", "ann", 2, int(2.01 * DAY) + NOON, None)]


visits = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 130 * 24).map(lambda hour: hour * HOUR)), max_size=40
)


@settings(max_examples=150, deadline=None)
@given(visits, st.integers(0, 40), st.randoms(use_true_random=False), st.integers(1, 10))
def test_any_order_and_undo(visits: list[tuple[str, int]], undos: int, rng: random.Random, chunk: int) -> None:
    """Whatever the order, the chunks and what is undone, the titles are those of the check-ins that stand."""
    facts = [fact(f"{n}", CHECKIN, time, who, venue="v") for n, (who, time) in enumerate(visits)]
    mixed = facts + [undone(checkin) for checkin in facts[:undos]]
    rng.shuffle(mixed)
    drive = Drive(Mayors(), lag=ALL_EARLIER).feed(mixed, chunk)
    assert titles(drive) == recount(facts[undos:], drive.now.time)


@settings(max_examples=100, deadline=None)
@given(visits, st.integers(0, 100 * 24).map(lambda hour: hour * HOUR))
def test_settling_changes_nothing(visits: list[tuple[str, int]], lag: int) -> None:
    """In order of time, how early the past is settled plays no part."""
    facts = [fact(f"{n}", CHECKIN, time, who, venue="v") for n, (who, time) in enumerate(visits)]
    facts.sort(key=lambda checkin: checkin.time)
    drive = Drive(Mayors(), lag=lag).feed(facts, 3)
    assert titles(drive) == recount(facts, drive.now.time)


def test_a_venue_whose_check_ins_are_undecided_is_looked_at_when_they_are() -> None:
    """A check-in that was taken back leaves nothing once no more can come for it, and asks for nothing until then."""
    mayors, rows = Mayors(Rulebook()), Rows()
    state = mayors.empty("bar\0")
    came = Fact("e", CHECKIN, 1_341_100_800_000, "ada", venue="bar")
    mayors.fold("bar\0", state, [came, msgspec.structs.replace(came, sign=-1)], rows)
    now = Now(came.time + 60_000, came.time - 60_000)
    due = Due.of(mayors.present("bar\0", state, now, rows))
    assert now.floor < due.floor <= came.time + 1
    assert mayors.present("bar\0", state, Now(came.time + 60_000, came.time + 1), rows) == RELEASE
