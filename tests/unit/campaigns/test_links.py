"""Referrals and tag chains: who brought whom, once, and never in a circle."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Any

import msgspec
import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.fact import REFERRAL, TAG, Fact
from streams.campaigns.rule import Caps, Referral, Rule, TagChain
from streams.campaigns.rulebook import Rulebook
from streams.subject import DAY, HOUR, MINUTE
from streams.subjects.campaigns import Campaigns
from streams.subjects.entrants import Entrants
from tests.unit.campaigns.drive import ALL_EARLIER, LAG, Drive, fact, standings, undone

END = 10 * DAY
REFER = Referral(id="r", start=0, end=END, prize="a month free")
CHAIN = TagChain(id="g", start=0, end=END, memes=("five-things",), tagged=2)


def drive_for(rule: Rule, lag: int = ALL_EARLIER) -> Drive:
    """Return a drive for one campaign."""
    book = Rulebook([rule])
    return Drive(Entrants(book), Campaigns(book), lag=lag)


def refer(id: str, newcomer: str, referrer: str, hour: float) -> Fact:
    """Return a referral: the newcomer names who sent it. What names oneself has no receiver, as facts are
    made.
    """
    receivers = (referrer,) if referrer != newcomer else ()
    return fact(id, REFERRAL, int(hour * HOUR), newcomer, receivers=receivers, campaign="r")


def tag(id: str, actor: str, tagged: str, hour: float, followers: int = -1) -> Fact:
    """Return a tagging of each letter of `tagged`, but the actor itself."""
    receivers = tuple(one for one in tagged if one != actor)
    return fact(id, TAG, int(hour * HOUR), actor, receivers=receivers, root="five-things", followers=followers)


def won(drive: Drive) -> list[tuple[str, str]]:
    """Return account and what for of the rewards that stand."""
    return sorted((row["account"], row["which"]) for row in drive.live("rewards") if row["revoked_at"] is None)


def tree(drive: Drive) -> dict[str, Any]:
    """Return the row of the campaign's tree."""
    (row,) = drive.live("campaign_trees")
    return {name: row[name] for name in ("members", "roots", "depth", "breadth", "reach", "refused", "partial")}


def count(links: list[tuple[int, str, str]]) -> dict[str, tuple[int, str]]:
    """Return member → (time, sponsor) of the links that count, in one pass from the definition."""
    found: dict[str, tuple[int, str]] = {}
    for time, sponsor, member in sorted(links):
        sponsored = any(who == member and at <= time for at, who, _ in links)
        if member not in found and not sponsored:
            found[member] = (time, sponsor)
    return found


def test_newcomer_counts_once() -> None:
    """Of two who are named, the one named first in event time is rewarded, whichever event comes first."""
    drive = drive_for(REFER).feed([refer("2", "new", "bob", 2), refer("1", "new", "ann", 1)], 1)
    assert won(drive) == [("ann", "new")]
    assert standings(drive, "r") == [("ann", 1, 1)]
    lost = [row for row in drive.live("rewards") if row["revoked_at"] is not None]
    assert [(row["account"], row["reason"]) for row in lost] == [("bob", "overtaken")]


def test_a_second_name_is_not_said() -> None:
    """Who is named second was never promised anything, so no loss is shown."""
    drive = drive_for(REFER).feed([refer("1", "new", "ann", 1), refer("2", "new", "bob", 2)], 1)
    assert [(row["account"], row["revoked_at"]) for row in drive.live("rewards")] == [("ann", None)]


def test_never_oneself() -> None:
    """Who names itself has named nobody."""
    drive = drive_for(REFER).feed([refer("1", "ann", "ann", 1)])
    assert drive.live("rewards") == []
    assert drive.live("campaign_links") == []


def test_loops_are_broken() -> None:
    """In a circle of three the latest link does not count, and the account is named with the reason."""
    facts = [refer("1", "bob", "ann", 1), refer("2", "cid", "bob", 2), refer("3", "ann", "cid", 3)]
    drive = drive_for(REFER).feed(facts)
    assert won(drive) == [("ann", "bob"), ("bob", "cid")]
    assert [(row["account"], row["signal"]) for row in drive.live("campaign_signals")] == [("ann", "not_new")]
    assert tree(drive) == {
        "members": 2,
        "roots": 1,
        "depth": 2,
        "breadth": 1,
        "reach": 0,
        "refused": 1,
        "partial": False,
    }


def test_undone_referral() -> None:
    """An undone referral loses the reward, and the next name counts."""
    first, second = refer("1", "new", "ann", 1), refer("2", "new", "bob", 1.2)
    drive = drive_for(REFER, LAG).feed([first, second])
    drive.feed([undone(first)])
    assert won(drive) == [("bob", "new")]
    assert standings(drive, "r") == [("bob", 1, 1)]
    assert {row["account"]: row["reason"] for row in drive.live("rewards")} == {"ann": "undone", "bob": ""}


def test_capped_referrals() -> None:
    """With a cap per referrer only the first newcomers are rewarded, and only when settled."""
    rule = msgspec.structs.replace(REFER, caps=Caps(per_account=2))
    facts = [refer(str(n), f"new{n}", "ann", 5 - n) for n in range(4)]
    drive = drive_for(rule).feed(facts)
    assert won(drive) == []
    drive.lag = LAG
    drive.pass_to(END + 3 * HOUR)
    assert won(drive) == [("ann", "new2"), ("ann", "new3")]
    assert standings(drive, "r") == [("ann", 4, 1)]


def test_capped_referrals_a_day() -> None:
    """A cap per referrer and day leaves the first newcomers of each day."""
    rule = msgspec.structs.replace(REFER, caps=Caps(per_account_day=1))
    facts = [refer(str(n), f"new{n}", "ann", 10 * n) for n in range(5)]
    drive = drive_for(rule, LAG).feed(facts, 1)
    drive.pass_to(END + 3 * HOUR)
    assert won(drive) == [("ann", "new0"), ("ann", "new3")]


def test_long_chain() -> None:
    """A chain in which each brings the next is as deep as it is long, settled on the way or not."""
    facts = [tag(str(n), chr(97 + n), chr(98 + n), n) for n in range(20)]
    for lag in (MINUTE, ALL_EARLIER):
        row = tree(drive_for(CHAIN, lag).feed(facts, 3))
        assert (row["members"], row["depth"], row["breadth"]) == (20, 20, 1)


def test_tag_chain() -> None:
    """The tree of a meme has those who were tagged first below who tagged them, with depth, breadth and
    reach.
    """
    facts = [
        tag("1", "a", "bc", 1, 100),
        tag("2", "b", "dcx", 2, 10),
        tag("3", "d", "a", 3, 5),
        tag("4", "a", "e", 4, 999),
    ]
    drive = drive_for(CHAIN).feed(facts, 1)
    links = {row["member"]: (row["sponsor"], row["counts"]) for row in drive.live("campaign_links")}
    assert links == {
        "b": ("a", True),
        "c": ("a", True),
        "d": ("b", True),
        "x": ("b", True),
        "a": ("d", False),
        "e": ("a", True),
    }
    assert tree(drive) == {
        "members": 5,
        "roots": 1,
        "depth": 2,
        "breadth": 3,
        "reach": 115,
        "refused": 1,
        "partial": False,
    }
    drive.lag = LAG
    drive.pass_to(12 * HOUR)
    assert [account for account, _ in won(drive)] == ["a", "b"]


pairs = st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef"), st.integers(0, 40)), max_size=25)


@settings(max_examples=200, deadline=None)
@given(pairs, st.integers(0, 25), st.randoms(use_true_random=False), st.integers(1, 9), st.booleans())
def test_any_order_and_undo(
    said: list[tuple[str, str, int]], undos: int, rng: random.Random, chunk: int, chain: bool
) -> None:
    """Whatever the order and what is undone, links, points, rewards and tree are those of the definition."""
    rule: Rule = CHAIN if chain else REFER
    facts = [
        tag(str(n), one, other, hour) if chain else refer(str(n), other, one, hour)
        for n, (one, other, hour) in enumerate(said)
    ]
    mixed = facts + [undone(one) for one in facts[:undos]]
    rng.shuffle(mixed)
    drive = drive_for(rule).feed(mixed, chunk)
    links = [(hour * HOUR, one, other) for one, other, hour in said[undos:] if one != other]
    expected = count(links)
    found = {row["member"]: (row["at"], row["sponsor"]) for row in drive.live("campaign_links") if row["counts"]}
    assert found == expected
    points: dict[str, int] = defaultdict(int)
    for _, sponsor in expected.values():
        points[sponsor] += 1
    assert {account: n for account, n, _ in standings(drive, rule.id)} == points
    graph = nx.DiGraph([(sponsor, member) for member, (_, sponsor) in expected.items()])
    assert nx.is_forest(graph) if expected else True
    if not chain:
        assert won(drive) == sorted((sponsor, member) for member, (_, sponsor) in expected.items())
    if drive.live("campaign_trees"):
        levels: dict[int, int] = defaultdict(int)
        for member in expected:
            levels[len(nx.ancestors(graph, member))] += 1
        row = tree(drive)
        assert row["members"] == len(expected)
        assert (row["depth"], row["breadth"]) == (max(levels, default=0), max(levels.values(), default=0))
    drive.lag = LAG
    drive.pass_to(END + 3 * HOUR)
    found = {row["member"]: (row["at"], row["sponsor"]) for row in drive.live("campaign_links") if row["counts"]}
    assert found == expected
    if chain:
        assert [account for account, _ in won(drive)] == sorted(a for a, n in points.items() if n >= 2)


@settings(max_examples=100, deadline=None)
@given(pairs, st.integers(0, 30))
def test_settling_changes_nothing(said: list[tuple[str, str, int]], lag: int) -> None:
    """In order of time, how early the past is settled plays no part."""
    said.sort(key=lambda one: one[2])
    facts = [refer(str(n), other, one, hour) for n, (one, other, hour) in enumerate(said)]
    drive = drive_for(REFER, lag * HOUR + MINUTE).feed(facts, 2)
    expected = count([(hour * HOUR, one, other) for one, other, hour in said if one != other])
    found = {row["member"]: (row["at"], row["sponsor"]) for row in drive.live("campaign_links") if row["counts"]}
    assert found == expected
