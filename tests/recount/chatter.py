"""Months of what few people do to each other: circles that change, pauses of weeks, every kind of action."""

from __future__ import annotations

from typing import Any

from tests.recount.log import DAY, HOUR, MINUTE, NAMES, START, World

SHORT = (0, 1, 999, 20_000, MINUTE, 3 * MINUTE, 9 * MINUTE, 10 * MINUTE, 11 * MINUTE, 40 * MINUTE, HOUR, 61 * MINUTE)
LONG = (3 * HOUR, 7 * HOUR, DAY, DAY, 2 * DAY, 6 * DAY, 7 * DAY)
PAUSES = (7 * DAY, 13 * DAY, 29 * DAY, 30 * DAY, 58 * DAY, 59 * DAY, 60 * DAY, 61 * DAY)
KINDS = (
    *("post", "post", "reply", "reply", "mention", "like", "like", "like", "share", "share", "quote", "click"),
    *("recommend", "referral", "tag", "follow", "unfollow", "checkin"),
)


def chatter(seed: int, *, events: int = 220) -> World:
    """Return a world in which so many things were done."""
    world = World(seed)
    circle = world.rng.sample(NAMES, 4)
    while events > 0:
        for _ in range(world.rng.randint(1, 9)):
            act(world, circle)
            world.wait(*SHORT)
            events -= 1
        world.wait(*LONG)
        if world.chance(0.15):
            world.now += world.some(*PAUSES)
        if world.chance(0.08):
            sixty_days(world, circle)
        if world.chance(0.03):
            jump(world, circle)
        if world.chance(0.3):
            circle[world.rng.randrange(4)] = world.some(*NAMES)
    world.wait(*LONG)
    return world


def sixty_days(world: World, circle: list[str]) -> None:
    """Have the same people meet late on a day and early on another, some sixty days later, and nobody else meanwhile."""
    world.now += DAY - world.now % DAY - world.some(1, MINUTE, HOUR)
    act(world, circle[:2])
    world.now += DAY - world.now % DAY + world.some(58, 59, 59, 60) * DAY + world.some(0, 1, MINUTE, HOUR)
    act(world, circle[:2])


def jump(world: World, circle: list[str]) -> None:
    """Have somebody gain a hundred followers in no time, or nearly so; more than are kept one by one are in no world."""
    buyer, said = world.some(*circle), world.some({}, {}, {"incentive": "sweepstake", "disclosed": True})
    for number in range(world.some(99, 100, 130)):
        world.say("follow", f"bot {number}", targets=[buyer], undone=0.01, **said)
    for number in range(world.some(0, 0, 30)):
        world.say("like", f"bot {number}", object="post", object_author=buyer)


def act(world: World, circle: list[str]) -> None:
    """Have somebody of the circle do something."""
    actor, other = world.some(*circle), world.some(*circle)
    said: dict[str, Any] = {"network": world.some("", "bluesky", "mastodon")}
    kind = world.some(*KINDS)
    post = f"post {world.rng.randrange(4)} of {other}"
    if kind in ("reply", "like", "share", "quote", "click"):
        said |= {"object": post, "object_author": world.some(other, other, other, "")}
        if kind in ("share", "quote") and world.chance(0.4):
            said |= {"object": f"own {world.now}", "root": post, "parent": world.some("", post, f"own {START}")}
    elif kind in ("mention", "tag", "recommend", "referral", "follow", "unfollow"):
        targets = [world.some(*circle) for _ in range(world.some(1, 1, 1, 2, 3))]
        if kind in ("mention", "tag") and world.chance(0.2):
            said |= {"text": "for @ada and @bob, @ada"}
        else:
            said |= {"targets": targets}
    elif kind == "post":
        said |= {"object": f"post {world.rng.randrange(4)} of {actor}", "promo": world.chance(0.4)}
    else:
        said |= {"venue": "bar"}
    if world.chance(0.3):
        said |= {"incentive": world.some("paid", "reward", "none", "sweepstake"), "disclosed": world.chance(0.3)}
        said |= world.some({}, {"campaign": "c"}, {"text": "so good #Ad"}, {"hashtags": ["#sponsored", "x"]})
    if world.chance(0.4):
        said |= {"actor_followers": world.some(0, 7, 1000, 10**9)}
        said |= world.some({}, {"actor_following": world.some(0, 12)})
    world.say(kind, actor, **said)
