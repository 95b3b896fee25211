"""The simulated log is what its plan says: the same in every run, and with all that can go wrong in it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import pairwise
from math import log
from random import Random

import pytest

from tests.simulator import Oracle, Outcome, Plan, records
from tests.simulator.__main__ import main
from tests.simulator.crowd import Crowd, Zipf, name_of
from tests.simulator.nasty import NO_EVENT, NO_JSON, TOO_LARGE, UNKNOWN_TYPE
from tests.simulator.plan import HOUR, MINUTE
from tests.simulator.reading import KINDS, Read, read
from tests.simulator.wording import instant

NASTY = {Outcome.MALFORMED, Outcome.INVALID, Outcome.UNKNOWN_TYPE, Outcome.TOO_LARGE}
COPIES = {Outcome.DUPLICATE, Outcome.EITHER, Outcome.LATE_COPY}
CALM = Plan(events=5_000).only()
"""A plan in which nothing goes wrong."""


def outcomes(plan: Plan) -> Counter[Outcome]:
    """Return how often each outcome comes."""
    oracle = Oracle(partitions=plan.partitions, lateness=plan.lateness, horizon=plan.horizon)
    for partition, raw in records(plan):
        oracle.take(partition, raw)
    return Counter(Outcome(code) for codes in oracle.outcomes for code in codes)


@cache
def said(plan: Plan) -> list[Read]:
    """Return the events of a log, in its order."""
    return [event for _, raw in records(plan) if isinstance(event := read(raw), Read)]


def test_same_seed_same_log() -> None:
    """A log is a function of its plan alone, not of the process or its hash seed; another seed, another."""
    script = (
        "import hashlib; from tests.simulator import *; digest = hashlib.sha256()\n"
        "for place, raw in records(Plan(seed=5, events=3000)): digest.update(b'%d ' % place + raw)\n"
        "print(digest.hexdigest())"
    )

    def digest_of(hash_seed: str) -> str:
        environ = os.environ | {"PYTHONHASHSEED": hash_seed, "TZ": "Asia/Kolkata"}
        done = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, check=True)
        return done.stdout.decode().strip()

    here = hashlib.sha256()
    for place, raw in records(Plan(seed=5, events=3000)):
        here.update(b"%d " % place + raw)
    assert {digest_of("1"), digest_of("2")} == {here.hexdigest()}
    assert list(records(Plan(seed=5, events=50))) != list(records(Plan(seed=6, events=50)))


def test_length() -> None:
    """A log is exactly as long as planned, and a longer one begins with the shorter."""
    long = list(records(Plan(seed=2, events=4_000)))
    assert len(long) == 4_000
    assert list(records(Plan(seed=2, events=1_500))) == long[:1_500]


def test_calm() -> None:
    """Where nothing goes wrong, all is accepted, in the order of its time and at the planned rate."""
    assert outcomes(CALM) == {Outcome.ACCEPTED: CALM.events}
    times = [event.time for event in said(CALM)]
    assert times == sorted(times)
    assert times[-1] - times[0] == pytest.approx(CALM.events / CALM.rate * 1000, rel=0.05)


@pytest.mark.parametrize("rate", [0.01, 5_000.0], ids=["slow", "fast"])
def test_any_rate(rate: float) -> None:
    """Event time passes at whatever rate is set."""
    times = [event.time for event in said(replace(CALM, rate=rate))]
    assert (times[-1] - times[0]) * rate / 1000 == pytest.approx(CALM.events, rel=0.05)


@pytest.mark.parametrize(
    ("mishap", "share", "least", "most"),
    [
        ("late", {Outcome.LATE}, 0.09, 0.11),
        ("edges", {Outcome.LATE}, 0.04, 0.06),
        ("nasty", NASTY, 0.09, 0.11),
        ("future", {Outcome.FUTURE}, 0.09, 0.11),
        ("delayed", {Outcome.ACCEPTED}, 1.0, 1.0),
        ("changed", {Outcome.DUPLICATE}, 0.1, 0.15),
        ("duplicates", COPIES, 0.15, 0.25),
    ],
)
def test_rates(mishap: str, share: set[Outcome], least: float, most: float) -> None:
    """One in ten that goes wrong in one way makes the outcomes that this way leads to, as often as that."""
    plan = Plan(events=10_000, rate=0.5).only(**{mishap: 0.1})
    found = outcomes(plan)
    assert least <= sum(found[outcome] for outcome in share) / plan.events <= most


def test_out_of_order() -> None:
    """Delayed events are in the log behind younger ones of their partition."""
    plan = CALM.only(delayed=0.1)
    newest, behind = [0] * plan.partitions, 0
    for partition, raw in records(plan):
        event = read(raw)
        assert isinstance(event, Read)
        behind += event.time < newest[partition]
        newest[partition] = max(newest[partition], event.time)
    assert behind / plan.events == pytest.approx(0.1, rel=0.2)


def test_edges() -> None:
    """Some events happen exactly at the watermark of their partition, some a millisecond before it."""
    plan = CALM.only(edges=0.05)
    newest, distances = [0] * plan.partitions, Counter[int]()
    for partition, raw in records(plan):
        event = read(raw)
        assert isinstance(event, Read)
        if event.time < newest[partition]:
            distances[newest[partition] - plan.lateness - event.time] += 1
        newest[partition] = max(newest[partition], event.time)
    assert set(distances) == {0, 1}


def test_everything_happens() -> None:
    """The usual plan has every kind, outcome and partition, and undos that do and that do not work."""
    plan = Plan()
    kinds = Counter(event.kind for event in said(plan))
    assert set(kinds) == set(KINDS)
    found = outcomes(plan)
    assert set(found) == set(Outcome)
    assert {partition for partition, _ in records(plan)} == set(range(plan.partitions))
    events = {event.id: event for event in said(plan)}
    gaps = Counter[str]()
    for undo in events.values():
        if undo.kind == "undo":
            target = events.get(undo.said["undo_of"])
            if target is None:
                gaps["of nothing"] += 1
            elif target.kind == "undo":
                gaps["of an undo"] += 1
            else:
                gap = undo.time - target.time
                gaps["after" if gap >= 0 else "before"] += abs(gap) <= plan.horizon
                gaps["too far after" if gap >= 0 else "too far before"] += abs(gap) > plan.horizon
                gaps["on the edge"] += abs(gap) == plan.horizon
                gaps["beyond the edge"] += abs(gap) == plan.horizon + 1
    assert min(gaps.values()) > 0, gaps
    assert len(gaps) == 8


def test_what_events_say() -> None:
    """Texts have tags, some events are bought, some of these disclosed, and many fields are used."""
    events = said(Plan())
    assert {event.klass for event in events} == {0, 1, 2}
    bought = sum(event.klass > 0 for event in events) / len(events)
    assert 0.03 < bought < 0.07
    assert any("#" in event.said.get("text", "") for event in events)
    fields = {field for event in events for field in event.said}
    assert fields >= {
        "root",
        "parent",
        "campaign",
        "incentive",
        "disclosed",
        "promo",
        "media",
        "venue",
        "lang",
    }
    assert any(not event.receivers and event.given for event in events if event.kind == "reply")
    assert any(not event.given for event in events if event.kind == "like"), "nobody likes their own posts"
    assert any("targets" not in event.said and event.receivers for event in events if event.kind == "mention")


def test_cascades_branch() -> None:
    """Shares hang below shares, several steps deep and several abreast."""
    oracle = Oracle(partitions=CALM.partitions)
    for partition, raw in records(CALM):
        oracle.take(partition, raw)
    shapes = [oracle.tally.shape(root) for root in oracle.tally.cascades]
    assert max(shape.depth for shape in shapes) >= 4
    assert max(shape.breadth for shape in shapes) >= 10


def test_hot_key() -> None:
    """On request half of everything is about one post."""
    hot = [event for event in said(replace(CALM, hot=0.5)) if event.said.get("root") == "p-hot"]
    assert len(hot) / CALM.events == pytest.approx(0.5, rel=0.1)


@pytest.mark.parametrize("exponent", [0.8, 1.0, 1.3])
def test_zipf(exponent: float) -> None:
    """The frequency of rank n falls as n to the minus exponent: a line of that slope in logarithms."""
    draw = Zipf(Random(1), 10_000, exponent)
    found = Counter(draw() for _ in range(200_000))
    assert min(found) == 0
    assert max(found) < 10_000
    bins = [(4**k, sum(found[n] for n in range(4**k, 4 ** (k + 1))) / (3 * 4**k)) for k in range(1, 6)]
    for (low, here), (high, there) in pairwise(bins):
        assert log(there / here) / log(high / low) == pytest.approx(-exponent, abs=0.12)


def test_crowd() -> None:
    """Who acts much is mostly looked at much, followers go by that, and every account has its own name."""
    crowd = Crowd(Random(3), 2_000, 1.1, 1.5)
    rank = {account: rank for rank, account in enumerate(crowd.popularity)}
    assert len(rank) == crowd.size
    n = crowd.size
    distance = sum((account - rank[account]) ** 2 for account in range(n))
    assert 0.2 < 1 - 6 * distance / (n * (n * n - 1)) < 0.9, "Spearman's rho of activity and popularity"
    followers = [crowd.followers[account] for account in crowd.popularity]
    assert followers == sorted(followers, reverse=True)
    assert len({name_of(account) for account in range(n)}) == n


@pytest.mark.parametrize("style", [0.0, 0.5, 0.92, 0.97])
@pytest.mark.parametrize("time", [0, 1_714_521_599_999, 1_719_792_061_007])
def test_forms_of_time(style: float, time: int) -> None:
    """An instant is the same instant in every form that it is written in."""
    event = read(f'{{"id":"1","type":"post","actor":"a","time":{instant(time, style)}}}'.encode())
    assert isinstance(event, Read)
    assert event.time == time


def test_nasty_records() -> None:
    """Each nasty record is refused for the reason that it was made for."""
    assert {read(raw) for raw in NO_JSON} == {"malformed"}
    assert {read(raw) for raw in NO_EVENT} == {"invalid"}
    assert {read(raw) for raw in UNKNOWN_TYPE} == {"unknown_type"}
    assert read(TOO_LARGE) == "too_large"
    plan = Plan(seed=4, events=10_000, nasty=0.1)
    found = {raw for _, raw in records(plan)}
    assert found >= {*NO_JSON, *NO_EVENT, *UNKNOWN_TYPE, TOO_LARGE}


def test_lateness_and_horizon_are_settings() -> None:
    """With other settings, what is late and what is too far apart is still both there and told apart."""
    plan = Plan(lateness=2 * MINUTE, horizon=HOUR // 4, rate=5.0, partitions=1)
    found = outcomes(plan)
    assert found[Outcome.LATE] > 50
    assert not found[Outcome.EITHER], "one partition leaves nothing open"


@pytest.mark.parametrize("wrong", [{"partitions": 0}, {"rate": 0.0}, {"accounts": 3}, {"late": 0.9, "nasty": 0.2}])
def test_impossible_plans(wrong: dict[str, float]) -> None:
    """A plan that cannot be is refused when it is made."""
    with pytest.raises(ValueError, match=r"plan|shares"):
        Plan(**wrong)  # type: ignore[arg-type]


def test_show(capsys: pytest.CaptureFixture[str]) -> None:
    """`show` says what a log holds and what must become of it."""
    assert main(["show", "--events", "2000", "--seed", "9"]) == 0
    printed = capsys.readouterr().out
    assert "2,000  records" in printed
    assert "accepted" in printed
