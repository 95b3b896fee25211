"""Rewards: who gets what, once, and who loses it."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.fact import CHECKIN, FOLLOW, LIKE, POST, Fact
from streams.campaigns.claims import period_of
from streams.campaigns.rule import Caps, Mayor, PostWithMedia, Rule, Threshold
from streams.campaigns.rulebook import Rulebook
from streams.subject import DAY, HOUR, MINUTE
from streams.subjects.campaigns import Campaigns
from streams.subjects.entrants import Entrants
from streams.subjects.mayors import Mayors
from tests.unit.campaigns.drive import ALL_EARLIER, LAG, Drive, fact, facts_of, standings, titles, undone

END = 20 * DAY
THRESHOLD = Threshold(id="t", start=0, end=END, hashtags=("juice",), followers=500, prize="20 % off")
PHOTO = PostWithMedia(id="p", start=0, end=END, hashtags=("juice",))


def drive_for(rule: Rule, lag: int = LAG) -> Drive:
    """Return a drive for one campaign."""
    book = Rulebook([rule])
    return Drive(Entrants(book), Campaigns(book), Mayors(book), lag=lag)


def rewards(drive: Drive, stand: bool = True) -> list[tuple[str, str, int]]:
    """Return account, what for and when of the rewards that stand, or of those that were lost."""
    return sorted(
        (row["account"], row["which"], row["at"])
        for row in drive.live("rewards")
        if (row["revoked_at"] is None) == stand
    )


def act(id: str, actor: str, hour: float, kind: int = POST, **rest: Any) -> Fact:
    """Return an act with the tag."""
    return fact(id, kind, int(hour * HOUR), actor, tags=("juice",), **rest)


def photo(id: str, actor: str, hour: float, **rest: Any) -> Fact:
    """Return a post with a photo and the tag."""
    return act(id, actor, hour, media=("photo",), **rest)


def test_threshold_at_the_moment_of_acting() -> None:
    """What counts is how many followers the actor had then; unknown is not enough."""
    facts = [
        act("1", "ann", 1, followers=499),
        act("2", "ann", 2, followers=500),
        act("3", "ann", 3, followers=10),
        act("4", "bob", 4),
        act("5", "cid", 5, LIKE, followers=10**9),
        act("6", "dee", 6, LIKE, followers=10**9, given=0),  # of a post of her own
    ]
    drive = drive_for(THRESHOLD).feed(facts, 1)
    assert rewards(drive) == [("ann", "", 2 * HOUR), ("cid", "", 5 * HOUR)]
    assert standings(drive, "t") == [("ann", 1, 1), ("cid", 1, 2)]


def test_photo_once_per_account_and_period() -> None:
    """A second photo in one period earns nothing, one in the next does; without a photo, nothing."""
    facts = [
        photo("1", "ann", 1),
        photo("2", "ann", 2),
        photo("3", "ann", 25),
        act("4", "bob", 3, media=("video",)),
        act("5", "bob", 4),
    ]
    assert rewards(drive_for(PHOTO).feed(facts)) == [("ann", "", HOUR)]
    daily = msgspec.structs.replace(PHOTO, period="day")
    assert rewards(drive_for(daily).feed(facts)) == [
        ("ann", "1970-01-01", HOUR),
        ("ann", "1970-01-02", 25 * HOUR),
    ]


def test_undo_revokes_and_renews() -> None:
    """An undone post loses its reward; where another post of the period stands, that one earns it."""
    first, second = photo("1", "ann", 1), photo("2", "ann", 1.5)
    drive = drive_for(PHOTO).feed([first])
    (id,) = (row["id"] for row in drive.live("rewards"))
    drive.feed([undone(first)])
    assert rewards(drive) == []
    assert rewards(drive, stand=False) == [("ann", "", HOUR)]
    assert [row["reason"] for row in drive.live("rewards")] == ["undone"]
    drive.feed([second])
    assert rewards(drive) == [("ann", "", int(1.5 * HOUR))]
    assert [row["id"] for row in drive.live("rewards")] == [id]


def test_said_once() -> None:
    """A reward that stands as it stood is not said again, however often its account acts."""
    drive = drive_for(PHOTO).feed([photo(str(n), "ann", 1 + n / 10) for n in range(30)], 1)
    assert drive.counts["rewards"] == 1
    drive.present_all()
    assert drive.counts["rewards"] == 1


def test_replay_is_the_same() -> None:
    """The same events, in another order and in other chunks, make the same rewards with the same ids."""
    facts = [photo(str(n), "abc"[n % 3], n) for n in range(60)]
    rule = msgspec.structs.replace(PHOTO, period="day")
    one = drive_for(rule, ALL_EARLIER).feed(facts, 1)
    other = drive_for(rule, ALL_EARLIER).feed(random.Random(1).sample(facts, 60), 17)
    assert one.rows["rewards"] == other.rows["rewards"]
    assert len(one.rows["rewards"]) == 9


def test_disqualified_after_the_fact() -> None:
    """Who is disqualified loses what was won and gets it back when the rules forgive; both are said."""
    book = Rulebook([PHOTO])
    drive = Drive(Entrants(book), Campaigns(book)).feed([photo("1", "ann", 1), photo("2", "bob", 2)])
    book.replace([msgspec.structs.replace(PHOTO, disqualified={"ann": "other people's dinners"})])
    drive.present_all()
    assert rewards(drive) == [("bob", "", 2 * HOUR)]
    assert [row["reason"] for row in drive.live("rewards") if row["account"] == "ann"] == ["disqualified"]
    assert standings(drive, "p") == [("bob", 1, 1), ("ann", 1, 0)]
    book.replace([PHOTO])
    drive.present_all()
    assert rewards(drive) == [("ann", "", HOUR), ("bob", "", 2 * HOUR)]


def test_reload_keeps_standings() -> None:
    """New rules keep what was counted, and decide about what comes after."""
    book = Rulebook([PHOTO])
    drive = Drive(Entrants(book), Campaigns(book)).feed([photo("1", "ann", 1)])
    other = msgspec.structs.replace(PHOTO, hashtags=("juicy",))
    book.replace([other])
    drive.feed([photo("2", "bob", 2), msgspec.structs.replace(photo("3", "cid", 3), tags=("juicy",))])
    assert [account for account, _, _ in rewards(drive)] == ["ann", "cid"]
    book.replace([])
    drive.feed([photo("4", "dan", 4)]).present_all()
    assert [account for account, _, _ in rewards(drive)] == ["ann", "cid"]


def first_come(facts: list[Fact], rule: PostWithMedia) -> list[tuple[str, str, int]]:
    """Return who gets a reward under caps, by going through the acts in order of time."""
    found: list[tuple[str, str, int]] = []
    for post in sorted(facts, key=lambda post: (post.time, post.actor)):
        period = period_of(post.time, rule.period)
        caps = rule.caps
        others = [
            (caps.total, lambda won: True),
            (caps.per_day, lambda won: won[2] // DAY == post.time // DAY),  # noqa: B023 (used at once)
            (caps.per_account, lambda won: won[0] == post.actor),  # noqa: B023
        ]
        if any(won[:2] == (post.actor, period) for won in found):
            continue
        if all(cap is None or sum(map(same, found)) < cap for cap, same in others):
            found.append((post.actor, period, post.time))
    return sorted(found)


def test_total_goes_to_the_first() -> None:
    """Of a capped number, those get one who acted first; an undo lets the next one in."""
    rule = msgspec.structs.replace(PHOTO, caps=Caps(total=2))
    facts = [photo("3", "cid", 1.3), photo("1", "ann", 1.1), photo("2", "bob", 1.2)]
    drive = drive_for(rule).feed([*facts, undone(facts[1])], 1)
    assert rewards(drive) == []
    drive.pass_to(5 * HOUR)
    assert [account for account, _, _ in rewards(drive)] == ["bob", "cid"]
    assert rewards(drive, stand=False) == []


def test_a_rush() -> None:
    """Of thousands who act within the hour, before anything is settled, the first get what there is."""
    rule = msgspec.structs.replace(THRESHOLD, caps=Caps(total=4_000))
    facts = [act(str(n), f"guest{n:04d}", 1 + n / 10_000, followers=500) for n in range(4_500)]
    drive = drive_for(rule).feed(random.Random(5).sample(facts, 4_500), 2_000)
    drive.pass_to(5 * HOUR)
    assert [account for account, _, _ in rewards(drive)] == [f"guest{n:04d}" for n in range(4_000)]


caps = st.builds(
    Caps,
    per_account=st.none() | st.integers(1, 3),
    per_day=st.none() | st.integers(1, 3),
    total=st.none() | st.integers(1, 6),
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 400)), max_size=30),
    st.integers(0, 30),
    caps,
    st.sampled_from(["campaign", "month", "week", "day"]),
    st.randoms(use_true_random=False),
    st.integers(1, 9),
    st.booleans(),
)
def test_any_order_and_undo(
    acts: list[tuple[str, int]],
    undos: int,
    caps: Caps,
    period: Any,
    rng: random.Random,
    chunk: int,
    mix: bool,
) -> None:
    """Whatever the order and what is undone, the rewards that stand are those of who came first."""
    rule = msgspec.structs.replace(PHOTO, caps=caps, period=period)
    facts = [photo(str(n), who, hour) for n, (who, hour) in enumerate(acts)]
    taken = [undone(post) for post in facts[:undos]]
    mixed = facts + taken
    if mix:
        rng.shuffle(mixed)
    drive = drive_for(rule, ALL_EARLIER).feed(mixed, chunk)
    drive.lag = LAG
    for later in (3 * HOUR, 40 * DAY):
        drive.pass_to(END + later)
        assert rewards(drive) == first_come(facts[undos:], rule)


@pytest.mark.parametrize("lag", [0, 1, LAG])
def test_mayor_is_rewarded_when_the_title_is_settled(lag: int) -> None:
    """A new mayor wins when nothing late or undone can change it, once for one title."""
    rule = Mayor(id="m", start=0, end=100 * DAY, venues=("cafe",), prize="a latte")
    facts = [
        fact(str(n), CHECKIN, int(day * DAY), who, venue="cafe")
        for n, (who, day) in enumerate([("ann", 1), ("ann", 2), ("bob", 2), ("bob", 3), ("bob", 4)])
    ]
    drive = drive_for(rule, lag).feed(facts, 1)
    assert rewards(drive) == [("ann", "cafe", 2 * DAY)]
    drive.pass_to(5 * DAY)
    assert rewards(drive) == [("ann", "cafe", 2 * DAY), ("bob", "cafe", 4 * DAY)]
    assert standings(drive, "m") == [("bob", 3, 1), ("ann", 2, 2)]
    drive.present_all().pass_to(99 * DAY)
    assert drive.counts["rewards"] == 2
    assert standings(drive, "m") == []
    drive.pass_to(140 * DAY)
    assert [name for name, key in drive.states if key.endswith("m")] == []


def test_days_that_pass_take_points() -> None:
    """Who never held the title and never comes again loses points as the days pass."""
    rule = Mayor(id="m", start=0, end=100 * DAY, venues=("cafe",))
    visits = [("ann", 1), ("ann", 2), ("bob", 2), ("ann", 40), ("ann", 41)]
    facts = [fact(str(n), CHECKIN, day * DAY + HOUR, who, venue="cafe") for n, (who, day) in enumerate(visits)]
    drive = drive_for(rule).feed(facts, 1)
    assert standings(drive, "m") == [("ann", 4, 1), ("bob", 1, 2)]
    drive.pass_to(62 * DAY + HOUR)
    assert standings(drive, "m") == [("ann", 2, 1)]


def test_mayors_of_a_campaign_are_the_mayors() -> None:
    """A campaign for all venues rewards exactly the titles of the real check-ins, each once."""
    rule = Mayor(id="m", start=0, end=2**41, venues=("*",))
    facts = sorted(facts_of("gowalla-10k"), key=lambda checkin: checkin.time)
    drive = drive_for(rule).feed(facts, 50)
    drive.pass_to(drive.newest + DAY)
    won = Counter((venue, who, since) for who, venue, since in rewards(drive))
    assert won == Counter((venue, who, since) for venue, who, _, since, _ in titles(drive))
    assert drive.counts["rewards"] == len(won) > 800


def test_follow_for_entry_and_bursts_are_reported() -> None:
    """What looks like gaming is said with evidence, and taken back by undo; nobody is excluded."""
    facts = [photo(str(n), "ann", 1 + n / 1000, text_hash=7, followers=0) for n in range(6)]
    follow = fact("f", FOLLOW, HOUR, "ann", receivers=("brand",), campaign="p")
    drive = drive_for(PHOTO).feed([*facts, follow])
    found = {row["signal"]: row["count"] for row in drive.live("campaign_signals")}
    assert found == {"burst": 6, "repeated_text": 6, "no_followers": 6, "follow_for_entry": 1}
    assert [account for account, _, _ in rewards(drive)] == ["ann"]
    drive.feed([undone(follow), *map(undone, facts[:5])])
    found = {row["signal"]: row["count"] for row in drive.live("campaign_signals")}
    assert found == {"no_followers": 1}


def test_disclosed_and_undisclosed_entries() -> None:
    """An entry is disclosed by its flag or by one of the campaign's own tags; both are listed."""
    rule = msgspec.structs.replace(PHOTO, disclosure=type(PHOTO.disclosure)(tags=("werbung",)))
    facts = [
        photo("flag", "ann", 1, disclosed=True),
        msgspec.structs.replace(photo("tag", "ann", 2), tags=("juice", "werbung")),
        photo("none", "ann", 3),
    ]
    drive = drive_for(rule).feed(facts)
    assert {row["event"]: row["disclosed"] for row in drive.live("campaign_entries")} == {
        "flag": True,
        "tag": True,
        "none": False,
    }
    (row,) = drive.live("campaign_points")
    assert (row["disclosed"], row["undisclosed"]) == (2, 1)


@pytest.mark.parametrize("lag", [LAG, ALL_EARLIER])
def test_quiet_campaign_is_forgotten(lag: int) -> None:
    """A month after its end, when nothing can come any more, no state is kept of a campaign."""
    drive = drive_for(PHOTO, lag).feed([photo("1", "ann", 1)])
    drive.lag = LAG
    drive.pass_to(END + 31 * DAY + MINUTE)
    assert drive.states == {}
    assert rewards(drive) == [("ann", "", HOUR)]
