"""Days on which a hashtag is used by a few, by many for hours, or by many at once; and months between."""

from __future__ import annotations

from typing import Any

from tests.recount.log import DAY, HOUR, MINUTE, World

TAGS = ("juice", "#Juice", "ÉTÉ", "STRASSE", "t:1", "a b")
SHORT = (0, 1, 3_000, 20_000)
LONG = (5 * MINUTE, 7 * MINUTE, 10 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, 10 * HOUR, DAY)
FANS = 60


def talking(seed: int, *, spells: int = 14) -> World:
    """Return a world of so many spells of talk."""
    world = World(seed)
    tags = world.rng.sample(TAGS, 2)
    for _ in range(spells):
        tag = world.some(*tags)
        if world.chance(0.25):
            steadily(world, tag)
        for _ in range(world.some(1, 2, 3)):
            burst(world, tag)
            world.wait(*LONG)
        if world.chance(0.1):
            world.now += world.some(8 * DAY, 60 * DAY)
    return world


def burst(world: World, tag: str) -> None:
    """Have so many use a tag, some more than once; of some bursts most is taken back."""
    undone = world.some(0.0, 0.1, 0.5)
    for _ in range(world.rng.randrange(1, 40)):
        said: dict[str, Any] = world.some({"hashtags": [tag, tag.lower()]}, {"hashtags": [tag]}, {"text": "so #juice"})
        kind = world.some("post", "post", "post", "like", "checkin")
        world.say(kind, f"fan {world.rng.randrange(FANS)}", undone=undone, **said)
        world.wait(*SHORT)


def steadily(world: World, tag: str) -> None:
    """Have about as many use a tag for hours, until that is what is usual."""
    about = world.some(6, 12)
    for _ in range(world.some(20, 40)):
        for fan in world.rng.sample(range(FANS), world.rng.randrange(about // 2, 2 * about)):
            world.say("post", f"fan {fan}", hashtags=[tag], undone=0.01)
            world.now += 1
        world.now += 5 * MINUTE
