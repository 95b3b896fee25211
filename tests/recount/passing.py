"""Months in which posts are passed on, in seasons of two days with pauses of more than the silence after which a cascade ends.

Pauses of about a silence are left out: to which episode a share belongs that comes so late depends on what was read first
(docs/measures-cascades.md, *Silence*). No two shares are of one millisecond: of two that claim one post the earlier is meant.
"""

from __future__ import annotations

from typing import Any

from tests.recount.log import DAY, HOUR, MINUTE, NAMES, World

WAITS = (0, 1, 900, 20_000, 20_000, MINUTE, 3 * MINUTE, 5 * MINUTE, 16 * MINUTE, HOUR, 2 * HOUR)
ROOTS = ("r", "r/1", "Ω", "@ada", "e1", "my post", "x" * 300)


def passing(seed: int, *, seasons: int = 5) -> World:
    """Return a world of so many seasons, in each of which some posts are passed on."""
    world = World(seed)
    for _ in range(seasons):
        roots = world.rng.sample(ROOTS, 2)
        until, pool, ids = world.now + 2 * DAY, world.rng.sample(NAMES, world.some(3, 6, 12)), [""]
        written = world.some("before", "after", "never", "twice")
        for turn in range(world.some(3, 12, 40)):
            root = world.some(*roots)
            if (turn == 0 and written in ("before", "twice")) or (turn == 5 and written in ("after", "twice")):
                post = {"object": root, "actor_followers": world.some(0, 50, 10**6)}
                world.say("post", world.some(*pool), mute=False, undone=0.2, **post)
            elif world.chance(0.3):
                tag(world, root, pool)
            else:
                ids.append(share(world, root, pool, ids))
            world.wait(*WAITS)
            world.now += 1
            if world.now > until:
                break
        world.now += world.some(9, 10, 30) * DAY
    return world


def share(world: World, root: str, pool: list[str], ids: list[str]) -> str:
    """Have somebody pass a post on, below some other share, which may come later or never; return the id."""
    named = world.some("", "", root, *(f"{root}/{number}" for number in range(8)), "nowhere", *ids[-4:])
    own = world.some(root, root, *(f"{root}/{number}" for number in range(8)))
    said: dict[str, Any] = {"object": own, "parent": named, "object_author": world.some("", *pool)}
    if own != root or world.chance(0.5):
        said["root"] = root
    if world.chance(0.8):
        said["actor_followers"] = world.some(0, 20, 300, 2_000, 50_000)
    if world.chance(0.3):
        said |= {"incentive": world.some("paid", "none"), "disclosed": world.chance(0.5)}
    return world.say(world.some("share", "quote"), world.some(*pool), mute=False, undone=0.15, **said)


def tag(world: World, root: str, pool: list[str]) -> None:
    """Have somebody tag others for a meme."""
    targets = [world.some(*pool) for _ in range(world.some(1, 2, 3))]
    world.say(
        "tag", world.some(*pool), mute=False, undone=0.15, root=root, targets=targets, actor_followers=world.some(5, 70)
    )
