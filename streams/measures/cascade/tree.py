"""The tree of a cascade: who hangs below whom, kept in flat columns, with the sums that its shape needs.

A node is a share. It has a number of its own (`id`), may be known by a second one (`alias`: the post it
created), and may name the one it hangs below (`ref`). The tree is a function of the set of nodes alone, never
of their order:

- a node hangs below the node that `ref` names; below the root when it names none, or none that has come;
- a name means the node whose id it is, or else the earliest node (time, then id) whose alias it is;
- on a circle of names the earliest node hangs below the root, and so the circle is a chain.

Cost: O(depth) per share that comes after its parent. What changes the place of more than one leaf (a parent
that comes after a whole branch, an undone node with nodes below, a circle) marks the tree as stale, and it is
built anew, in O(n), once before it is next looked at or stored; so are chains so deep that walking up them
would cost more.

Beyond `limit` nodes, shares are counted in their place but not kept (`spilled`): what later hangs below one
of those hangs below the root.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Final

from streams.measures.cascade.names import NOBODY
from streams.measures.cascade.structural_virality import structural_virality

ROOT: Final = -1
"""Slot of the root as a parent."""
SPILLED: Final = -1
"""Slot of a node that is counted and not kept."""
WALK: Final = 20
"""To build a tree anew costs as much as so many steps up it per node."""
COLUMNS: Final = ("ids", "refs", "aliases", "times", "up", "depth", "below")
"""One entry per slot each. `below` counts the node itself too; a free slot has id 0."""


class Tree:
    """Nodes in slots, and `size`, `depths`, `squares` and `levels` as `structural_virality` wants them."""

    __slots__ = (
        "_alias", "_circles", "_contested", "_free", "_ids", "_steps", "_twins", "_waiting",
        "aliases", "below", "depth", "depths", "ids", "levels", "limit", "linked", "refs", "size", "spilled",
        "squares", "stale", "times", "up", "waiting",
    )  # fmt: skip

    def __init__(self, limit: int) -> None:
        """An empty tree that keeps up to `limit` nodes."""
        self.limit = limit
        self.ids, self.refs, self.aliases, self.times = array("Q"), array("Q"), array("Q"), array("Q")
        self.up, self.depth, self.below = array("i"), array("I"), array("I")
        self.size = self.depths = self.squares = self.waiting = 0
        self.levels: list[int] = []
        """Nodes at depth 1, 2, …; the root is not among them."""
        self.spilled: dict[int, int] = {}
        """Slot of the parent → leaves below it that are not kept."""
        self.linked = False
        """Has any node named another? As long as none has, nothing needs to be found by name."""
        self.stale = False
        self._free: list[int] = []
        self._ids: dict[int, int] | None = None
        self._alias: dict[int, int] = {}
        self._contested: set[int] = set()
        """Names that more than one node claims."""
        self._twins: dict[int, list[int]] = {}
        self._waiting: dict[int, list[int]] = {}
        """Name that has not come → slots of the nodes that wait for it."""
        self._circles = False
        self._steps = 0

    @classmethod
    def stored(
        cls,
        limit: int,
        columns: Sequence[array[int]],
        sums: tuple[int, int, int, int, bool, bool],
        levels: list[int],
        spilled: dict[int, int],
    ) -> Tree:
        """Return the tree whose `columns`, `sums`, `levels` and `spilled` were stored, settled, by somebody
        else.
        """
        tree = cls(limit)
        tree.ids, tree.refs, tree.aliases, tree.times, tree.up, tree.depth, tree.below = columns
        tree.size, tree.depths, tree.squares, tree.waiting, tree.linked, tree._circles = sums
        tree.levels, tree.spilled = levels, spilled
        if NOBODY in tree.ids:
            tree._free = [slot for slot, number in enumerate(tree.ids) if not number]
        return tree

    @property
    def columns(self) -> tuple[array[int], ...]:
        """Return what there is of every slot, in the order of COLUMNS."""
        return self.ids, self.refs, self.aliases, self.times, self.up, self.depth, self.below

    @property
    def sums(self) -> tuple[int, int, int, int, bool, bool]:
        """Return the numbers that go with the columns into the store."""
        return self.size, self.depths, self.squares, self.waiting, self.linked, self._circles

    # What is asked

    @property
    def kept(self) -> int:
        """Return how many nodes are in slots."""
        return len(self.ids) - len(self._free)

    @property
    def max_depth(self) -> int:
        """Return the steps from the root to the furthest node, 0 without one."""
        return len(self.levels)

    @property
    def breadth(self) -> int:
        """Return the most nodes at one depth, 0 without any."""
        return max(self.levels, default=0)

    @property
    def virality(self) -> float:
        """Return the structural virality, the root included."""
        return structural_virality(self.size + 1, self.depths, self.squares)

    def slots(self) -> Iterator[int]:
        """Yield the slots in use."""
        return (slot for slot, number in enumerate(self.ids) if number)

    # What happens

    def add(self, *, id: int, ref: int = NOBODY, alias: int = NOBODY, time: int = 0) -> int:
        """Add a node; return its slot, or SPILLED."""
        self.size += 1
        full = self.kept >= self.limit
        self.linked = self.linked or ref != NOBODY
        if self._ids is None and (full or self.linked):
            self._open()
        if full:
            self._spill(ref, 1)
            return SPILLED
        if self._free:
            slot = self._free.pop()
            self.ids[slot], self.refs[slot], self.aliases[slot], self.times[slot] = id, ref, alias, time
        else:
            slot = len(self.ids)
            self.ids.append(id)
            self.refs.append(ref)
            self.aliases.append(alias)
            self.times.append(time)
            self.up.append(ROOT)
            self.depth.append(1)
            self.below.append(1)
        if self._ids is None:
            self._hang(slot, ROOT)
            return slot
        if self.stale:
            self._claim(slot)
            return slot
        parent = self._find(ref) if ref else ROOT
        if parent is None and ref not in (id, alias):
            self._waiting.setdefault(ref, []).append(slot)
            self.waiting += 1
        self._claim(slot)
        if not self.stale:
            self._hang(slot, ROOT if parent is None else parent)
            self._take_in(slot)
        return slot

    def remove(self, id: int, time: int = 0) -> int | None:
        """Remove the node with this id, of several the one of this time; return its slot, or None if there is none."""
        if self._ids is None:
            self._open()
        assert self._ids is not None
        if twins := self._twins.get(id):
            first = self._ids[id]
            slot = next((each for each in (first, *twins) if self.times[each] == time), twins[-1])
            if slot == first:
                self._ids[id] = twins.pop(0)
            else:
                twins.remove(slot)
            self.stale = True
        elif (found := self._ids.pop(id, None)) is not None:
            slot = found
        else:
            return None
        self.size -= 1
        ref, alias = self.refs[slot], self.aliases[slot]
        contested = id in self._contested or alias in self._contested
        if self.below[slot] == 1 and not (self.stale or contested or self._circles):
            if ref in self._waiting and slot in self._waiting[ref]:
                self._unwait(ref, slot)
            if self._alias.get(alias) == slot:
                del self._alias[alias]
            self._unhang(slot)
        else:
            self.stale = True
        if orphans := self.spilled.pop(slot, 0):
            self.spilled[ROOT] = self.spilled.get(ROOT, 0) + orphans
        self.ids[slot] = self.refs[slot] = self.aliases[slot] = self.times[slot] = NOBODY
        self.up[slot], self.depth[slot], self.below[slot] = ROOT, 0, 0
        self._free.append(slot)
        return slot

    def remove_spilled(self, ref: int) -> bool:
        """Take back a node that was counted and not kept, below `ref` if one is there; False if none was."""
        if not self.spilled:
            return False
        if self._ids is None:
            self._open()
        self.size -= 1
        self._spill(ref, -1)
        return True

    def settle(self) -> None:
        """Make the sums true, whatever happened before."""
        if self.stale:
            self._build()
        self._steps = 0

    # How

    def _find(self, name: int) -> int | None:
        assert self._ids is not None
        slot = self._ids.get(name)
        return self._alias.get(name) if slot is None else slot

    def _open(self) -> None:
        """Build what finds nodes by name, which is not stored."""
        every = range(len(self.ids))
        ids = dict(zip(self.ids, every, strict=True))
        alias = dict(zip(self.aliases, every, strict=True))
        ids.pop(NOBODY, None)
        alias.pop(NOBODY, None)
        self._ids, self._alias, self._contested, self._twins, self._waiting = ids, alias, set(), {}, {}
        named = len(every) - self.aliases.count(NOBODY)
        if len(ids) < self.kept or len(alias) < named or not ids.keys().isdisjoint(alias):
            # Some name is claimed twice: decide claim by claim.
            ids.clear()
            alias.clear()
            stale = self.stale
            for slot in self.slots():
                self._claim(slot)
            self.stale = stale
        if self.waiting:
            for slot in self.slots():
                ref = self.refs[slot]
                if ref and self.up[slot] == ROOT and ref != self.ids[slot] and self._find(ref) is None:
                    self._waiting.setdefault(ref, []).append(slot)

    def _claim(self, slot: int) -> None:
        """Let the names of a new node mean it; stale when they meant another one."""
        assert self._ids is not None
        id, alias = self.ids[slot], self.aliases[slot]
        if id in self._ids:
            self._twins.setdefault(id, []).append(slot)
            self.stale = True
        else:
            self._ids[id] = slot
            if id in self._alias:
                self._contested.add(id)
                self.stale = True
        if not alias:
            return
        if alias in self._ids:
            self._contested.add(alias)
        owner = self._alias.get(alias)
        if owner is None:
            self._alias[alias] = slot
        else:
            self._contested.add(alias)
            if (self.times[slot], id) < (self.times[owner], self.ids[owner]):
                self._alias[alias] = slot
                self.stale = True

    def _hang(self, slot: int, parent: int) -> None:
        depth = 1 if parent == ROOT else self.depth[parent] + 1
        self.up[slot], self.depth[slot], self.below[slot] = parent, depth, 1
        self._count(parent, depth, 1)

    def _unhang(self, slot: int) -> None:
        self._count(self.up[slot], self.depth[slot], -1)

    def _count(self, parent: int, depth: int, sign: int) -> None:
        """Add (or, with sign -1, take off) a leaf at `depth` below `parent`."""
        self._steps += depth
        if self._steps > WALK * len(self.ids) + 10_000:
            self.stale = True
            return
        self.depths += sign * depth
        squares = 1
        up, below = self.up, self.below
        while parent != ROOT:
            nodes = below[parent]
            squares += 2 * nodes + sign
            below[parent] = nodes + sign
            parent = up[parent]
        self.squares += sign * squares
        levels = self.levels
        if depth > len(levels):
            levels.append(0)
        levels[depth - 1] += sign
        while levels and not levels[-1]:
            levels.pop()

    def _take_in(self, slot: int) -> None:
        """Hang below a new node the leaves that waited for it; stale when a whole branch did."""
        for name in (self.ids[slot], self.aliases[slot]):
            if name and name in self._waiting and self._find(name) == slot:
                kids = self._waiting.pop(name)
                self.waiting -= len(kids)
                if any(self.below[kid] != 1 for kid in kids):
                    self.stale = True
                for kid in kids:
                    if self.stale:
                        return
                    self._unhang(kid)
                    self._hang(kid, slot)

    def _unwait(self, ref: int, slot: int) -> None:
        kids = self._waiting[ref]
        kids.remove(slot)
        self.waiting -= 1
        if not kids:
            del self._waiting[ref]

    def _spill(self, ref: int, sign: int) -> None:
        """Count a leaf below `ref` without keeping it, or take one back."""
        found = self._find(ref) if ref else None
        parent = ROOT if found is None else found
        if sign < 0 and parent not in self.spilled:
            parent = next(iter(self.spilled))
        self.spilled[parent] = self.spilled.get(parent, 0) + sign
        if not self.spilled[parent]:
            del self.spilled[parent]
        if not self.stale:
            self._count(parent, 1 if parent == ROOT else self.depth[parent] + 1, sign)

    def _build(self) -> None:
        """Build places and sums from the nodes alone."""
        self.waiting = 0
        self._open()
        self._circles = False
        up, order = self.up, []
        for slot in self.slots():
            ref = self.refs[slot]
            parent = ROOT
            if ref and ref != self.ids[slot]:
                found = self._find(ref)
                if found is None:
                    self._waiting.setdefault(ref, []).append(slot)
                elif found != slot:
                    parent = found
            up[slot] = parent
        self.waiting = sum(map(len, self._waiting.values()))
        self._cut_circles()

        depth, below = self.depth, self.below
        for slot in range(len(depth)):
            depth[slot] = below[slot] = 0
        path = []
        for start in self.slots():
            slot = start
            while slot != ROOT and not depth[slot]:
                path.append(slot)
                slot = up[slot]
            steps = 0 if slot == ROOT else depth[slot]
            while path:
                slot = path.pop()
                steps += 1
                depth[slot] = steps
                order.append(slot)
        # A node comes after its parent in `order`, so backwards every node is complete when it is passed on.
        self.depths = self.squares = 0
        levels = [0] * (max(depth, default=0) + 1)
        for parent, leaves in self.spilled.items():
            at = 1 if parent == ROOT else depth[parent] + 1
            self.depths += leaves * at
            self.squares += leaves
            levels[at - 1] += leaves
            if parent != ROOT:
                below[parent] = leaves
        for slot in reversed(order):
            nodes = below[slot] + 1
            below[slot] = nodes
            if up[slot] != ROOT:
                below[up[slot]] += nodes
            self.squares += nodes * nodes
            self.depths += depth[slot]
            levels[depth[slot] - 1] += 1
        while levels and not levels[-1]:
            levels.pop()
        self.levels = levels
        self.stale = False

    def _cut_circles(self) -> None:
        """Hang the earliest node of every circle below the root."""
        up = self.up
        done = bytearray(len(up))
        for start in self.slots():
            path, slot = [], start
            while slot != ROOT and not done[slot]:
                done[slot] = 1
                path.append(slot)
                slot = up[slot]
            if slot != ROOT and done[slot] == 1:
                circle = path[path.index(slot) :]
                up[min(circle, key=lambda node: (self.times[node], self.ids[node]))] = ROOT
                self._circles = True
            for node in path:
                done[node] = 2
