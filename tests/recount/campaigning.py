"""Weeks in which few people take part in campaigns of every kind, around their borders, often at one instant."""

from __future__ import annotations

from typing import Any

from streams.campaigns.rule import Caps, Contest, Mayor, PostWithMedia, Referral, Rule, TagChain, Threshold
from tests.recount.log import DAY, HOUR, MINUTE, NAMES, START, World

SHORT = (0, 0, 1, 900, 20_000, MINUTE, MINUTE, 10 * MINUTE)
LONG = (HOUR, 4 * HOUR, 16 * HOUR)


def rules(world: World) -> tuple[Rule, ...]:
    """Return rules of every kind; they begin and end at midnights, or at any moment."""

    def about(id: str, **more: Any) -> dict[str, Any]:
        start = START + world.some(0, 0, DAY, 9 * HOUR + 1)
        end = START + world.some(3 * DAY, 3 * DAY, 8 * DAY, 40 * DAY, 5 * DAY + 17 * HOUR + 123)
        return {"id": id, "start": start, "end": end, "disqualified": world.some({}, {}, {"ada": "bots"}), **more}

    def cap(*names: str) -> Caps:
        return Caps(**{name: world.some(1, 2, 4) for name in names if world.chance(0.6)})

    juice = {"hashtags": ("juice",)}
    all_of = ("total", "per_day", "per_account", "per_account_day")
    return (
        Contest(**about("contest", **juice), winners=world.some(1, 2, 5)),
        Contest(**about("capped", networks=("bluesky",)), winners=2, caps=cap("per_account", "per_account_day")),
        Threshold(**about("threshold", **juice, languages=world.some((), ("en",))), followers=50),
        Threshold(**about("door"), followers=10, caps=cap("total", "per_day")),
        PostWithMedia(**about("photo", **juice), period=world.some("campaign", "month", "week", "day")),
        PostWithMedia(
            **about("few", **juice), period=world.some("week", "day"), caps=cap("per_account", "total", "per_day")
        ),
        Referral(**about("referral", min_followers=world.some(None, 10))),
        Referral(**about("some", **juice), caps=cap(*all_of)),
        TagChain(**about("chain", **juice), memes=("p1",), tagged=world.some(1, 2, 3)),
        TagChain(**about("named"), tagged=2),
        Mayor(
            **about("mayor"),
            venues=world.some(("*",), ("bar",)),
            window_days=world.some(2, 5, 60),
            min_days=world.some(1, 2),
        ),
    )


def campaigning(seed: int, *, deeds: int = 200) -> tuple[World, tuple[Rule, ...]]:
    """Return a world of so many deeds, and the rules in force."""
    world = World(seed)
    promised = rules(world)
    people = [*world.rng.sample(NAMES, world.some(3, 5, 8)), "ada"]
    borders = sorted({at for rule in promised for at in (rule.start, rule.end)})
    for _ in range(deeds):
        enter(world, people, promised)
        world.wait(*world.some(SHORT, SHORT, SHORT, SHORT, SHORT, LONG))
        coming = [at for at in borders if at > world.now]
        if coming and world.chance(0.04):
            world.now = coming[0] + world.some(-1, 0, 1, -MINUTE)
    world.now = max(world.now, max(borders)) + 2 * DAY
    world.say("click", "clock", undone=0.0)
    return world, promised


def enter(world: World, people: list[str], promised: tuple[Rule, ...]) -> None:
    """Have somebody do something that may count in some campaigns."""
    actor = world.some(*people)
    kind = world.some("post", "post", "post", "post", "checkin", "referral", "tag", "tag", "follow", "like")
    said: dict[str, Any] = {"network": world.some("", "bluesky"), "lang": world.some("", "en", "en-GB", "de")}
    said |= world.some({"hashtags": ["#Juice"]}, {"hashtags": ["x", "juice", "AD"]}, {"text": "so #juice"}, {})
    said |= {"campaign": world.some("", *(rule.id for rule in promised)), "disclosed": world.chance(0.2)}
    if kind == "post":
        said |= {
            "object": world.some("", *(f"{actor} {number}" for number in range(9))),
            "media": world.some([], ["photo"]),
        }
    elif kind == "checkin":
        said |= {"venue": world.some("bar", "café")}
    elif kind in ("referral", "tag", "follow"):
        said |= {
            "targets": [world.some(*people, "friend") for _ in range(world.some(1, 1, 2, 3))],
            "root": world.some("", "p1"),
        }
    else:
        said |= {"object": "p1", "object_author": world.some(*people)}
    if kind in ("referral", "tag"):  # what is said first counts: at one instant everybody says the same
        said |= {"actor_followers": len(actor.encode()) * (world.now // DAY % 3)}
    elif world.chance(0.8):
        said |= {"actor_followers": world.some(0, 9, 10, 50, 1000)}
    world.say(kind, actor, mute=False, undone=0.15, **said)
    if kind in ("referral", "tag") and world.chance(0.4):  # who is brought in brings in at that very instant
        other, third = said["targets"][0], world.some(*people)
        one, two = (third, actor) if kind == "referral" else (other, third)
        said |= {"targets": [two], "actor_followers": len(one.encode()) * (world.now // DAY % 3)}
        world.say(kind, one, mute=False, undone=0.15, **said)
