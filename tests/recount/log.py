"""Logs of months in little worlds, and what of them counts."""

from __future__ import annotations

import json
import os
import random
from bisect import bisect
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from tests.pipe import Pipe
from tests.simulator.reading import Read, read
from tests.simulator.wording import instant

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
START: Final = 1_324_080_000_000
"""2011-12-17, a midnight; a year ends soon, and February has a 29th."""
LATENESS: Final = 15 * MINUTE
HORIZON: Final = HOUR
APPENDED: Final = 2_000_000_000_000
SEEDS: Final = int(os.environ.get("RECOUNT_SEEDS", "0"))
NAMES: Final = (
    *(
        "ada",
        "bob",
        "cem",
        "dee",
        "a:b",
        "3:a:",
        "田中さん",
        "Ω≈ç",
        'O\'Neil "x"',
        " lead",
        "zero\u200bwidth",
        "n" * 200,
    ),
    *("2012-01", "👩‍👩‍👧", "eve\n"),
)

Records = list[tuple[int, bytes]]


def seeds(few: int) -> range:
    """Return the seeds to try."""
    return range(SEEDS or few)


@dataclass(frozen=True, slots=True)
class _Arrival:
    at: int
    number: int
    partition: int
    raw: bytes


class World:
    """Says events as time goes on, with everything that may happen to them on their way."""

    def __init__(self, seed: int, *, sources: int = 3) -> None:
        """Begin at START, or nearly so."""
        self.rng = random.Random(seed)
        self.sources = sources
        self.now = START + self.rng.choice((0, 1, 9 * HOUR, 23 * HOUR))
        self._arrivals: list[_Arrival] = []
        self._ids: dict[str, int] = {}
        """When each was last used; long after, one may come again, and is of another event."""

    def some(self, *choices: Any) -> Any:
        """Return one of the choices."""
        return self.rng.choice(choices)

    def chance(self, share: float) -> bool:
        """Tell whether something happens that happens in such a share of cases."""
        return self.rng.random() < share

    def wait(self, *times: int) -> None:
        """Let one of these times pass, some of them to a border: of a minute, an hour or a day, or a millisecond off it."""
        self.now += self.some(*times)
        if self.chance(0.15):
            border = self.some(MINUTE, HOUR, DAY, DAY) if max(times) >= HOUR else MINUTE
            self.now = max(self.now, self.now // border * border + border + self.some(-1, 0, 0, 1))

    def say(self, kind: str, actor: str, *, undone: float = 0.12, mute: bool = True, **said: Any) -> str:
        """Say an event at this moment; some come late, some twice, some are taken back, before or after, some too late.
        Return its id.

        `mute`: what may be taken back says nothing of followers (docs/invariants.md, 7).
        """
        at, rng = self.now, self.rng
        id = f"e{len(self._arrivals)}"
        old = [known for known, time in self._ids.items() if time < at - 2 * DAY]
        if again := bool(old) and self.chance(0.03):
            id = rng.choice(old)
        self._ids[id] = at
        taken = self.chance(undone)
        if mute and (again or taken):
            said.pop("actor_followers", None)
        self._send({"id": id, "type": kind, "actor": actor, **said}, at)
        if taken:
            by = self.some(0, 1, MINUTE, 20 * MINUTE, HORIZON, HORIZON + 1, 90 * MINUTE) * self.some(1, 1, -1)
            undo = {
                "id": f"u{len(self._arrivals)}",
                "type": "undo",
                "actor": self.some(actor, "moderator"),
                "undo_of": id,
            }
            self._send(undo, max(at + by, START))
            if self.chance(0.1):
                self._send({"id": f"v{len(self._arrivals)}", "type": "undo", "actor": actor, "undo_of": undo["id"]}, at)
        return id

    def _send(self, event: dict[str, Any], at: int) -> None:
        rng = self.rng
        raw = json.dumps(
            event | {"time": json.loads(instant(at, rng.random()))}, ensure_ascii=self.chance(0.5)
        ).encode()
        delays = [self.some(0, 0, 0, 0, 0, 0, MINUTE, rng.randrange(LATENESS), LATENESS, 40 * MINUTE)]
        while self.chance(0.06):
            delays.append(rng.randrange(2 * HOUR))
        for delay in delays:
            number = len(self._arrivals)
            self._arrivals.append(_Arrival(at + delay, number, rng.randrange(self.sources), raw))

    def parts(self, *, quietly: bool = False) -> Iterator[Records]:
        """Yield the log part by part, each of no more than a day, after which all partitions have come to one moment.

        With `quietly` time comes to the end of a pause before anything happens, as it does live.
        """
        before = 0
        arrivals = sorted(self._arrivals, key=lambda each: (each.at, each.number))
        for day, some in groupby(arrivals, lambda each: each.at // DAY):
            if quietly and before and before + 1 < day:
                yield beats(self.sources, day * DAY - 1)
            before = day
            part = [(each.partition, each.raw) for each in some]
            newest = max(
                each.at for each in arrivals[: bisect(arrivals, (day + 1) * DAY - 1, key=lambda each: each.at)]
            )
            yield part + beats(self.sources, newest)


def beats(sources: int, at: int) -> Records:
    """Return a click that nobody receives on each partition, so that time is there as well."""
    return [
        (source, json.dumps({"id": f"beat {source} {at}", "type": "click", "actor": "clock", "time": at}).encode())
        for source in range(sources)
    ]


class Known:
    """What counts of a log: takes it record by record, as docs/invariants.md says (*Duplicates*, *Undo*, *Late*)."""

    def __init__(self, sources: int) -> None:
        """Begin with an empty log."""
        self.newest = [-1] * sources
        self._events: dict[str, list[Read]] = defaultdict(list)

    def take(self, records: Iterable[tuple[int, bytes]]) -> None:
        """Take the next records."""
        for partition, raw in records:
            event = read(raw)
            assert isinstance(event, Read), event
            late = event.time < self.newest[partition] - LATENESS
            self.newest[partition] = max(self.newest[partition], event.time)
            if not late and all(abs(known.time - event.time) > HORIZON for known in self._events[event.id]):
                self._events[event.id].append(event)

    @property
    def now(self) -> int:
        """Return the end of the newest minute in which anything happened."""
        return (max(self.newest) // MINUTE + 1) * MINUTE

    @property
    def floor(self) -> int:
        """Return before which nothing changes any more."""
        return min(self.newest) - LATENESS - HORIZON

    def events(self) -> list[Read]:
        """Return the accepted events that were not taken back, in the order of time; no undos."""
        undos: dict[str, list[int]] = defaultdict(list)
        for events in self._events.values():
            for event in events:
                if event.kind == "undo":
                    undos[event.said["undo_of"]].append(event.time)
        return sorted(
            (
                event
                for events in self._events.values()
                for event in events
                if event.kind != "undo" and all(abs(event.time - time) > HORIZON for time in undos.get(event.id, ()))
            ),
            key=lambda event: event.time,
        )


class Crashing(Pipe):
    """A pipe whose worker dies now and then between any two effects, and whose messages may come twice."""

    def trouble(self) -> None:
        """Draw how much goes wrong from here on."""
        self.crash_rate = self.rng.choice((0.0, 0.0, 0.001, 0.004))
        self.again_rate = self.rng.choice((0.0, 0.02))


def read_by(pipe: Crashing, parts: Iterable[Records]) -> Iterator[Known]:
    """Let a pipe read a log; yield what counts of it after each part, when the pipe has done what there was to do."""
    known = Known(pipe.sources)
    for part in parts:
        for partition, raw in part:
            pipe.append(partition, raw, APPENDED)
        pipe.trouble()
        pipe.run(largest=pipe.rng.choice((1, 5, 50, 500)))
        known.take(part)
        yield known


def unequal(
    said: dict[tuple[Any, ...], dict[str, Any]],
    found: dict[tuple[Any, ...], dict[str, Any]],
    within: float = 1e-6,
    *,
    loose: tuple[str, ...] = (),
    loosely: float = 0.0,
    relatively: float = 0.0,
) -> list[tuple[Any, Any, Any]]:
    """Return where rows differ from recounted ones: key, what is said and what was found of the columns that differ.

    A recounted row need not have all columns; numbers with a fraction may differ by `within`, and by 1e-9 of themselves;
    those of columns whose names begin with one in `loose` by `loosely`, and by `relatively` of themselves.
    """

    def same(name: str, one: Any, two: Any) -> bool:
        if isinstance(one, float) and isinstance(two, int | float):
            allowed = loosely + relatively * abs(two) if name.startswith(loose) else within
            return abs(one - two) <= allowed + 1e-9 * abs(two)
        return bool(one == two)

    result = []
    for key in sorted(said.keys() | found.keys(), key=str):
        one, two = said.get(key), found.get(key)
        if one is None or two is None:
            result.append((key, one, two))
        elif columns := [name for name, value in two.items() if not same(name, one[name], value)]:
            result.append((key, {name: one[name] for name in columns}, {name: two[name] for name in columns}))
    return result
