"""PageRank over ties: who is turned to by those whom others turn to?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

DAMPING: Final = 0.85
TOLERANCE: Final = 1e-9
"""Iteration ends when the ranks move by less than this in sum."""
MAX_ROUNDS: Final = 200


def pagerank(
    ties: Iterable[tuple[str, str, float]],
    *,
    damping: float = DAMPING,
    tolerance: float = TOLERANCE,
    told: Callable[[int, float], None] = lambda _round, _moved: None,
) -> dict[str, float]:
    """Return account → rank; ranks add up to 1.

    Definition: where a reader ends up who follows ties, each in proportion to its weight, and with
    probability 1 − `damping`, or where no tie leads on, goes on anywhere; after Page, Brin, Motwani and
    Winograd (1999). Solved by power iteration. `ties` are source, target, weight (not negative); the same
    pair may come several times and adds up; ties to oneself are left out. A tie passes rank from the one who
    acts to the one acted on. `told` hears after each round its number and how far ranks still moved.

    Raises ArithmeticError when 200 rounds do not suffice (they do at any damping up to 0.9).

    Fooled by: rings of accounts that only act on each other, which keep what comes in.

    >>> ranks = pagerank([("a", "c", 1), ("b", "c", 1), ("c", "a", 1)])
    >>> sorted(ranks, key=ranks.__getitem__), round(sum(ranks.values()), 6)
    (['b', 'a', 'c'], 1.0)
    """
    number: dict[str, int] = {}
    weights: dict[tuple[int, int], float] = {}
    for source, target, weight in ties:
        a, b = number.setdefault(source, len(number)), number.setdefault(target, len(number))
        if a != b and weight > 0:
            weights[a, b] = weights.get((a, b), 0.0) + weight
    count = len(number)
    if not count:
        return {}
    given = [0.0] * count
    for (a, _), weight in weights.items():
        given[a] += weight
    edges = [(a, b, weight / given[a]) for (a, b), weight in weights.items()]
    silent = [node for node in range(count) if not given[node]]
    ranks = [1.0 / count] * count
    for number_of_round in range(1, MAX_ROUNDS + 1):
        # What those who act on nobody hold goes to all alike.
        everywhere = (1.0 - damping + damping * sum(ranks[node] for node in silent)) / count
        passed = [0.0] * count
        for a, b, share in edges:
            passed[b] += ranks[a] * share
        new = [everywhere + damping * value for value in passed]
        moved = sum(abs(x - y) for x, y in zip(new, ranks, strict=True))
        ranks = new
        told(number_of_round, moved)
        if moved < tolerance:
            return {account: ranks[node] for account, node in number.items()}
    raise ArithmeticError(f"ranks still move after {MAX_ROUNDS} rounds at damping {damping}")
