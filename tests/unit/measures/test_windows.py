"""Windows against a recount that knows nothing of panes, sketches or settling."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.event import KINDS
from schemas.fact import AMPLIFYING, EARNED, FOLLOW, MENTION, POST, TAG, UNDISCLOSED, UNFOLLOW, Fact
from streams.subject import DAY, HOUR, MINUTE
from tests.unit.measures.world import NOON, NOWHERE, World, act

WINDOWS = {
    "5m": (5 * MINUTE, MINUTE),
    "1h": (HOUR, MINUTE),
    "24h": (DAY, HOUR),
    "7d": (7 * DAY, HOUR),
    "30d": (30 * DAY, DAY),
}
OTHERS = ("bob", "cy", "dee", "eve")


@st.composite
def dealings(draw: st.DrawFn) -> Fact:
    """Draw something between ada and somebody else, mostly near where a window ends."""
    kind = draw(st.sampled_from([kind for kind in KINDS if kind not in ("undo",)]))
    edge = draw(st.sampled_from((0, 5 * MINUTE, HOUR, DAY, 7 * DAY, 30 * DAY, 40 * DAY)))
    near = draw(st.sampled_from((2 * MINUTE, HOUR, DAY)))
    ago = max(edge + draw(st.integers(-near, near)), 0)
    other = draw(st.sampled_from(OTHERS))
    actor, target = draw(st.sampled_from((("ada", other), (other, "ada"))))
    incentive, disclosed = draw(st.sampled_from((("none", False), ("paid", True), ("paid", False))))
    followers = draw(st.none() | st.integers(0, 10**9)) if actor != "ada" else None
    more: dict[str, Any] = {"incentive": incentive, "disclosed": disclosed, "promo": draw(st.booleans())}
    if followers is not None:
        more["actor_followers"] = followers
    fact = act(kind, actor, target, at=NOON - ago, **more)
    return fact if draw(st.integers(0, 9)) else Fact(fact.id + "'", *(getattr(fact, n) for n in _REST))


_REST = Fact.__struct_fields__[1:]


def recount(facts: list[Fact], now: int, window: str) -> dict[str, Any]:
    """Return what ada's row must say, counted from the facts in the window's span."""
    length, unit = WINDOWS[window]
    start = -(-now // unit) * unit - length
    inside = [fact for fact in facts if start <= fact.time < now]
    got = [fact for fact in inside if "ada" in fact.receivers]
    gave = [fact for fact in inside if fact.actor == "ada" and fact.given]
    engaged = [fact for fact in got if fact.kind not in (FOLLOW, UNFOLLOW)]
    turned = [fact for fact in gave if fact.kind not in (FOLLOW, UNFOLLOW) and fact.receivers]
    posts = [fact for fact in gave if fact.kind == POST]
    asked = {fact.receivers[0] for fact in gave if fact.kind in (MENTION, TAG, FOLLOW)}

    row: dict[str, Any] = {"actions": len(got) + len(gave)}
    for code, kind in enumerate(KINDS):
        for direction, facts_of in (("received", got), ("given", gave)):
            mine = [fact for fact in facts_of if fact.kind == code]
            if mine:
                row[f"{direction}_{kind}"] = len(mine)
                row[f"{direction}_{kind}_earned"] = sum(fact.klass == EARNED for fact in mine)
                row[f"{direction}_{kind}_incentivised"] = sum(fact.klass != EARNED for fact in mine)
    row["engagement"] = len(engaged)
    row["engagement_earned"] = sum(fact.klass == EARNED for fact in engaged)
    row["engagement_undisclosed"] = sum(fact.klass == UNDISCLOSED for fact in engaged)
    row["net_follows"] = sum({FOLLOW: 1, UNFOLLOW: -1}.get(fact.kind, 0) for fact in got)
    row["amplification"] = sum(fact.kind in AMPLIFYING for fact in got)
    row["people"] = len({fact.actor for fact in engaged})
    row["people_earned"] = len({fact.actor for fact in engaged if fact.klass == EARNED})
    row["people_incentivised"] = len({fact.actor for fact in engaged if fact.klass != EARNED})
    row["given"] = len(turned)
    row["given_people"] = len({fact.receivers[0] for fact in turned})
    row["balance"] = row["given"] - row["engagement"]
    row["mutual_people"] = len({f.actor for f in engaged} & {f.receivers[0] for f in turned})
    row["asked_people"] = len(asked)
    row["promo_posts"] = sum(fact.promo for fact in posts)
    row["self_promotion_ratio"] = row["promo_posts"] / len(posts) if posts else None
    row["potential_reach"] = _reach(facts, [f for f in got if f.kind in AMPLIFYING])
    return row


def _reach(facts: list[Fact], amplifying: list[Fact]) -> int:
    total = 0
    for who in {fact.actor for fact in amplifying}:
        said = [f for f in facts if f.actor == who and f.kind in AMPLIFYING and f.followers >= 0]
        if said:
            total += max(said, key=lambda f: (f.time // MINUTE, f.kind, f.klass, f.followers)).followers
    return total


@given(data=st.data(), facts=st.lists(dealings(), min_size=6, max_size=30, unique_by=lambda fact: fact.id))
@settings(max_examples=120, deadline=None)
def test_every_window_equals_a_recount(data: st.DataObject, facts: list[Fact]) -> None:
    """Whatever order facts arrive in, and whenever one looks on the way, each window's row equals a
    recount."""
    world = World()
    waiting = data.draw(st.permutations(facts))
    while waiting:
        cut = data.draw(st.integers(1, len(waiting)))
        world.happen(*waiting[:cut])
        waiting = waiting[cut:]
        newest = max(fact.time for fact in facts if fact not in waiting)
        floor = min((fact.time for fact in waiting), default=newest - 2 * HOUR)
        world.look((newest // MINUTE + 1) * MINUTE, floor=floor)
    now = NOON + data.draw(st.integers(1, 10) | st.integers(1, 120) | st.integers(1, 3 * 24 * 60)) * MINUTE
    world.look(now, floor=data.draw(st.sampled_from((NOWHERE, NOON))))
    for window in WINDOWS:
        expected = recount(facts, now, window)
        row = world.row("ada", window)
        if not expected["actions"]:
            assert row is None
        else:
            assert row is not None
            assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize("days", [58, 59, 60, 61, 200])
def test_who_comes_back_after_long_is_new_however_one_looked(days: int) -> None:
    """After 60 days of silence an account begins anew, whether it was looked at in between or all came at once."""
    before = [act("share", f"fan{n}", "ada", at=NOON + n * HOUR, object="p", actor_followers=5) for n in range(6)]
    before += [act("post", "ada", at=NOON + n * DAY, actor_followers=9, network="x") for n in range(3)]
    back = NOON + 2 * DAY + days * DAY
    after = [act("like", "fan1", "ada", at=back), act("mention", "ada", "fan2", at=back + HOUR)]
    followed, at_once = World(), World()
    followed.happen(*before)
    followed.look(NOON + 2 * DAY + MINUTE, floor=NOON + DAY, only="ada")
    while "ada" in followed.stored and followed.due["ada"] <= back:
        due = followed.due["ada"]
        followed.look(due, floor=due - 2 * HOUR, only="ada")
    followed.happen(*after)
    at_once.happen(*before, *after)
    for world in (followed, at_once):
        world.look(back + 2 * HOUR, floor=back - HOUR, only="ada")
        world.look(back + 3 * DAY, floor=back + 2 * DAY, only="ada")
    for window in WINDOWS:
        assert at_once.row("ada", window) == followed.row("ada", window)
    assert followed.read("ada")["first_seen"] == (back if days >= 60 else NOON) // 1000


@given(facts=st.lists(dealings(), max_size=25, unique_by=lambda fact: fact.id))
@settings(max_examples=50, deadline=None)
def test_panes_are_said_at_once_and_exactly(facts: list[Fact]) -> None:
    """The rows of a fold hold, for each minute, direction and kind, what a recount finds."""
    world = World()
    for fact in facts:
        world.happen(fact)
    expected: dict[tuple[Any, ...], list[int]] = {}
    for fact in facts:
        pane = fact.time // MINUTE * 60
        concerned = [(fact.actor, "given", fact.given)] + [(who, "received", 1) for who in fact.receivers]
        for account, direction, number in concerned:
            if number:
                counts = expected.setdefault((account, pane, direction, KINDS[fact.kind]), [0, 0, 0])
                counts[0] += number
                counts[1] += number if fact.klass != EARNED else 0
                counts[2] += number if fact.klass == UNDISCLOSED else 0
    assert world.panes == {key: tuple(counts) for key, counts in expected.items()}


def test_an_action_on_one_listed_twice_is_received_twice() -> None:
    """Each entry of `targets` is a received action, and each is given."""
    world = World()
    world.happen(act("mention", "ada", targets=("bob", "bob", "cy")))
    pane = NOON // 1000
    assert world.panes[("bob", pane, "received", "mention")] == (2, 0, 0)
    assert world.panes[("cy", pane, "received", "mention")] == (1, 0, 0)
    assert world.panes[("ada", pane, "given", "mention")] == (3, 0, 0)
