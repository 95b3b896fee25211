"""Contests: points, ranks and winners of a hashtag."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.fact import POST, Fact
from streams.campaigns.rule import Caps, Contest
from streams.campaigns.rulebook import Rulebook
from streams.subject import DAY, HOUR, MINUTE
from streams.subjects.campaigns import Campaigns
from streams.subjects.entrants import Entrants
from tests.unit.campaigns.drive import ALL_EARLIER, LAG, Drive, fact, facts_of, standings, undone


def ms(year: int, month: int, day: int) -> int:
    """Return midnight UTC in epoch ms."""
    return int(datetime(year, month, day, tzinfo=UTC).timestamp() * 1000)


DUBOIS = Contest(
    id="dubois",
    start=ms(2021, 2, 1),
    end=ms(2021, 6, 1),
    hashtags=("duboischallenge",),
    winners=3,
    prize="fame",
)


def recount(facts: list[Fact], rule: Contest) -> list[tuple[str, int, int]]:
    """Return account, points and rank of everybody, computed at once from the definition."""
    firsts: dict[str, dict[str, int]] = defaultdict(dict)
    for post in facts:
        if post.kind == POST and set(post.tags) & set(rule.hashtags) and rule.start <= post.time < rule.end:
            known = firsts[post.actor].get(post.object, post.time)
            firsts[post.actor][post.object] = min(known, post.time)
    ranks = []
    for account, objects in firsts.items():
        counted: list[int] = []
        for time in sorted(objects.values()):
            same_day = sum(1 for other in counted if other // DAY == time // DAY)
            if rule.caps.per_account_day is not None and same_day >= rule.caps.per_account_day:
                continue
            if rule.caps.per_account is not None and len(counted) >= rule.caps.per_account:
                continue
            counted.append(time)
        ranks.append((-len(counted), counted[-1], account))
    return [(account, -points, rank) for rank, (points, _, account) in enumerate(sorted(ranks), start=1)]


def drive_for(rule: Contest, lag: int = LAG) -> Drive:
    """Return a drive for one contest."""
    book = Rulebook([rule])
    return Drive(Entrants(book), Campaigns(book), lag=lag)


@pytest.fixture(scope="module")
def dubois() -> list[Fact]:
    return facts_of("dubois-contest")


@pytest.mark.parametrize("chunk", [13, 500])
@pytest.mark.parametrize("order", ["file", "sorted", "shuffled", "newest first"])
@pytest.mark.parametrize("caps", [Caps(), Caps(per_account_day=2), Caps(per_account=7)])
def test_dubois(dubois: list[Fact], order: str, chunk: int, caps: Caps) -> None:
    """The leaderboard of the real contest is the recount's, whatever the order, the pace and the caps."""
    rule = msgspec.structs.replace(DUBOIS, caps=caps)
    facts = list(dubois)
    if order == "sorted":
        facts.sort(key=lambda post: post.time)
    elif order == "newest first":
        facts.sort(key=lambda post: -post.time)
    elif order == "shuffled":
        random.Random(3).shuffle(facts)
    drive = drive_for(rule, LAG if order == "sorted" else ALL_EARLIER).feed(facts, chunk)
    expected = recount(dubois, rule)
    assert standings(drive, "dubois") == expected
    assert len(expected) == 166
    assert drive.live("rewards") == []
    drive.lag = LAG
    drive.pass_to(rule.end + 3 * HOUR)
    won = sorted((int(reward["which"]), reward["account"]) for reward in drive.live("rewards"))
    assert won == [(rank, account) for account, _, rank in expected[:3]]


def posts(*said: tuple[str, float, str], tag: str = "juice") -> list[Fact]:
    """Return posts: account, hour, object."""
    return [
        fact(f"{n}", POST, int(hour * HOUR), account, object=thing, tags=(tag,))
        for n, (account, hour, thing) in enumerate(said)
    ]


CONTEST = Contest(id="c", start=0, end=10 * DAY, hashtags=("juice",))


def test_distinct_objects() -> None:
    """The same post, sent twice, has one point; posts without an object are told apart by their event."""
    drive = drive_for(CONTEST).feed(posts(("ann", 1, "x"), ("ann", 2, "x"), ("bob", 1, ""), ("bob", 2, "")))
    assert standings(drive, "c") == [("bob", 2, 1), ("ann", 1, 2)]


def test_ties_go_to_who_got_there_first() -> None:
    """Of two with equal points, who reached them first is ahead, whoever began first."""
    drive = drive_for(CONTEST).feed(posts(("ann", 1, "a"), ("bob", 2, "b"), ("bob", 3, "c"), ("ann", 4, "d")))
    assert standings(drive, "c") == [("bob", 2, 1), ("ann", 2, 2)]


def test_undo_takes_the_lead_away() -> None:
    """An undone post has no point, and its entry is not shown any more."""
    facts = posts(("ann", 1, "a"), ("ann", 2, "b"), ("bob", 1, "c"))
    drive = drive_for(CONTEST).feed(facts).feed([undone(facts[0])])
    assert standings(drive, "c") == [("bob", 1, 1), ("ann", 1, 2)]
    assert {entry["event"] for entry in drive.live("campaign_entries")} == {"1", "2"}


def test_only_what_qualifies_counts() -> None:
    """Posts out of time, without the tag, in another language or network do not count."""
    rule = Contest(
        id="c",
        start=2 * HOUR,
        end=4 * HOUR,
        hashtags=("juice",),
        networks=("mastodon",),
        languages=("en",),
        media=("photo",),
        min_followers=10,
    )
    right: dict[str, Any] = {
        "network": "mastodon",
        "lang": "en-GB",
        "media": ("photo", "video"),
        "followers": 10,
    }
    good = fact("good", POST, 2 * HOUR, "ann", tags=("juice",), **right)
    changes: list[dict[str, Any]] = [
        {"time": 2 * HOUR - 1},
        {"time": 4 * HOUR},
        {"tags": ("juicy",)},
        {"network": "bluesky"},
        {"lang": "eng"},
        {"lang": ""},
        {"media": ("video",)},
        {"followers": 9},
        {"followers": -1},
        {"kind": POST + 1},
    ]
    bad = [msgspec.structs.replace(good, id=f"bad{n}", **change) for n, change in enumerate(changes)]
    drive = drive_for(rule).feed([good, *bad])
    assert [entry["event"] for entry in drive.live("campaign_entries")] == ["good"]


def test_winner_waits_for_the_late() -> None:
    """No winner is named before lateness and horizon after the end have passed; then one is, once."""
    drive = drive_for(CONTEST).feed(posts(("ann", 1, "a")))
    drive.pass_to(CONTEST.end + LAG - 2 * MINUTE)
    assert drive.live("rewards") == []
    drive.pass_to(CONTEST.end + LAG + MINUTE)
    assert [(reward["account"], reward["at"]) for reward in drive.live("rewards")] == [("ann", CONTEST.end)]
    said = drive.counts["rewards"]
    drive.present_all().pass_to(CONTEST.end + 20 * DAY)
    assert drive.counts["rewards"] == said == 1


def test_disqualified_winner() -> None:
    """Who is disqualified after winning loses the reward, openly, and the next in rank wins it."""
    book = Rulebook([CONTEST])
    drive = Drive(Entrants(book), Campaigns(book)).feed(posts(("ann", 1, "a"), ("ann", 2, "b"), ("bob", 1, "c")))
    drive.pass_to(CONTEST.end + LAG + MINUTE)
    book.replace([msgspec.structs.replace(CONTEST, disqualified={"ann": "bought posts"})])
    drive.present_all()
    rewards = {reward["account"]: reward for reward in drive.live("rewards")}
    assert (rewards["ann"]["revoked_at"], rewards["ann"]["reason"]) == (CONTEST.end, "disqualified")
    assert rewards["bob"]["revoked_at"] is None
    assert standings(drive, "c") == [("bob", 1, 1), ("ann", 2, 0)]
    book.replace([CONTEST])
    drive.present_all()
    rewards = {reward["account"]: reward for reward in drive.live("rewards")}
    assert rewards["ann"]["revoked_at"] is None
    assert (rewards["bob"]["revoked_at"], rewards["bob"]["reason"]) == (CONTEST.end, "overtaken")


def test_places_move_up() -> None:
    """When a winner is disqualified, those behind win their new places by the same rewards, and one more wins."""
    rule = msgspec.structs.replace(CONTEST, winners=2)
    book = Rulebook([rule])
    said = [("ann", 1, "a"), ("ann", 2, "b"), ("ann", 3, "c"), ("bob", 1, "d"), ("bob", 2, "e"), ("cid", 1, "f")]
    drive = Drive(Entrants(book), Campaigns(book)).feed(posts(*said)).pass_to(CONTEST.end + LAG + MINUTE)
    before = {reward["account"]: reward["id"] for reward in drive.live("rewards")}
    book.replace([msgspec.structs.replace(rule, disqualified={"ann": "bought posts"})])
    drive.present_all()
    stand = {reward["account"]: reward for reward in drive.live("rewards") if reward["revoked_at"] is None}
    assert {account: reward["which"] for account, reward in stand.items()} == {"bob": "1", "cid": "2"}
    assert stand["bob"]["id"] == before["bob"]
    book.replace([rule])
    drive.present_all()
    stand = {reward["account"]: reward for reward in drive.live("rewards") if reward["revoked_at"] is None}
    assert {account: reward["which"] for account, reward in stand.items()} == {"ann": "1", "bob": "2"}


def test_states_end() -> None:
    """A month after the end nothing is kept of a contest in the stream; its rows stay."""
    drive = drive_for(CONTEST).feed(posts(("ann", 1, "a"), ("bob", 1, "c")))
    drive.pass_to(CONTEST.end + 40 * DAY)
    assert drive.states == {}
    assert len(standings(drive, "c")) == 2


entries = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 72), st.sampled_from("uvwxyz")), max_size=30)
caps = st.builds(
    Caps,
    per_account=st.none() | st.integers(1, 6),
    per_account_day=st.none() | st.integers(1, 3),
)


@settings(max_examples=150, deadline=None)
@given(entries, st.integers(0, 30), caps, st.randoms(use_true_random=False), st.integers(1, 9))
def test_any_order_and_undo(
    said: list[tuple[str, int, str]], undos: int, caps: Caps, rng: random.Random, chunk: int
) -> None:
    """Whatever the order, the chunks and what is undone, standings and winners are those of the posts that
    stand.
    """
    rule = Contest(id="c", start=0, end=10 * DAY, hashtags=("juice",), caps=caps, winners=2)
    facts = posts(*said)
    mixed = facts + [undone(post) for post in facts[:undos]]
    rng.shuffle(mixed)
    drive = drive_for(rule, ALL_EARLIER).feed(mixed, chunk)
    expected = recount(facts[undos:], rule)
    assert standings(drive, "c") == expected
    drive.lag = LAG
    drive.pass_to(rule.end + 3 * HOUR)
    assert standings(drive, "c") == expected
    won = sorted((int(reward["which"]), reward["account"]) for reward in drive.live("rewards"))
    assert won == [(rank, account) for account, _, rank in expected[:2]]


@settings(max_examples=100, deadline=None)
@given(entries, caps, st.integers(0, 72))
def test_settling_changes_nothing(said: list[tuple[str, int, str]], caps: Caps, lag: int) -> None:
    """In order of time, how early the past is settled plays no part."""
    rule = Contest(id="c", start=0, end=10 * DAY, hashtags=("juice",), caps=caps)
    facts = sorted(posts(*said), key=lambda post: post.time)
    drive = drive_for(rule, lag * HOUR).feed(facts, 3)
    assert standings(drive, "c") == recount(facts, rule)
