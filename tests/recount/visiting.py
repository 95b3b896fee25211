"""Months in which few people check in at few venues, often around midnight, and not at all for weeks."""

from __future__ import annotations

from tests.recount.log import DAY, HOUR, MINUTE, NAMES, START, World

WAITS = (0, 1, MINUTE, HOUR, 5 * HOUR, 12 * HOUR, DAY, DAY, 2 * DAY)
VENUES = ("bar", "bar:2", 'café "x" \u2028', "v" * 300)


def visiting(seed: int, *, visits: int = 90) -> World:
    """Return a world of so many check-ins."""
    world = World(seed)
    venues, people = world.rng.sample(VENUES, 2), world.rng.sample(NAMES, world.some(2, 3, 5))
    for _ in range(visits):
        for who in world.rng.sample(people, world.some(1, 1, 2)):
            world.say("checkin", who, venue=world.some(*venues), network=world.some("", "gowalla"))
        world.wait(*WAITS)
        if world.chance(0.06):
            world.wait(8 * DAY, 30 * DAY, 57 * DAY, 59 * DAY, 60 * DAY)
        if world.chance(0.04):  # to the day on which the first visits leave the window
            world.now = max(world.now, START + 60 * DAY + world.some(0, 0, 1, -1, HOUR) + world.some(0, 1, 2) * DAY)
    return world
