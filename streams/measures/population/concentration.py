"""Concentration: how unequally something, engagement say, is spread over accounts.

All three take one value per account, none negative, and are without unit. Fooled by: the question who counts
as an account (those who got nothing are in the population only if they are given), and by many accounts in
one hand.
"""

from __future__ import annotations

import math
from collections.abc import Iterable


def gini(values: Iterable[float]) -> float:
    """Return the Gini coefficient, 0 when all have the same, towards 1 when one has everything.

    Formula: Σ (2i − n − 1)·x₍ᵢ₎ / (n·Σx), x₍ᵢ₎ the i-th smallest (Gini 1912, in the form for sorted values).
    With n accounts the largest possible value is 1 − 1/n. 0 where there is nothing to share.

    >>> gini([3, 3, 3]), gini([0, 0, 0, 8])
    (0.0, 0.75)
    """
    ranked = sorted(values)
    count, total = len(ranked), math.fsum(ranked)
    if not total:
        return 0.0
    weighted = math.fsum((2 * rank - count - 1) * value for rank, value in enumerate(ranked, 1))
    return weighted / (count * total)


def herfindahl(values: Iterable[float]) -> float:
    """Return the Herfindahl–Hirschman index Σ share², from 1/n to 1; 0 where there is nothing to share.

    Its inverse is the number of equal accounts that would be as concentrated.

    >>> herfindahl([1, 1, 1, 1]), herfindahl([5])
    (0.25, 1.0)
    """
    held = list(values)
    total = math.fsum(held)
    return math.fsum((value / total) ** 2 for value in held) if total else 0.0


def top_share(values: Iterable[float], part: float = 0.01) -> float:
    """Return what share of all the top `part` of the accounts has, at least one account; 0 for nothing to
    share.

    >>> top_share([1] * 99 + [101])
    0.505
    """
    ranked = sorted(values, reverse=True)
    total = math.fsum(ranked)
    return math.fsum(ranked[: max(1, math.ceil(len(ranked) * part))]) / total if total else 0.0
