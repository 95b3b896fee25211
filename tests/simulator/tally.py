"""The answers: what is counted of the events that count. Integers under packed keys, so that millions fit."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from time import gmtime, strftime
from typing import Final, NamedTuple

from tests.simulator.reading import KINDS, Read

MINUTE: Final = 60_000
DAY: Final = 86_400_000
DIRECTIONS: Final = ("received", "given")
_KIND: Final = {kind: number for number, kind in enumerate(KINDS)}
_ONE: Final = (1, 1 | 1 << 21, 1 | 1 << 21 | 1 << 42)
"""One event of a class, counted: events, incentivised, undisclosed, 21 bits each."""
_MASK: Final = (1 << 21) - 1

Counts = tuple[int, int, int]


class Shape(NamedTuple):
    """Of a cascade: shares and quotes, steps from the root to the furthest, most of them at one depth."""

    size: int
    depth: int
    breadth: int


class Tally:
    """Everything that is counted; an undone event is added again with `sign` -1."""

    def __init__(self) -> None:
        self.accounts: dict[str, int] = {}
        """Numbers of the accounts that gave or received."""
        self._names: list[str] = []
        self.panes: dict[int, int] = defaultdict(int)
        """Packed account, minute, kind, direction → packed counts; see `pane_key`."""
        self.ties: dict[int, int] = defaultdict(int)
        """Packed source, target, day → actions of every kind but unfollow."""
        self.cascades: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
        """Root → event id of each share → its parent's name, and its own as a post ("" where it has none)."""
        self.checkins: dict[tuple[str, str, int], int] = defaultdict(int)
        """Venue, account, day since 1970 → check-ins."""

    def add(self, event: Read, sign: int = 1) -> None:
        """Count an event, or take it off again."""
        if event.given:  # which also makes the actor known to the ties
            self._pane(event.actor, event, 1, sign * event.given)
        for receiver in event.receivers:
            self._pane(receiver, event, 0, sign)
            if event.kind != "unfollow":
                self.ties[self.tie_key(event.actor, receiver, event.time // DAY)] += sign
        said = event.said
        root = said.get("root") or said.get("object")
        if event.kind in ("share", "quote") and event.given and root:
            if sign < 0:
                del self.cascades[root][event.id]
            else:
                parent, mine = said.get("parent") or "", said.get("object") or ""
                self.cascades[root][event.id] = (parent, "" if mine in (root, parent) else mine)
        elif event.kind == "checkin" and said.get("venue"):
            self.checkins[said["venue"], event.actor, event.time // DAY] += sign

    def _pane(self, account: str, event: Read, direction: int, count: int) -> None:
        number = self.accounts.setdefault(account, len(self.accounts))
        key = (number << 27 | event.time // MINUTE) << 5 | _KIND[event.kind] << 1 | direction
        self.panes[key] += count * _ONE[event.klass]

    # Keys

    def pane_key(self, account: str, minute: int, direction: str, kind: str) -> int:
        """Return the key of a pane; `minute` counts since 1970. What was never seen has none: -1."""
        number = self.accounts.get(account)
        if number is None or kind not in _KIND:
            return -1
        return (number << 27 | minute) << 5 | _KIND[kind] << 1 | DIRECTIONS.index(direction)

    def name_of_pane(self, key: int | tuple[object, ...]) -> tuple[object, ...]:
        """Return account, minute as people write it (UTC), direction, kind; a tuple names itself."""
        if isinstance(key, tuple):
            return key
        minute = strftime("%Y-%m-%d %H:%M", gmtime((key >> 5 & (1 << 27) - 1) * 60))
        return self._name(key >> 32), minute, DIRECTIONS[key & 1], KINDS[key >> 1 & 15]

    @staticmethod
    def pack(events: int, incentivised: int, undisclosed: int) -> int:
        """Return the counts of a pane as one number."""
        return events | incentivised << 21 | undisclosed << 42

    @staticmethod
    def unpack(packed: int) -> Counts:
        """Return events, incentivised, undisclosed."""
        return packed & _MASK, packed >> 21 & _MASK, packed >> 42

    def pane(self, account: str, minute: int, direction: str, kind: str) -> Counts:
        """Return the counts of a pane; zeros where there is none."""
        return self.unpack(self.panes.get(self.pane_key(account, minute, direction, kind), 0))

    def tie_key(self, source: str, target: str, day: int) -> int:
        """Return the key of a tie; `day` counts since 1970. What was never seen has none: -1."""
        first, second = self.accounts.get(source), self.accounts.get(target)
        return -1 if first is None or second is None else (first << 28 | second) << 17 | day

    def name_of_tie(self, key: int | tuple[object, ...]) -> tuple[object, ...]:
        """Return source, target and day (UTC); a tuple names itself."""
        if isinstance(key, tuple):
            return key
        day = strftime("%Y-%m-%d", gmtime((key & (1 << 17) - 1) * 86_400))
        return self._name(key >> 45), self._name(key >> 17 & (1 << 28) - 1), day

    def _name(self, number: int) -> str:
        if len(self._names) < len(self.accounts):
            self._names = list(self.accounts)
        return self._names[number]

    # What follows from it

    def shape(self, root: str) -> Shape:
        """Return the shape of a cascade. A share whose parent is not there hangs below the root."""
        shares = self.cascades.get(root, {})
        named = {mine: event for event, (_, mine) in shares.items() if mine}
        depths: dict[str, int] = {}
        for share in shares:
            path = []
            node: str | None = share
            while node is not None and node not in depths:
                path.append(node)
                parent = shares[node][0]
                node = parent if parent in shares else named.get(parent)
                if node in path:
                    raise ValueError(f"shares of {root} go round in a circle at {node}")
            depth = depths[node] if node is not None else 0
            for step in reversed(path):
                depth += 1
                depths[step] = depth
        levels = Counter(depths.values())
        return Shape(len(shares), max(levels, default=0), max(levels.values(), default=0))

    def checkin_days(self) -> Iterator[tuple[str, str, int]]:
        """Yield venue, account and day since 1970 wherever somebody checked in."""
        return (key for key, count in self.checkins.items() if count)
