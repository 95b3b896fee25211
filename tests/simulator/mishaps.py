"""All that goes wrong: each takes the time and puts what it makes under way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from tests.simulator.nasty import from_the_future
from tests.simulator.plan import WRONG
from tests.simulator.way import AT_ONCE, NO_TIME, Way

Mishap = Callable[[Way, int], object]


def delayed(way: Way, now: int) -> None:
    """Arrive out of order, in time."""
    way.act(now, now + way.some(way.in_time))


def late(way: Way, now: int) -> None:
    """Arrive when it is too late."""
    way.act(now, now + way.too_late())


def edges(way: Way, now: int) -> None:
    """Happen exactly at a partition's watermark, where it counts, or a millisecond before it."""
    partition = way.partition()
    time = way.newest[partition] - way.plan.lateness - way.some(2)
    if time > 0:
        way.put(AT_ONCE, time, way.society.act(time, way.name()), partition)


def duplicates(way: Way, now: int) -> None:
    """Come up to four times, with blanks or unknown fields that change nothing; some copies too late."""
    raw = way.society.act(now, way.name())
    way.put(now, now, raw)
    for _ in range(1 + way.some(3)):
        copy = (raw, raw + b" \n", raw[:-1] + b',"x_copy":true}')[way.some(3)]
        way.put(now + (way.too_late() if way.chance(0.1) else way.some(way.in_time)), now, copy)


def changed(way: Way, now: int) -> None:
    """Come again in the same partition, but say something else about another moment."""
    name = way.name()
    partition = way.put(now, now, way.society.act(now, name))
    for _ in range(1 + way.some(2)):
        then = now + way.some(way.in_time)
        time = then - way.some(then - now)
        way.put(then, time, way.society.act(time, name), partition)
    if way.chance(0.3):
        way.undo(name, now + way.some(way.plan.horizon))


def nasty(way: Way, now: int) -> None:
    """Are no event."""
    way.put(AT_ONCE, NO_TIME, next(way.nasty))


def future(way: Way, now: int) -> None:
    """Come from the far future."""
    way.put(AT_ONCE, NO_TIME, from_the_future(way.rng, way.name()))


# Taking back


def after(way: Way, now: int) -> None:
    """The usual order of things; the undo may be delayed."""
    time = now + way.some(way.plan.horizon)
    way.undo(way.act(now), time, time + (way.some(way.in_time) if way.chance(0.3) else 0))


def overtaking(way: Way, now: int) -> None:
    """The undo happens later and arrives first."""
    due = now + way.some(way.in_time)
    way.undo(way.act(now, due), now + way.some(due - now))


def announced(way: Way, now: int) -> None:
    """The undo happens first."""
    time = now + way.some(way.plan.horizon)
    way.undo(way.act(time), now)


def on_the_edge(way: Way, now: int) -> None:
    """Just near enough, or a millisecond too far apart; either may be first."""
    then = now + way.plan.horizon + way.some(2)
    event, undo = (now, then) if way.chance(0.5) else (then, now)
    way.undo(way.act(event), undo)


def beyond(way: Way, now: int) -> None:
    """Too far apart; either may be first."""
    then = now + int(way.plan.horizon * (1.1 + way.rng.random()))
    event, undo = (now, then) if way.chance(0.5) else (then, now)
    way.undo(way.act(event), undo)


def too_late(way: Way, now: int) -> None:
    """The undo arrives when it is no longer heard."""
    way.undo(way.act(now), now, now + way.too_late())


def unknown(way: Way, now: int) -> None:
    """Of what never was, or of itself, or of what was itself too late."""
    way.undo(f"never-{now}", now)
    way.undo(way.act(now, now + way.too_late()), now + 1)


def of_an_undo(way: Way, now: int) -> None:
    """Undoing an undo does not bring the event back."""
    undo = way.undo(way.act(now), now + way.some(way.plan.horizon / 3))
    way.undo(undo, now + way.some(way.plan.horizon / 2))


def twice(way: Way, now: int) -> None:
    """Two people take back the same."""
    event = way.act(now)
    for _ in range(2):
        way.undo(event, now + way.some(way.plan.horizon))


def copied(way: Way, now: int) -> None:
    """Both event and undo come several times, on any partition."""
    name, undo = way.name(), way.name()
    time = now + way.some(way.plan.horizon)
    for raw, when in (way.society.act(now, name), now), (way.society.undo(time, undo, name), time):
        for _ in range(3):
            way.put(when + way.some(way.in_time), when, raw)


UNDOING: Final[tuple[Mishap, ...]] = (
    after, overtaking, announced, on_the_edge, beyond, too_late, unknown, of_an_undo, twice, copied,
)  # fmt: skip


def undone(way: Way, now: int) -> None:
    """Are taken back, in any of these ways."""
    UNDOING[way.some(len(UNDOING))](way, now)


MISHAPS: Final[Mapping[str, Mishap]] = {name: globals()[name] for name in WRONG}
"""Every mishap by its name, which is also that of its share in a plan."""
