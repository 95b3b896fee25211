"""Measures with known answers: burstiness, h-index, consistency, audience, give and take, cold asks,
repeats."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.measures.account.burstiness import burstiness
from streams.measures.account.h_index import MEASURE as H_INDEX
from streams.measures.account.rhythm import ACTED, ENGAGED, GAVE, Rhythm
from streams.measures.account.settings import DEFAULTS
from streams.measures.account.views import account
from tests.unit.measures.world import DAY, HOUR, MINUTE, NOON, World, act


def of_gaps(gaps: list[float]) -> float | None:
    """Return the burstiness of these gaps."""
    found = burstiness(np.array([len(gaps)]), np.array([sum(gaps)]), np.array([sum(gap * gap for gap in gaps)]))
    return None if np.isnan(found).any() else float(found[0])


@pytest.mark.parametrize("number", [2, 10, 1000])
def test_burstiness_has_its_limits(number: int) -> None:
    """Equal gaps are −1; one gap that holds all the time is 1, for few gaps as for many."""
    assert of_gaps([7.0] * number) == -1.0
    assert of_gaps([0.0] * (number - 1) + [5.0]) == pytest.approx(1.0)


@pytest.mark.parametrize("number", [5, 20, 200])
def test_random_gaps_are_not_bursty(number: int) -> None:
    """Events thrown at random on a circle have a mean burstiness near 0, for few gaps as for many."""
    random = Random(3)
    found = []
    for _ in range(400):
        times = sorted(random.random() for _ in range(number))
        gaps = [after - before for before, after in zip(times, [*times[1:], times[0] + 1], strict=True)]
        found.append(of_gaps(gaps) or 0.0)
    assert abs(sum(found) / len(found)) < 0.1


def test_a_clockwork_account_is_regular_and_a_binge_is_bursty() -> None:
    """Burstiness comes out of the stream as out of the gaps."""
    world = World()
    world.happen(*[act("post", "ada", at=NOON - n * 2 * HOUR) for n in range(60)])
    world.happen(*[act("post", "bob", at=NOON - day * DAY - n * MINUTE) for day in range(5) for n in range(20)])
    world.look(NOON + MINUTE)
    assert world.read("ada")["burstiness_30d"] == -1.0
    expected = of_gaps([1.0] * 95 + [1440.0 - 19] * 4)
    assert world.read("bob")["burstiness_30d"] == pytest.approx(expected, abs=1e-6)
    world.look(NOON + HOUR, floor=NOON + HOUR)
    assert world.read("bob")["burstiness_30d"] == pytest.approx(expected, abs=1e-6), "settled or not"


@given(shares=st.lists(st.integers(0, 40), max_size=60))
def test_h_index_is_what_hirsch_says(shares: list[int]) -> None:
    """The h-index is the largest h for which h posts have h shares."""
    expected = max(h for h in range(len(shares) + 1) if sum(number >= h for number in shares) >= h)
    assert H_INDEX.rows(account(now=1, shares=shares))[0][0] == expected


def test_h_index_comes_out_of_the_stream() -> None:
    """Shares are counted by the post they name; taken together or apart, before or after they are settled."""
    world = World()
    for post, shares in enumerate((5, 4, 3, 3, 1)):
        world.happen(*[act("share", f"fan{n}", "ada", at=NOON - n * HOUR, object=f"post{post}") for n in range(shares)])
    world.look(NOON + MINUTE, floor=NOON - 2 * HOUR)
    assert (world.read("ada")["h_index"], world.read("ada")["shared_posts"]) == (3, 5)


def test_consistency_counts_days() -> None:
    """Active days, the longest pause and tenure are those of the calendar (UTC)."""
    world = World()
    world.happen(*[act("post", "ada", at=NOON - ago * DAY) for ago in (0, 1, 5, 20, 45)])
    world.look(NOON + MINUTE)
    row = world.read("ada")
    assert row["active_day_share_30d"] == pytest.approx(4 / 30)
    assert row["active_day_share_60d"] == pytest.approx(5 / 60)
    assert (row["longest_gap_days_30d"], row["longest_gap_days_60d"]) == (14, 24)
    assert (row["first_seen"], row["tenure_days"]) == ((NOON - 45 * DAY) // 1000, 45)


def test_audience_is_the_last_word_per_network() -> None:
    """Followers are the latest said on each network, however late it came; the trend compares with days
    ago."""
    world = World()
    world.happen(
        act("post", "ada", at=NOON, network="bluesky", actor_followers=130),
        act("post", "ada", at=NOON - 8 * DAY, network="bluesky", actor_followers=100),
        act("post", "ada", at=NOON - HOUR, network="mastodon", actor_followers=40),
        act("post", "ada", at=NOON - 2 * HOUR, network="mastodon", actor_followers=99),
    )
    world.look(NOON + MINUTE)
    row = world.read("ada")
    assert row["followers_by_network"] == {"bluesky": 130, "mastodon": 40}
    assert (row["followers"], row["followers_change_7d"], row["followers_change_30d"]) == (170, 30, None)


def test_what_is_given_comes_back_or_does_not() -> None:
    """Of those one turned to, those count who acted towards one within 7 days, not before and not later."""
    world = World()
    long_ago = NOON - 20 * DAY
    world.happen(
        *[act("reply", "ada", who, at=long_ago) for who in ("soon", "late", "never", "before")],
        act("like", "soon", "ada", at=long_ago + 6 * DAY),
        act("like", "late", "ada", at=long_ago + 8 * DAY),
        act("like", "before", "ada", at=long_ago - DAY),
    )
    world.look(NOON)
    row = world.read("ada")
    assert (row["given"], row["engagement"], row["balance"]) == (4, 3, 1)
    assert (row["returned_people"], row["returned_share"]) == (1, 0.25)
    assert (row["mutual_people"], row["reciprocity"]) == (3, 0.75)


def test_asking_is_cold_without_an_exchange_before() -> None:
    """Mentions, tags and follows of strangers are cold; of people who engaged, or were helped, they are
    not."""
    world = World()
    world.happen(
        act("like", "fan", "ada", at=NOON - HOUR),
        act("reply", "ada", "helped", at=NOON - HOUR),
        act("mention", "ada", "stranger", at=NOON - HOUR),
        act("mention", "ada", "fan"),
        act("tag", "ada", "helped"),
        act("follow", "ada", "star"),
        act("mention", "ada", "stranger"),
        act("like", "star", "ada", at=NOON + MINUTE),
    )
    world.look(NOON + 2 * MINUTE)
    row = world.read("ada")
    assert (row["asked_people"], row["cold_asked_people"], row["cold_ask_share"]) == (4, 2, 0.5)


def test_repeat_engagers_are_those_who_come_back() -> None:
    """Acting twice in one visit is no return; acting again after an hour of silence is."""
    world = World()
    world.happen(
        act("like", "keen", "ada", at=NOON - 30 * MINUTE),
        act("share", "keen", "ada", at=NOON),
        act("like", "loyal", "ada", at=NOON - 5 * HOUR),
        act("like", "loyal", "ada", at=NOON - HOUR),
    )
    world.look(NOON + MINUTE)
    assert (world.read("ada")["repeat_people"], world.read("ada")["repeat_share"]) == (1, 0.5)
    assert world.row("ada", "1h") is not None
    assert world.read("ada", "1h")["repeat_people"] == 0


def test_rates_name_their_denominator() -> None:
    """Per post and per thousand followers, NULL where there is neither."""
    world = World()
    world.happen(
        *[act("post", "ada", at=NOON - n * 1000, actor_followers=500) for n in range(2)],
        *[act("share", f"fan{n}", "ada") for n in range(3)],
        act("reply", "fan0", "ada"),
        act("share", "fan0", "bob", incentive="reward"),
    )
    world.look(NOON + MINUTE)
    ada, bob = world.read("ada"), world.read("bob")
    assert ada["amplification_per_post"] == 1.5
    assert ada["conversation_per_post"] == 0.5
    assert ada["amplification_per_1k_followers"] == 6.0
    assert bob["amplification_per_post"] is bob["amplification_per_1k_followers"] is None
    assert (bob["amplification"], bob["amplification_earned"], bob["amplification_incentivised"]) == (1, 0, 1)


@given(st.dictionaries(st.integers(1, 100_000_000) | st.integers(1, 5_000), st.integers(1, ENGAGED | GAVE | ACTED)))
def test_a_rhythm_is_the_same_however_many_minutes_it_is_told_at_once(minutes: dict[int, int]) -> None:
    """All at once as one after the other; and each gap is from one own action to the next, unless all was forgotten between."""
    together, apart = Rhythm(), Rhythm()
    gaps = together.beat(minutes, DEFAULTS)
    assert gaps == [gap for minute in sorted(minutes) for gap in apart.beat({minute: minutes[minute]}, DEFAULTS)]
    assert together == apart
    acted = [minute for minute in sorted(minutes) if minutes[minute] & ACTED]
    assert {minute - gap for minute, gap in gaps} <= set(acted)
    if not together.anew:
        assert gaps == [(after, after - before) for before, after in pairwise(acted)]


def test_a_minute_that_was_told_already_ends_no_gap() -> None:
    """It should not come twice; if it does, nothing is counted."""
    rhythm = Rhythm()
    assert rhythm.beat({1000: ACTED}, DEFAULTS) == []
    assert rhythm.beat({1000: ACTED, 1007: ACTED}, DEFAULTS) == [(1007, 7)]
