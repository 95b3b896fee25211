"""The tree of a cascade against a plain one, built anew from the set of nodes and measured pair by pair."""

from __future__ import annotations

import random
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.measures.cascade.structural_virality import structural_virality
from streams.measures.cascade.tree import Tree
from tests.unit.cascades.helpers import given_events


class Node(NamedTuple):
    """A node as the tree takes it."""

    id: int
    ref: int
    alias: int
    time: int


def plain_parents(nodes: Sequence[Node]) -> tuple[dict[int, int], int]:
    """Return id → id of the parent, 0 for the root, and how many wait, by the tree's own words."""
    ids = {node.id for node in nodes}
    owner: dict[int, int] = {}
    for node in sorted(nodes, key=lambda node: (node.time, node.id)):
        if node.alias:
            owner.setdefault(node.alias, node.id)
    parents, waiting = {}, 0
    for node in nodes:
        parent = node.ref if node.ref in ids else owner.get(node.ref, 0)
        waiting += bool(node.ref) and not parent
        parents[node.id] = 0 if parent == node.id else parent
    time = {node.id: node.time for node in nodes}
    for node in nodes:
        seen, at = [], node.id
        while at and at not in seen:
            seen.append(at)
            at = parents[at]
        if at:
            circle = seen[seen.index(at) :]
            parents[min(circle, key=lambda id: (time[id], id))] = 0
    return parents, waiting


def plain_shape(parents: dict[int, int]) -> tuple[int, int, float]:
    """Return depth, breadth and mean distance over all pairs, by walking from every node to every other."""
    near: dict[int, list[int]] = defaultdict(list)
    for node, parent in parents.items():
        near[node].append(parent)
        near[parent].append(node)

    def distances(start: int) -> dict[int, int]:
        found, queue = {start: 0}, deque([start])
        while queue:
            at = queue.popleft()
            for other in near[at]:
                if other not in found:
                    found[other] = found[at] + 1
                    queue.append(other)
        return found

    if not parents:
        return 0, 0, 0.0
    levels = Counter(distances(0).values())
    del levels[0]
    nodes = len(parents) + 1
    total = sum(sum(distances(node).values()) for node in [0, *parents])
    return max(levels), max(levels.values()), total / (nodes * (nodes - 1))


def shape(tree: Tree) -> tuple[int, int, float]:
    """Return depth, breadth and structural virality of a tree."""
    tree.settle()
    return tree.max_depth, tree.breadth, tree.virality


def agrees(tree: Tree, nodes: Sequence[Node]) -> None:
    """Hold a tree against the plain one of the same nodes."""
    parents, waiting = plain_parents(nodes)
    assert shape(tree) == pytest.approx(plain_shape(parents))
    assert tree.size == len(nodes)
    assert tree.waiting == waiting
    assert {tree.ids[slot]: tree.ids[tree.up[slot]] if tree.up[slot] >= 0 else 0 for slot in tree.slots()} == parents


NODES = st.lists(
    st.builds(
        Node,
        st.integers(1, 40),
        st.integers(0, 60),
        st.sampled_from([0, 0, *range(30, 60)]),
        st.integers(0, 5),
    ),
    unique_by=lambda node: node.id,
    max_size=25,
)


@settings(max_examples=300)
@given(nodes=NODES, seed=st.integers(0, 999), looks=st.integers(1, 9))
def test_nodes_in_any_order_make_the_tree_of_their_set(nodes: list[Node], seed: int, looks: int) -> None:
    """Late parents, circles, nodes that are their own parent, names claimed twice: only the set counts."""
    random.Random(seed).shuffle(nodes)
    tree = Tree(1_000)
    for count, node in enumerate(nodes):
        tree.add(id=node.id, ref=node.ref, alias=node.alias, time=node.time)
        if count % looks == 0:
            agrees(tree, nodes[: count + 1])
    agrees(tree, nodes)


@settings(max_examples=300)
@given(nodes=NODES, seed=st.integers(0, 999), looks=st.integers(1, 9))
def test_removed_nodes_leave_the_tree_of_those_that_stay(nodes: list[Node], seed: int, looks: int) -> None:
    """Adding and removing in any order leaves what adding the rest alone makes."""
    rng = random.Random(seed)
    tree, there, left = Tree(1_000), [], list(nodes)
    for count in range(3 * len(nodes)):
        if there and (not left or rng.random() < 0.4):
            node = there.pop(rng.randrange(len(there)))
            assert tree.remove(node.id) is not None
            left.append(node)
        else:
            node = left.pop(rng.randrange(len(left)))
            tree.add(id=node.id, ref=node.ref, alias=node.alias, time=node.time)
            there.append(node)
        if count % looks == 0:
            agrees(tree, there)
    agrees(tree, there)
    assert tree.remove(999) is None


@given(parents=st.lists(st.integers(0, 10_000), min_size=1, max_size=60), stored=st.booleans())
def test_structural_virality_is_the_mean_distance_of_all_pairs(parents: list[int], stored: bool) -> None:
    """On random trees in order, with a stay in the store or without, the running sums give the brute-force
    mean.
    """
    tree = Tree(1_000)
    plain = {}
    for id, pick in enumerate(parents, 1):
        plain[id] = pick % id
        tree.add(id=id, ref=pick % id)
        if stored:
            tree = Tree.stored(tree.limit, tree.columns, tree.sums, tree.levels, tree.spilled)
    assert shape(tree) == pytest.approx(plain_shape(plain))


def test_the_extremes_of_structural_virality_are_known() -> None:
    """A star of n nodes has 2 − 2/n, a chain (n + 1)/3, a single node 0."""
    for nodes in (2, 3, 10, 1_000):
        star = (nodes - 1, nodes - 1)
        chain = (nodes * (nodes - 1) // 2, sum(s * s for s in range(1, nodes)))
        assert structural_virality(nodes, *star) == pytest.approx(2 - 2 / nodes)
        assert structural_virality(nodes, *chain) == pytest.approx((nodes + 1) / 3)
    assert structural_virality(1, 0, 0) == 0


def test_real_retweet_trees_have_the_shape_that_brute_force_finds() -> None:
    """Each of the 60 trees given, fed in random order, has brute force's depth, breadth and virality."""
    trees: dict[str, dict[str, str]] = defaultdict(dict)
    for event in given_events("twitter15-trees"):
        if event["type"] == "share":
            trees[event["root"]][event["object"]] = event["parent"]
    assert len(trees) == 60
    rng = random.Random(15)
    for root, parents in trees.items():
        number = {name: n for n, name in enumerate([root, *parents])}
        edges = [(number[node], number[parent]) for node, parent in parents.items()]
        rng.shuffle(edges)
        tree = Tree(1_000)
        for id, ref in edges:
            tree.add(id=id, ref=ref)
        assert shape(tree) == pytest.approx(plain_shape(dict(edges)))


def test_a_long_chain_costs_no_square_of_its_length() -> None:
    """A chain of 50,000, in order and in reverse, takes a bounded number of steps up and gives (n + 1)/3."""
    count = 50_000
    for order in (range(1, count + 1), range(count, 0, -1)):
        tree = Tree(100_000)
        for id in order:
            tree.add(id=id, ref=id - 1, time=id)
        assert tree._steps < 25 * count
        assert shape(tree) == (count, 1, pytest.approx((count + 2) / 3))


def test_beyond_the_limit_shares_are_counted_in_their_place() -> None:
    """A tree that is full counts further leaves where they hang, and takes them back."""
    full, whole = Tree(10), Tree(1_000)
    edges = [(id, id // 2) for id in range(1, 11)] + [(id, id % 11) for id in range(11, 60)]
    for tree in (full, whole):
        for id, ref in edges:
            tree.add(id=id, ref=ref)
    assert full.kept == 10
    assert shape(full) == pytest.approx(shape(whole))
    full._build()
    assert shape(full) == pytest.approx(shape(whole))
    for id, ref in edges[30:]:
        assert full.remove(id) is None
        assert full.remove_spilled(ref)
        assert whole.remove(id) is not None
    assert shape(full) == pytest.approx(shape(whole))
    assert full.size == whole.size == 30


def test_what_hung_on_a_circle_waits_again_when_the_circle_is_broken() -> None:
    """Removing a leaf of a circle leaves its parent waiting for it, and taken in when it comes again."""
    tree = Tree(10)
    early, late = Node(1, ref=2, alias=0, time=1), Node(2, ref=1, alias=0, time=2)
    for node in (early, late):
        tree.add(**node._asdict())
    agrees(tree, [early, late])
    tree.remove(2)
    agrees(tree, [early])
    tree.add(**late._asdict())
    agrees(tree, [early, late])


def test_a_name_goes_over_to_the_next_that_claims_it() -> None:
    """When the earliest node of a name is removed, what names it hangs below the next earliest."""
    tree = Tree(10)
    first, second, child = Node(1, 0, 50, 1), Node(2, 0, 50, 2), Node(3, 50, 0, 3)
    tree.add(**child._asdict())
    for node in (second, first):
        tree.add(**node._asdict())
    agrees(tree, [child, second, first])
    tree.remove(3)
    tree.remove(1)
    tree.add(**child._asdict())
    agrees(tree, [second, child])
