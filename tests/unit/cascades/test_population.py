"""Concentration, reciprocity, loyalty and PageRank against numpy, networkx and published figures."""

from __future__ import annotations

import random
from collections import Counter

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.rows.ties import TIES
from streams.measures.population.concentration import gini, herfindahl, top_share
from streams.measures.population.loyalty import loyalty
from streams.measures.population.pagerank import pagerank
from streams.measures.population.reciprocity import (
    excess_reciprocity,
    reciprocity,
    reciprocity_with_self,
    weighted_reciprocity,
)
from streams.subjects.ties import Ties
from tests.unit.cascades.helpers import FOREVER, given_events, plain_facts, run, shown

VALUES = st.lists(st.floats(0, 1e6) | st.integers(0, 50), min_size=1, max_size=60).filter(
    lambda values: sum(values) > 1e-3
)
NAMES = st.sampled_from("abcdefgh")
NETWORKS = st.dictionaries(st.tuples(NAMES, NAMES), st.floats(0.01, 100), min_size=1, max_size=40)


def ranks_of(graph: nx.DiGraph, damping: float) -> dict[str, float]:
    """Return PageRank from networkx's matrix of the random walk, followed until it no longer moves."""
    walk = np.asarray(nx.google_matrix(graph, alpha=damping))
    ranks = np.full(len(walk), 1 / len(walk))
    for _ in range(300):
        ranks = ranks @ walk
    return dict(zip(graph, ranks.tolist(), strict=True))


@given(values=VALUES)
def test_gini_is_half_the_relative_mean_difference(values: list[float]) -> None:
    """The sorted form equals the mean absolute difference of all pairs over twice the mean."""
    array = np.array(values, dtype=float)
    expected = np.abs(array[:, None] - array[None, :]).mean() / (2 * array.mean())
    assert gini(values) == pytest.approx(expected, abs=1e-9)


@given(values=VALUES, part=st.sampled_from([0.01, 0.1, 0.5, 1.0]))
def test_herfindahl_and_top_share_are_sums_of_shares(values: list[float], part: float) -> None:
    """Both equal their definition in numpy, and lie where they can."""
    shares = np.sort(np.array(values, dtype=float) / np.sum(values))[::-1]
    assert herfindahl(values) == pytest.approx(float((shares**2).sum()))
    first = max(1, int(np.ceil(len(values) * part)))
    assert top_share(values, part) == pytest.approx(float(shares[:first].sum()))
    assert 1 / len(values) - 1e-9 <= herfindahl(values) <= 1 + 1e-9


def test_nothing_to_share_is_not_concentrated() -> None:
    """Without values, or with zeros alone, every measure of concentration is 0."""
    for values in ([], [0.0, 0.0]):
        assert (gini(values), herfindahl(values), top_share(values)) == (0, 0, 0)


@given(ties=NETWORKS)
def test_reciprocity_is_that_of_networkx(ties: dict[tuple[str, str], float]) -> None:
    """r equals networkx's on the graph without ties to oneself; ρ follows from r and density."""
    graph = nx.DiGraph([pair for pair in ties if pair[0] != pair[1]])
    if not graph.number_of_edges():
        assert reciprocity(ties) == excess_reciprocity(ties) == weighted_reciprocity(ties) == 0
        return
    r, density = nx.overall_reciprocity(graph), nx.density(graph)
    assert reciprocity(ties) == pytest.approx(r)
    assert excess_reciprocity(ties) == pytest.approx((r - density) / (1 - density) if density < 1 else 1)
    names = sorted(graph)
    matrix = np.array([[ties.get((a, b), 0.0) if a != b else 0.0 for b in names] for a in names])
    assert weighted_reciprocity(ties) == pytest.approx(np.minimum(matrix, matrix.T).sum() / matrix.sum())


def test_the_variant_that_counts_ties_to_oneself_is_another_number() -> None:
    """A tie to oneself is returned by itself."""
    ties = {("a", "a"): 1.0, ("a", "b"): 1.0}
    assert (reciprocity(ties), reciprocity_with_self(ties)) == (0, 0.5)


def test_college_messages_have_the_published_reciprocity_and_inequality() -> None:
    """Through the ties of the stream: 1,899 accounts, 20,296 pairs, r = 0.636, Gini of degree 0.754."""
    facts = list(plain_facts(given_events("college-messages")))
    weights: Counter[tuple[str, str]] = Counter()
    degrees: Counter[str] = Counter()
    for (source, target, _), row in shown(run(Ties(), [facts], FOREVER), TIES).items():
        weights[source, target] += row["events"]
        degrees[source] += row["events"]
        degrees[target] += row["events"]
    assert (len(degrees), len(weights), sum(weights.values())) == (1_899, 20_296, 59_835)
    assert reciprocity(weights) == pytest.approx(0.636, abs=5e-4)
    assert gini(degrees.values()) == pytest.approx(0.754, abs=5e-4)


@given(ties=NETWORKS, damping=st.sampled_from([0.5, 0.85]))
def test_pagerank_is_that_of_networkx(ties: dict[tuple[str, str], float], damping: float) -> None:
    """Ranks on random weighted networks, with accounts that act on nobody, equal networkx's."""
    graph = nx.DiGraph()
    for (source, target), weight in ties.items():
        graph.add_nodes_from((source, target))
        if source != target:
            graph.add_edge(source, target, weight=weight)
    expected = ranks_of(graph, damping)
    found = pagerank(((a, b, w) for (a, b), w in ties.items()), damping=damping, tolerance=1e-12)
    assert found == pytest.approx(expected, abs=1e-8)


def test_pagerank_of_the_college_ranks_as_networkx_does() -> None:
    """On 20,296 real ties the ranks agree, and add up to 1."""
    ties = Counter(
        (event["actor"], target) for event in given_events("college-messages") for target in event["targets"]
    )
    graph = nx.DiGraph()
    graph.add_weighted_edges_from((a, b, count) for (a, b), count in ties.items())
    found = pagerank((a, b, float(count)) for (a, b), count in ties.items())
    assert found == pytest.approx(ranks_of(graph, 0.85), abs=1e-7)
    assert sum(found.values()) == pytest.approx(1)


def test_pagerank_without_ties_is_nobody() -> None:
    """Without ties there is nobody to rank; a pair that comes twice adds up."""
    assert pagerank([]) == {}
    once, twice = [("a", "b", 2.0), ("a", "c", 1.0)], [("a", "b", 1.0), ("a", "c", 1.0), ("a", "b", 1.0)]
    assert pagerank(once) == pytest.approx(pagerank(twice))


def test_double_jeopardy_alone_is_no_loyalty() -> None:
    """Accounts that lie on w(1 − b) = w₀ are at 1; one with more repeat than its reach explains is above."""
    rng = random.Random(7)
    engagers = {f"a{n}": rng.randrange(1, 900) for n in range(50)}
    on_the_line = {account: 1.5 * count / (1 - count / 1_000) for account, count in engagers.items()}
    for one in loyalty(engagers, on_the_line, 1_000).values():
        assert one.beyond == pytest.approx(1)
    devoted = on_the_line | {"a7": on_the_line["a7"] * 3}
    ranked = loyalty(engagers, devoted, 1_000)
    assert max(ranked, key=lambda account: ranked[account].beyond) == "a7"
    assert loyalty({}, {}, 0) == {}
    assert loyalty({"all": 5}, {"all": 10}, 5)["all"].beyond == 1
