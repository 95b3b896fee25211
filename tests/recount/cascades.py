"""Cascades, recounted: docs/measures-cascades.md, share by share."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import Any, Final

import networkx as nx

from tests.recount.log import DAY, HOUR, MINUTE
from tests.simulator.reading import Read

SILENCE: Final = 7 * DAY
LOOKS: Final = (0, 5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, 16 * HOUR, 64 * HOUR)
LOOKS_SMALL: Final = (0, 5 * MINUTE, HOUR)
FEW: Final = 5
ROOT: Final = -1


@dataclass
class Node:
    """A share, or a tagged account."""

    event: Read
    ids: str
    alias: str
    parent: str


@dataclass
class Episode:
    """What happened between two silences. `latest`: of all that happened, the last."""

    kind: str
    root: str
    nodes: list[Node] = field(default_factory=list)
    posts: list[Read] = field(default_factory=list)
    latest: int = 0

    @property
    def end(self) -> int:
        """Return when it has ended."""
        return (self.latest // MINUTE + 1) * MINUTE + SILENCE


def episodes(events: Iterable[Read]) -> Iterator[Episode]:
    """Yield the episodes of all cascades."""
    living: dict[tuple[str, str], Episode] = {}
    for event in events:
        said = event.said
        root, own = said.get("root") or "", said.get("object") or ""
        if event.kind in ("share", "quote") and event.given:
            key = "share", root or own
        elif event.kind == "post":
            key = "share", own
        elif event.kind == "tag" and event.receivers:
            key = "tag", root
        else:
            continue
        if not key[1]:
            continue
        episode = living.get(key)
        if episode is not None and event.time >= episode.end:
            yield living.pop(key)
            episode = None
        if episode is None:
            episode = living[key] = Episode(*key)
        episode.latest = event.time
        if event.kind == "post":
            episode.posts.append(event)
        else:
            episode.nodes += _nodes(event, key[1])
    yield from living.values()


def _nodes(event: Read, root: str) -> Iterator[Node]:
    if event.kind == "tag":
        for number, target in enumerate(event.receivers):
            yield Node(event, f"{number}:{event.id}", f"@{target}", f"@{event.actor}")
        return
    parent, own = event.said.get("parent") or "", event.said.get("object") or ""
    parent = "" if parent in (root, event.id) else parent
    yield Node(event, event.id, "" if own in (root, parent) else own, parent)


def rows(events: Iterable[Read], now: int, floor: int) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Return the rows of `cascade_episodes` at a moment."""
    found = (_row(episode, now, floor) for episode in episodes(events) if episode.nodes)
    return {(row["root"], row["kind"], row["episode"]): row for row in found}


def _row(episode: Episode, now: int, floor: int) -> dict[str, Any]:
    nodes, post = episode.nodes, min(episode.posts, key=lambda post: post.time, default=None)
    times = sorted(node.event.time for node in nodes)
    size, final = len(nodes), floor >= episode.end
    last = (times[-1] // MINUTE + 1) * MINUTE
    waits = [wait for wait in (LOOKS if size >= FEW else LOOKS_SMALL) if last + wait <= now]
    at = episode.end if final else last + max(waits, default=0)
    started = times[0] if post is None else post.time
    author = _author(episode) if post is None else post.actor
    author_followers = 0 if post is None else post.said.get("actor_followers") or 0
    most: dict[str, int] = {}
    for node in nodes:
        actor = node.event.actor
        most[actor] = max(most.get(actor, 0), node.event.said.get("actor_followers") or 0)
    reached = most | ({author: max(most.get(author, 0), author_followers)} if author else {})
    minutes = Counter(time // MINUTE for time in times)
    row = {
        "root": episode.root,
        "kind": episode.kind,
        "episode": times[-1] if final else 0,
        "author": author,
        "author_followers": author_followers,
        "started_at": started,
        "first_at": times[0],
        "last_at": times[-1],
        "size": size,
        "earned": sum(node.event.klass == 0 for node in nodes),
        "incentivised": sum(node.event.klass > 0 for node in nodes),
        "undisclosed": sum(node.event.klass == 2 for node in nodes),
        "people": len(most),
        "reach": sum(reached.values()),
        "shares_per_minute": 0.0 if final else sum(minutes[at // MINUTE - back] for back in range(1, 6)) / 5,
        "peak_per_minute": max(minutes.values()),
        "time_to_half": _time_to(size / 2, minutes, started),
        "growing": not final and at - times[-1] < HOUR,
        "root_seen": post is not None,
        "truncated": False,
        "final": final,
        "as_of": at // 1000,
    }
    row |= _shape(nodes)
    coming = None if final or episode.kind == "tag" else forecast(nodes, at, started, author_followers)
    size_then, infectiousness = (float(size), 0.0) if coming is None else coming
    return row | {"forecast_size": size_then, "infectiousness": infectiousness, "unbounded": size_then is None}


def _author(episode: Episode) -> str:
    """Return who most shares say wrote the root; of equals the first by name."""
    if episode.kind == "tag":
        return ""
    named: Counter[str] = Counter()
    for node in episode.nodes:
        said = node.event.said
        parent = said.get("parent") or ""
        if said.get("object_author") and (parent == episode.root or (not parent and not node.alias)):
            named[said["object_author"]] += 1
    return min(named, key=lambda name: (-named[name], name), default="")


def _time_to(shares: float, minutes: Counter[int], start: int) -> float:
    """Return the seconds until there were so many, which came evenly within each minute."""
    before = 0
    for minute in sorted(minutes):
        if before + minutes[minute] >= shares:
            return max((minute + (shares - before) / minutes[minute]) * 60 - start / 1000, 0.0)
        before += minutes[minute]
    raise AssertionError("there are fewer")


def _shape(nodes: Sequence[Node]) -> dict[str, Any]:
    """Return depth, breadth, mean distance, and how many wait."""
    order = sorted(range(len(nodes)), key=lambda at: nodes[at].event.time)
    by_alias: dict[str, int] = {}
    for at in order:
        if nodes[at].alias:
            by_alias.setdefault(nodes[at].alias, at)
    named = by_alias | {nodes[at].ids: at for at in order}
    up = [named.get(node.parent, ROOT) if node.parent else ROOT for node in nodes]
    for at in order:  # of a circle, the earliest is the first that finds itself above it
        above, seen = up[at], set()
        while above not in (ROOT, at) and above not in seen:
            seen.add(above)
            above = up[above]
        if above == at:
            up[at] = ROOT
    tree = nx.Graph(enumerate(up))
    far = dict(nx.all_pairs_shortest_path_length(tree))
    levels = Counter(depth for depth in far[ROOT].values() if depth)
    pairs = [far[one][two] for one, two in combinations(tree, 2)]
    return {
        "depth": max(levels),
        "breadth": max(levels.values()),
        "structural_virality": sum(pairs) / len(pairs),
        "waiting": sum(bool(node.parent) and node.parent not in named for node in nodes),
    }


# SEISMIC

FLAT: Final = 300.0
THETA: Final = 0.2314843
RATE: Final = 6.265659e-4


def _memory(age: float) -> float:
    return RATE * (age / FLAT) ** -(1 + THETA) if age > FLAT else RATE


def _cumulated(age: float) -> float:
    """Return the integral of the memory from 0 to an age in seconds."""
    flat = RATE * min(age, FLAT)
    return flat + (RATE * FLAT / THETA * (1 - (age / FLAT) ** -THETA) if age > FLAT else 0.0)


def _exposure(age: float, window: float) -> float:
    """Return the integral of the memory, weighted by the triangle of the last `window` seconds, by Simpson's rule."""
    start = max(age - window, 0.0)
    bend = min(max(FLAT, start), age)
    edges = [start, *(bend * (age / bend) ** (step / 200) for step in range(201))] if bend else [start, age]

    def at(s: float) -> float:
        return _memory(s) * (1 - (age - s) / window)

    return sum((two - one) * (at(one) + 4 * at((one + two) / 2) + at(two)) / 6 for one, two in pairwise(edges))


def _groups(nodes: Sequence[Node], at: int) -> list[tuple[float, int, float, int]]:
    """Return mean age and number of the shares of each minute, or hour where they are old; the same of their followers."""
    groups: dict[tuple[bool, int], list[tuple[float, int]]] = defaultdict(list)
    old = (at - 3 * HOUR) // HOUR * HOUR
    for node in nodes:
        time = node.event.time
        group = (True, time // HOUR) if time < old else (False, time // MINUTE)
        groups[group].append(((at - time) / 1000, node.event.said.get("actor_followers") or 0))
    found = []
    for some in groups.values():
        audience = sum(followers for _, followers in some)
        mean = sum(age * followers for age, followers in some) / audience if audience else 0.0
        found.append((sum(age for age, _ in some) / len(some), len(some), mean, audience))
    return found


def forecast(nodes: Sequence[Node], at: int, started: int, followers: int) -> tuple[float | None, float] | None:
    """Return the size in the end, None when it is without bound, and infectiousness; None where there is no forecast."""
    elapsed = (at - started) / 1000
    if len(nodes) < FEW or elapsed <= 0:
        return None
    groups = _groups(nodes, at)
    ages = sorted(age for age, count, _, _ in groups for _ in range(count))
    window = min(max(elapsed / 2, 300.0), 7_200.0)
    if sum(age <= window for age in ages) < FEW:
        window = max(ages[FEW] if len(ages) > FEW else elapsed, 300.0)
    recent = sum(max(1 - age / window, 0.0) for age in ages)
    watched = [(followers, elapsed), *((audience, age) for _, _, age, audience in groups)]
    exposed = sum(audience * _exposure(age, window) for audience, age in watched if audience)
    if not exposed:
        return None
    p = recent / exposed
    if p * 100 >= 1:
        return None, p
    still = sum(audience * (1 - _cumulated(age)) for audience, age in watched)
    return len(nodes) + p * still / (1 - p * 100), p
