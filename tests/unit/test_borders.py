"""Moments at which something ends, to the millisecond, and what comes right after them: through all three stages in memory.

What `tests/simulator` and `tests/fuzz` recount ends before a day of silence; here months pass.
"""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from msgspec.structs import replace

from schemas.wire import UNHEARD, Decoded, Erasure, encode
from streams.campaigns.evidence import REPEATS
from streams.campaigns.rule import Caps, Contest, Mayor, PostWithMedia, Referral, Rule, TagChain, Threshold
from streams.campaigns.rulebook import Rulebook
from streams.engine.outbox import Send
from streams.subject import DAY, HOUR, MINUTE
from streams.subjects.registry import all_subjects
from tests.pipe import Crash, Pipe

JULY = 1_341_100_800_000
"""2012-07-01, a midnight."""
APPENDED = 2_000_000_000_000


class World(Pipe):
    """An installation of one partition with rules, whose time goes on with whatever happens."""

    def __init__(self, *rules: Rule, seed: int = 0, **more: Any) -> None:
        self.rulebook = Rulebook(rules)
        self.number = 0
        given = {"sources": 1, "partitions": 1, "rng": random.Random(seed)} | more
        super().__init__(subjects=lambda: all_subjects(rulebook=self.rulebook), **given)

    def put(self, type: str, at: int, actor: str = "zoe", *, source: int = 0, **fields: Any) -> str:
        """Append an event; return its id."""
        self.number += 1
        event = {"id": f"e{self.number}", "type": type, "time": at, "actor": actor, **fields}
        self.append(source, json.dumps(event).encode(), APPENDED)
        return f"e{self.number}"

    def happen(self, type: str, at: int, actor: str = "zoe", **fields: Any) -> str:
        """Append an event, and let it come through."""
        id = self.put(type, at, actor, **fields)
        self.run()
        return id

    def die_after(self, steps: int, *, largest: int = 50) -> None:
        """Work until nothing is left, or die after so many durable steps; what starts again takes all that waits at once."""
        self.crash_after = steps
        try:
            while self._step(largest) or any(self._idle(stage) for stage in self.stages.values()):
                pass
        except Crash:
            self._start()
        self.crash_after = -1
        self.rng = Large(1)

    def pass_until(self, at: int) -> None:
        """Let time, and the floor, come to a moment and beyond."""
        for later in (0, 2 * HOUR, 4 * HOUR):
            for source in range(self.sources):
                self.put("click", at + later, source=source)
            self.run()


class Large(random.Random):
    """Draws the largest there is: batches of all that waits."""

    def randint(self, a: int, b: int) -> int:
        """Return b."""
        return b


def forget(world: World, account: str, stand_in: str) -> None:
    """Forget an account, as `juice forget` does."""
    message = encode(Decoded(0, 0, 0, UNHEARD, UNHEARD, erasures=(Erasure(account, stand_in),)))
    for partition in range(world.partitions):
        world._append(Send(world.names.decoded, partition, None, message))
    world.run()


def titles(world: World) -> list[tuple[str, int, int | None]]:
    """Return who was mayor, since and until when (ms since JULY)."""
    return [
        (account, since - JULY, None if until is None else until - JULY)
        for row in world.rows("venue_titles").values()
        for account, _, since, until in row["titles"]
    ]


def points(world: World) -> list[tuple[str, int]]:
    """Return the points of entrants."""
    return sorted((row["account"], row["points"]) for row in world.rows("campaign_points").values())


@pytest.mark.parametrize("end", [3 * DAY, 3 * DAY - HOUR], ids=["at midnight", "at eleven"])
@pytest.mark.parametrize("least", [1, 2])
def test_a_mayor_campaign_is_over_whenever_it_ends(end: int, least: int) -> None:
    """Its final standings stay the same when they are said again, by a change of rules or a last time."""
    rule = Mayor(id="m", start=JULY, end=JULY + end, venues=("*",), window_days=3, min_days=least)
    world = World(rule)
    for day in range(3):
        world.happen("checkin", JULY + day * DAY + 9 * HOUR, "ann", venue="bar")
    world.pass_until(rule.end)
    final = points(world)
    assert final == [("ann", 3)]
    world.rulebook.replace([replace(rule, disqualified={"eve": "x"})])
    world.stages["accumulate"].body.rules_changed()  # type: ignore[attr-defined]
    world.run()
    assert points(world) == final
    world.pass_until(rule.end + 30 * DAY)
    assert points(world) == final


def rewards(world: World) -> dict[str, str]:
    """Return why each account that has won or lost a reward has it or not, by account; "" for who has one."""
    return {row["account"]: row["reason"] for row in world.rows("rewards").values()}


def put_in_force(world: World, rule: Rule) -> None:
    """Change the rules."""
    world.rulebook.replace([rule])
    world.stages["accumulate"].body.rules_changed()  # type: ignore[attr-defined]
    world.run()


@pytest.mark.parametrize("early", [False, True], ids=["after it had won", "before"])
def test_who_is_disqualified_loses_the_reward_of_a_tag_chain_and_gets_it_back(early: bool) -> None:
    """As those of all other kinds, whenever the rules change."""
    fair = TagChain(id="chain", start=JULY, end=JULY + 3 * DAY, hashtags=("x",), tagged=2)
    unfair = replace(fair, disqualified={"ann": "bots"})
    world = World(unfair if early else fair)
    world.happen("tag", JULY + MINUTE, "ann", targets=["bob", "cem"], hashtags=["x"])
    world.pass_until(JULY + 5 * HOUR)
    assert rewards(world) == {"ann": "void" if early else ""}
    put_in_force(world, unfair)
    assert rewards(world) == {"ann": "void" if early else "disqualified"}
    put_in_force(world, fair)
    assert rewards(world) == {"ann": ""}
    forget(world, "ann", "somebody")
    world.pass_until(JULY + DAY)
    rows = world.rows("rewards").values()
    assert rewards(world)["somebody"] == ""
    assert len({row["id"] for row in rows}) == 1, "what is said of the stand-in is the same reward"


def test_who_is_called_like_a_month_is_forgotten_and_nobody_elses_months() -> None:
    """A name may be anything that is stored beside it: a period, the id of a reward, an instant."""
    rule = PostWithMedia(id="pop", start=JULY, end=JULY + 60 * DAY, hashtags=("x",), period="month")
    capped = replace(rule, id="cap", caps=Caps(total=5))
    world = World(rule, capped)
    names = ["2012-07", *{row["id"] for row in world.rows("rewards").values()}]
    world.happen("post", JULY + HOUR, "bob", hashtags=["x"], media=["photo"], object="p1")
    world.happen("post", JULY + HOUR, "2012-07", hashtags=["x"], media=["photo"], object="p2")
    world.pass_until(JULY + 9 * HOUR)
    names += [row["id"] for row in world.rows("rewards").values() if row["account"] == "bob"]
    assert len(names) == 3
    for number, name in enumerate(names):
        forget(world, name, f"somebody {number}")
    world.happen("post", JULY + DAY, "bob", hashtags=["x"], media=["photo"], object="p3")
    world.pass_until(JULY + 2 * DAY)
    assert sorted(row["campaign"] for row in world.rows("rewards").values() if row["account"] == "bob") == [
        "cap",
        "pop",
    ]


@pytest.mark.parametrize("kind", ["tag chain", "capped referral", "capped threshold"])
def test_no_winner_is_lost_for_a_long_name(kind: str) -> None:
    """Thousands within an hour, with names as long as Bluesky's, all have what they won; and it can be taken from the first."""
    about = {"start": JULY, "end": JULY + 3 * DAY, "hashtags": ("x",)}
    rule: Rule = {
        "tag chain": TagChain(id="g", tagged=1, **about),
        "capped referral": Referral(id="r", caps=Caps(total=10_000), **about),
        "capped threshold": Threshold(id="t", followers=5, caps=Caps(total=10_000), **about),
    }[kind]
    world, count = World(rule), 3_000
    names = [f"did:plc:{number:024d}" for number in range(2 * count)]
    for number in range(count):
        one, other, at = names[number], names[count + number], JULY + number * 500
        if kind == "tag chain":
            world.put("tag", at, one, targets=[other], hashtags=["x"])
        elif kind == "capped referral":
            world.put("referral", at, other, targets=[one], hashtags=["x"])
        else:
            world.put("post", at, one, object=f"p{number}", hashtags=["x"], actor_followers=9)
    world.run(largest=2_000)
    world.pass_until(JULY + 5 * HOUR)
    assert rewards(world) == dict.fromkeys(names[:count], "")
    put_in_force(world, replace(rule, disqualified={names[0]: "bots"}))
    assert rewards(world)[names[0]] == "disqualified"


@pytest.mark.parametrize("own", [False, True], ids=["of its object", "of its parent"])
def test_shares_are_those_of_the_post_that_is_passed_on(own: bool) -> None:
    """A quote has a post of its own, which nobody passed on by it; three posts quoted three times make an h-index of 3."""
    world, number = World(), 0
    for post in ("a", "b", "c"):
        for _ in range(3):
            number += 1
            new = f"new{number}" if own else post
            fields = {"object": new, "root": post, "parent": post, "object_author": "ann"}
            world.put("quote", JULY + number * MINUTE, f"fan{number}", **fields)
    world.run()
    row = world.rows("account_scores")["ann", "24h"]
    assert (row["h_index"], row["shared_posts"]) == (3, 3)


def test_a_post_is_forgotten_after_sixty_days_however_its_account_is_looked_at() -> None:
    """Shared once, and once more seventy days later, it has one share; whoever is looked at meanwhile."""
    for often in (True, False):
        world = World()
        if not often:
            world.rng = Large(1)
        for number, (day, post) in enumerate(((0, "p"), (0, "q"), (70, "p"), (70, "q"))):
            if day and often:
                for between in range(1, 70):
                    world.happen("like", JULY + between * DAY, "fan", object="r", object_author="ann")
            elif day:
                for between in range(1, 70):
                    world.put("like", JULY + between * DAY, "fan", object="r", object_author="ann")
            share = {"object": post, "object_author": "ann"}
            world.put("share", JULY + day * DAY + number * MINUTE, f"fan{number}", **share)
        world.put("click", JULY + 70 * DAY + 3 * HOUR)
        world.run(largest=1_000)
        world.happen("click", JULY + 71 * DAY)
        row = world.rows("account_scores")["ann", "30d"]
        assert (row["h_index"], row["shared_posts"]) == (1, 2), often


def test_nothing_is_looked_at_in_vain_while_the_floor_is_months_behind() -> None:
    """One partition of an archive may be far ahead of another: whoever cannot be settled waits until the floor has moved."""
    world = World(sources=2)
    for source in (0, 1):
        world.put("post", JULY + HOUR, f"ann{source}", source=source)
    world.run()
    world.put("post", JULY + 62 * DAY, "bob")
    world.run()  # it ends when nobody has anything to do
    world.pass_until(JULY + 63 * DAY)
    assert ("ann0", "30d") not in world.rows("account_scores"), "it is empty again"


def test_what_is_taken_back_is_no_use_of_its_tags() -> None:
    """An undo may repeat the text of what it takes back."""
    world = World()
    posts = [world.happen("post", JULY + n, f"fan{n}", object=f"p{n}", hashtags=["juice"]) for n in range(10)]
    assert len(world.rows("trends")) == 1
    for number, post in enumerate(posts):
        world.happen("undo", JULY + MINUTE + number, f"fan{number}", undo_of=post, hashtags=["juice"])
    world.pass_until(JULY + HOUR)
    (rise,) = world.rows("trends").values()
    assert not rise["raised_at"], "withdrawn"


def test_shares_count_once_where_one_batch_ends_a_cascade_and_adds_to_it() -> None:
    """Its state cannot go yet; what comes next is of another episode, and episodes add up to the shares."""
    world = World(seed=1)
    world.rng = Large(1)
    about = {"object": "p", "object_author": "ann"}
    for number in range(3):
        world.put("share", JULY + number * MINUTE, f"fan{number}", **about)
    for at in (8 * DAY, 8 * DAY + 2 * HOUR):
        world.put("click", JULY + at)
    while world._step(1_000):
        pass  # and nobody idles
    world.put("share", JULY + 8 * DAY + 2 * HOUR + MINUTE, "late", **about)
    while world._step(1_000):
        pass
    world.run()
    world.pass_until(JULY + 20 * DAY)
    sizes = [(row["size"], row["final"]) for row in world.rows("cascade_episodes").values() if row["size"]]
    assert sorted(sizes) == [(1, True), (3, True)]


@pytest.mark.parametrize("after", [0, 1], ids=["at midnight", "a millisecond later"])
def test_a_title_lapses_when_its_days_are_over_wherever_the_floor_stands(after: int) -> None:
    """The floor may come to the very midnight at which the mayor loses a day; a rival there later takes nothing from anybody."""
    world = World()
    for at in (9 * HOUR, DAY + 9 * HOUR):
        world.happen("checkin", JULY + at, "ann", venue="bar")
    world.happen("click", JULY + 2 * DAY)
    midnight = JULY + 60 * DAY
    world.happen("click", midnight - 2 * HOUR)
    world.happen("checkin", midnight - 10 * MINUTE, "bob", venue="bar")
    world.happen("checkin", midnight + 75 * MINUTE + after, "cy", venue="bar")  # the floor is 75 minutes behind
    world.happen("checkin", midnight + 80 * MINUTE, "cy", venue="bar")
    world.pass_until(midnight + 3 * DAY)
    assert titles(world) == [("ann", DAY + 9 * HOUR, 60 * DAY)]


def test_of_two_shares_with_one_id_the_one_of_that_time_is_taken_back() -> None:
    """An id may come again when the first is beyond the horizon, and both be in one cascade."""
    world = World(lateness=2 * HOUR)
    about = {"object": "r", "object_author": "ann"}
    for at, actor, followers in ((MINUTE, "bob", 100), (95 * MINUTE, "cem", 5)):
        event = {"id": "x", "type": "share", "time": JULY + at, "actor": actor, "actor_followers": followers, **about}
        world.append(0, json.dumps(event).encode(), APPENDED)
        world.run()
    world.happen("undo", JULY + 20 * MINUTE, "bob", undo_of="x")
    world.pass_until(JULY + 5 * HOUR)
    (row,) = world.rows("cascade_episodes").values()
    assert (row["size"], row["reach"], row["first_at"] - JULY, row["last_at"] - JULY) == (
        1,
        5,
        95 * MINUTE,
        95 * MINUTE,
    )


def test_what_somebody_did_before_being_forgotten_can_be_taken_back() -> None:
    """A share whose author nobody named leaves its cascade, and uses of a tag leave its rise."""
    world = World()
    world.happen("post", JULY, "ann", object="r")
    undone = world.happen("share", JULY + MINUTE, "ada", object="r")
    world.happen("share", JULY + 2 * MINUTE, "bob", object="r")
    fans = [f"fan{number}" for number in range(16)]
    used = [world.happen("post", JULY + n, fan, object=f"p{n}", hashtags=["juice"]) for n, fan in enumerate(fans)]
    for number, name in enumerate(("ada", *fans[:8])):
        forget(world, name, f"somebody {number}")
    world.happen("undo", JULY + 3 * MINUTE, "ada", undo_of=undone)
    for number, use in enumerate(used[:8]):
        world.happen("undo", JULY + 3 * MINUTE + number, fans[number], undo_of=use)
    world.pass_until(JULY + 5 * HOUR)
    (cascade,) = world.rows("cascade_episodes").values()
    assert cascade["size"] == 1
    (rise,) = world.rows("trends").values()
    assert rise["size"] == 16, "who has no name any more cannot be taken out, and is not counted twice either"


def test_a_tag_is_forgotten_at_a_moment_of_its_own_time() -> None:
    """What was expected before a rise does not depend on whether its tag was looked at while nobody used it."""
    said = []
    for cut in ("step", "whole"):
        world = World()
        if cut == "whole":
            world.rng = Large(1)
        times = [JULY] * 60 + [JULY + 10 * HOUR + bucket * 5 * MINUTE for bucket in range(60) for _ in range(5)]
        times += [JULY + 15 * HOUR] * 20
        between = [JULY + hour * HOUR for hour in (2, 6, 8, 30, 33)]
        for number, at in enumerate(sorted([*times, *between])):
            if at in between:
                world.put("click", at)
            else:
                world.put("post", at + number % 20, f"fan{number % 61}", hashtags=["x"], object=f"p{number}")
            if cut == "step":
                world.run()
        world.run(largest=1_000)
        world.pass_until(JULY + 40 * HOUR)
        rows = world.rows("trends").values()
        said.append(sorted((row["id"], row["z"], row["baseline"], row["size"]) for row in rows if row["raised_at"]))
    assert said[0] == said[1]
    assert len(said[0]) >= 2


@pytest.mark.parametrize("cut", ["released", "looked at", "in one batch"])
def test_who_comes_back_after_sixty_days_begins_anew(cut: str) -> None:
    """Whoever was turned to before is as if it had been released meanwhile, whether it was or not."""
    world = World()
    if cut == "in one batch":
        world.rng = Large(1)
    for number in range(30):
        about = {"object": "p", "object_author": "ann"}
        world.put("share", JULY + 23 * HOUR + 50 * MINUTE + number, f"fan{number}", **about)
    if cut != "in one batch":
        world.run()
    world.put("click", JULY + 2 * DAY)
    if cut != "in one batch":
        world.run()
    world.put("click", JULY + 60 * DAY + 5 * MINUTE)
    if cut == "released":
        world.run()
    world.put("share", JULY + 60 * DAY + 10 * MINUTE, "cem", object="q", object_author="ann")
    world.run(largest=1_000)
    for at in (11 * MINUTE, 5 * HOUR, 8 * HOUR):
        world.happen("click", JULY + 60 * DAY + at)
        row = world.rows("account_scores")["ann", "24h"]
        assert (row["influence"], row["shared_posts"], row["people"]) == (0.0, 1, 1)


@pytest.mark.parametrize("signal", ["no_followers", "not_new"])
def test_a_signal_goes_with_what_it_rests_on_wherever_a_worker_dies(signal: str) -> None:
    """It may have been said by a worker that died before it could remember that."""
    rule = Referral(id="r", start=JULY, end=JULY + 3 * DAY, hashtags=("x",))
    for dies in range(80):
        world = World(rule)
        world.put("referral", JULY, "ann", targets=["cem"], hashtags=["x"])
        undone = world.put("referral", JULY, "bob", targets=["ann"], hashtags=["x"], actor_followers=0)
        if signal == "no_followers":
            undone = world.put("referral", JULY, "eve", targets=["dee"], hashtags=["x"], actor_followers=0)
        world.die_after(dies)
        world.put("undo", JULY + MINUTE, "bob", undo_of=undone)
        world.run(largest=1_000)
        said = {key[1] for key, row in world.rows("campaign_signals").items() if row["count"] and key[2] == signal}
        assert said == ({"ann"} if signal == "no_followers" else set()), dies


def test_a_signal_of_entries_that_are_alike_goes_as_well_wherever_a_worker_dies() -> None:
    """Three entries with one text at one instant are one too few for the signal when one of them is taken back."""
    rule = Contest(id="c", start=JULY, end=JULY + 3 * DAY, hashtags=("x",))
    for dies in range(60):
        world = World(rule)
        alike = [world.put("post", JULY, "bob", object=f"p{n}", text="win #x") for n in range(REPEATS)]
        world.die_after(dies)
        world.put("undo", JULY + MINUTE, "bob", undo_of=alike[0])
        world.run(largest=1_000)
        said = {key[2] for key, row in world.rows("campaign_signals").items() if row["count"]}
        assert said == set(), dies


def test_a_rise_is_withdrawn_wherever_a_worker_dies() -> None:
    """It may have been said by a worker that died before it could remember that, and all uses be undone meanwhile."""
    for dies in range(60):
        world = World()
        posts = [world.put("post", JULY + n, f"fan{n}", object=f"p{n}", hashtags=["juice"]) for n in range(9)]
        world.die_after(dies)
        for number, post in enumerate(posts):
            world.put("undo", JULY + MINUTE + number, f"fan{number}", undo_of=post)
        world.run(largest=1_000)
        assert not any(row["raised_at"] for row in world.rows("trends").values()), dies


def test_a_forecast_is_withdrawn_wherever_a_worker_dies() -> None:
    """That a cascade is about to go viral is said once, and would else hold for ever, on the topic as well; or it ends, where it
    was remembered.
    """
    for dies in range(0, 60, 2):
        world = World()
        world.put("post", JULY, "ann", object="r", actor_followers=1_000)
        given = {"object": "r", "object_author": "ann", "actor_followers": 50}
        shares = [world.put("share", JULY + 1_000 * n, f"fan{n}", **given) for n in range(1, 40)]
        world.die_after(dies, largest=500)
        for number, share in enumerate(shares):
            world.put("undo", JULY + MINUTE + number, "ann", undo_of=share)
        world.run(largest=1_000)
        world.pass_until(JULY + 8 * DAY)
        said = [(row["raised_at"], row["ended_at"]) for row in world.rows("trends").values()]
        told = [json.loads(record.value or b"") for record in world.logs[world.names.trends][0]][-1:]
        for raised, ended in (*said, *((last["raised_at"], last["ended_at"]) for last in told)):
            assert not raised or ended is not None, dies


def test_a_forecast_that_the_post_refutes_is_withdrawn_wherever_a_worker_dies() -> None:
    """A post that comes behind its shares may say that far more have seen it, so that few are yet to come."""
    said = set()
    for dies in range(0, 60, 2):
        world = World(lateness=2 * HOUR)
        given = {"object": "r", "object_author": "ann", "actor_followers": 5}
        for n in range(1, 40):
            world.put("share", JULY + 20_000 * n, f"fan{n}", **given)
        world.die_after(dies, largest=500)
        world.put("post", JULY - HOUR, "ann", object="r", actor_followers=1_000_000)
        world.run(largest=1_000)
        world.pass_until(JULY + 8 * DAY)
        said |= {(row["raised_at"] > 0, row["ended_at"] is None) for row in world.rows("trends").values()}
    assert said == {(True, False), (False, True)}, "it ends where it was remembered, and else is withdrawn"


def test_a_rise_of_an_earlier_episode_outlives_an_undo_in_a_later_one() -> None:
    """Nobody can have said anything new since the cascade was last described, so there is nothing to withdraw."""
    world = World()
    world.put("post", JULY, "ann", object="r", actor_followers=1_000)
    for n in range(1, 40):
        world.put("share", JULY + 1_000 * n, f"fan{n}", object="r", object_author="ann", actor_followers=50)
    world.run()
    world.pass_until(JULY + 8 * DAY)
    before = [(row["raised_at"], row["ended_at"]) for row in world.rows("trends").values()]
    assert all(before[0])
    later = JULY + 20 * DAY
    for n in range(25):
        last = world.put("share", later + n * HOUR, f"more{n}", object="r", object_author="ann", actor_followers=0)
    world.run()
    world.happen("undo", later + DAY + MINUTE, "more24", undo_of=last)
    assert [(row["raised_at"], row["ended_at"]) for row in world.rows("trends").values()] == before
