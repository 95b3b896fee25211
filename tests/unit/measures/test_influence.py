"""Influence and outreach: what raises them, what does not, and that the statement says why."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.fact import Fact
from streams.measures.account import influence, outreach
from streams.measures.account.settings import ScoreSettings
from tests.unit.measures.world import DAY, HOUR, MINUTE, NOON, Row, World, act

INFLUENCE = tuple(name for name, _ in influence.PARTS)
OUTREACH = tuple(name for name, _ in outreach.PARTS)


def crowd(number: int, *, kind: str = "share", at: int = NOON, name: str = "fan", **more: Any) -> list[Fact]:
    """Return one action on ada by each of `number` people, a minute apart, going back from `at`."""
    return [act(kind, f"{name}{n}", "ada", at=at - n * MINUTE, **more) for n in range(number)]


def score(*facts: Fact, at: int = NOON + MINUTE, settings: ScoreSettings | None = None) -> Row:
    """Return ada's row after these facts."""
    world = World(settings=settings) if settings else World()
    world.happen(*facts)
    world.look(at, only="ada")
    return world.read("ada")


def test_parts_add_up() -> None:
    """Each score is the sum of the lines of its statement, for accounts of every sort."""
    facts = [
        *crowd(40),
        *crowd(30, kind="like", at=NOON - 9 * HOUR, name="other"),
        *crowd(20, name="paid", incentive="paid", disclosed=True),
        *[act("reply", "ada", f"fan{n}", at=NOON - 3 * HOUR) for n in range(8)],
        *[act("post", "ada", at=NOON - n * MINUTE, promo=n % 2 == 0) for n in range(4)],
    ]
    row = score(*facts)
    assert row["influence"] == pytest.approx(sum(row[name] for name in INFLUENCE), abs=1e-9)
    assert row["outreach"] == pytest.approx(sum(row[name] for name in OUTREACH), abs=1e-9)
    assert row["influence_answers"] < 0 < row["influence_consistency"]
    assert row["influence_incentivised"] > 0 > row["influence_doubt"]
    assert row["outreach_self_promotion"] < 0 < row["outreach_people"]


@pytest.mark.parametrize(("fewer", "more"), [(3, 5), (5, 20), (20, 200), (200, 450)])
def test_more_people_more_influence(fewer: int, more: int) -> None:
    """Influence grows with the number of distinct people who act."""
    assert score(*crowd(more))["influence"] > score(*crowd(fewer))["influence"]


def test_one_fan_a_thousand_times_is_one_fan() -> None:
    """A fan who acts 1,000 times in a day is no influence, and less than ten people who act once."""
    zealous = [act("share", "fan", "ada", at=NOON - n * 86_000) for n in range(1000)]
    row = score(*zealous)
    assert row["engagement"] == 1000
    assert row["people"] == 1
    assert row["influence"] == 0.0
    assert row["influence_doubt"] < 0, "the statement says that one person alone could have made it"
    assert score(*crowd(10))["influence"] > 0.0


def test_effort_is_weighed() -> None:
    """Recommending counts more than sharing, sharing more than replying, replying more than liking."""
    by_kind = [score(*crowd(30, kind=kind))["influence"] for kind in ("like", "reply", "share", "recommend")]
    assert by_kind == sorted(by_kind)
    assert len(set(by_kind)) == 4


def test_influence_fades_and_what_lasts_fades_slower() -> None:
    """Silence lowers influence day by day; engagement on many days has more to show a week later."""
    world = World()
    world.happen(*crowd(60))
    seen = []
    for days in range(1, 12):
        world.look(NOON + days * DAY, only="ada")
        seen.append(world.read("ada")["influence"])
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == len(seen)
    burst = crowd(60)
    steady = [fact for day in range(6) for fact in crowd(10, at=NOON - day * DAY, name=f"day{day}-")]
    later = NOON + 4 * DAY
    assert score(*steady, at=later)["influence"] > score(*burst, at=later)["influence"]


def test_consistency_raises() -> None:
    """The same people on more occasions are more influence, and the statement names the part."""
    eleven = NOON - HOUR
    once = score(*crowd(24, at=eleven))
    often = score(*[fact for n in range(8) for fact in crowd(3, at=eleven - n * 3 * HOUR, name=f"at{n}-")])
    assert once["people"] == often["people"] == 24
    assert often["influence"] > once["influence"]
    assert often["influence_consistency"] > once["influence_consistency"] == 0.0


def test_followers_add_nothing() -> None:
    """A million followers and a thousand follows leave the score as it is."""
    plain = score(*crowd(10), act("post", "ada"))
    famous = score(
        *crowd(10),
        act("post", "ada", actor_followers=10**6),
        *[act("follow", f"new{n}", "ada", at=NOON - n * 1000) for n in range(90)],
    )
    assert famous["influence"] == plain["influence"]
    assert famous["followers"] == 10**6


def test_bought_followers_lower_it_and_are_shown() -> None:
    """1,000 followers overnight with nothing behind them are flagged with evidence and take points off."""
    usual = [
        fact
        for day in range(12)
        for fact in (
            *crowd(8, at=NOON - day * DAY, name=f"d{day}-"),
            *[act("follow", f"f{day}-{n}", "ada", at=NOON - day * DAY) for n in range(3)],
        )
    ]
    bought = [act("follow", f"bot{n}", "ada", at=NOON - 8 * HOUR) for n in range(1000)]
    clean, flagged = score(*usual), score(*usual, *bought)
    assert clean["bought_followers"] == 0
    assert flagged["bought_followers"] == 1003
    assert flagged["follower_jump_z"] > 6 > 3 > flagged["follower_jump_engagement_z"]
    assert flagged["follower_jump_day"] == (NOON // DAY) * 86_400
    assert flagged["influence_follower_jump"] < 0
    assert flagged["influence"] == pytest.approx(0.8 * clean["influence"], abs=1e-5)


def test_a_viral_day_and_a_declared_giveaway_are_not_flagged() -> None:
    """Followers that come with engagement, or for a declared incentive, are nobody's fraud."""
    usual = [
        fact
        for day in range(1, 12)
        for fact in (
            *crowd(8, at=NOON - day * DAY, name=f"d{day}-"),
            *[act("follow", f"f{day}-{n}", "ada", at=NOON - day * DAY) for n in range(3)],
        )
    ]
    news = [act("follow", f"new{n}", "ada", at=NOON - 8 * HOUR) for n in range(1000)]
    viral = score(*usual, *news, *crowd(400))
    assert viral["follower_jump"] == 1000, "seen"
    assert viral["bought_followers"] == 0, "and not flagged"
    giveaway = [
        act("follow", f"new{n}", "ada", at=NOON - 8 * HOUR, incentive="sweepstake", disclosed=True) for n in range(1000)
    ]
    assert score(*usual, *giveaway)["bought_followers"] == 0


def test_a_giveaway_that_doubles_engagement_moves_little() -> None:
    """Twice the engagement, half of it for a prize: influence rises by a fraction of what earning it would
    have."""
    earned = crowd(100)
    prize = crowd(100, name="winner", incentive="sweepstake", disclosed=True)
    hidden = crowd(100, name="winner", incentive="sweepstake")
    alone, with_prize, with_hidden = score(*earned), score(*earned, *prize), score(*earned, *hidden)
    all_earned = score(*earned, *crowd(100, name="winner"))
    assert with_prize["engagement"] == 2 * alone["engagement"]
    assert with_prize["engagement_incentivised"] == 100
    assert alone["influence"] < with_prize["influence"]
    gained, could_have = (row["influence"] - alone["influence"] for row in (with_prize, all_earned))
    assert gained < could_have / 2
    assert with_prize["influence_incentivised"] == pytest.approx(gained, rel=0.2)
    assert with_hidden["influence"] == alone["influence"], "and what hides its incentive adds nothing"
    assert with_hidden["engagement_undisclosed"] == 100
    bought = score(*crowd(100, name="winner", incentive="sweepstake", disclosed=True))
    assert bought["influence"] == 0.0, "influence cannot be bought"


def test_two_who_trade_likes_all_day_stay_nobody() -> None:
    """Trading likes every few minutes is one person's worth, is counted as answers, and shown as quid pro
    quo."""
    trades = []
    for turn in range(150):
        at = NOON - turn * 8 * MINUTE
        trades += [act("like", "ada", "bob", at=at), act("like", "bob", "ada", at=at + 2 * MINUTE)]
    row = score(*trades, at=NOON + 3 * MINUTE)
    assert row["engagement"] == 150
    assert row["influence"] == 0.0
    assert row["influence_answers"] < 0
    assert row["quid_pro_quo_people"] == 1
    unasked = score(*crowd(30))
    asked = score(*[act("mention", "ada", f"fan{n}", at=NOON - HOUR) for n in range(30)], *crowd(30))
    assert 0 < asked["influence"] < unasked["influence"]
    assert asked["influence_answers"] < 0 == unasked["influence_answers"]
    long_ago = score(*[act("mention", "ada", f"fan{n}", at=NOON - 2 * DAY) for n in range(30)], *crowd(30))
    assert long_ago["influence_answers"] == 0, "two days later it is no answer"


def test_outreach_is_what_one_does_for_distinct_others() -> None:
    """Helping many is more than helping one a lot; asking strangers is no help; promotion costs."""
    many = score(*[act("reply", "ada", f"other{n}", at=NOON - n * MINUTE) for n in range(20)])
    one = score(*[act("reply", "ada", "other", at=NOON - n * MINUTE) for n in range(20)])
    asking = score(*[act("mention", "ada", f"other{n}", at=NOON - n * MINUTE) for n in range(20)])
    assert many["outreach"] > one["outreach"] > 0.0 == asking["outreach"]
    assert asking["cold_ask_share"] == 1.0
    helping = [act("reply", "ada", f"other{n}", at=NOON - n * MINUTE) for n in range(20)]
    modest = score(*helping, *[act("post", "ada", at=NOON - n, promo=n == 0) for n in range(5)])
    vain = score(*helping, *[act("post", "ada", at=NOON - n, promo=True) for n in range(5)])
    assert modest["outreach"] == many["outreach"], "a fifth is healthy"
    assert vain["outreach"] < modest["outreach"]
    assert vain["self_promotion_ratio"] == 1.0


def test_nothing_is_between_zero_and_a_hundred_only() -> None:
    """Scores stay within 0 and 100, whatever the settings make of a crowd."""
    row = score(*crowd(400), settings=ScoreSettings(ceiling=3.0))
    assert row["influence"] == 100.0
    assert row["influence_people"] == 100.0
    assert score(act("post", "ada"))["influence"] == 0.0


def test_what_is_taken_back_leaves_no_trace() -> None:
    """An account whose engagement is all undone has the scores of one that had none."""
    from tests.unit.test_subject_laws import changed

    likes = crowd(50)
    world = World()
    world.happen(act("post", "ada"), *likes)
    world.look(NOON + MINUTE)
    assert world.read("ada")["influence"] > 0
    world.happen(*(changed(fact, sign=-1) for fact in likes))
    world.look(NOON + 2 * MINUTE)
    plain = score(act("post", "ada"))
    undone = world.read("ada")
    assert {k: v for k, v in undone.items() if k != "as_of"} == {k: v for k, v in plain.items() if k != "as_of"}
