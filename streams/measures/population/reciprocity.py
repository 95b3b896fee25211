"""Reciprocity of a network of ties: is what is given given back?

After Garlaschelli and Loffredo, Patterns of Link Reciprocity in Directed Networks (Physical Review Letters,
2004), and Squartini et al. (Scientific Reports, 2013) for the weighted one. Ties to oneself are left out of
everything.

Fooled by: time (an answer years later counts), and pairs who trade (see the view `tie_exchanges`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

Ties = Mapping[tuple[str, str], float]
"""(source, target) → weight, above 0."""


def reciprocity(ties: Ties) -> float:
    """Return r, the share of ordered pairs whose reverse is a tie too; 0 without ties.

    >>> reciprocity({("a", "b"): 1, ("b", "a"): 5, ("a", "c"): 2, ("a", "a"): 9})
    0.6666666666666666
    """
    others = [pair for pair in ties if pair[0] != pair[1]]
    return sum((target, source) in ties for source, target in others) / len(others) if others else 0.0


def excess_reciprocity(ties: Ties) -> float:
    """Return ρ = (r − ā)/(1 − ā), ā = ties/(n(n − 1)): 0 as in a random network, 1 all returned, below 0
    avoided.

    n counts the accounts with a tie. 1 for a complete network, 0 without ties.

    >>> excess_reciprocity({("a", "b"): 1, ("b", "c"): 1, ("c", "a"): 1})
    -1.0
    """
    others = [pair for pair in ties if pair[0] != pair[1]]
    if not others:
        return 0.0
    accounts = len({account for pair in others for account in pair})
    density = len(others) / (accounts * (accounts - 1))
    return (reciprocity(ties) - density) / (1 - density) if density < 1 else 1.0


def weighted_reciprocity(ties: Ties) -> float:
    """Return Σ min(wᵢⱼ, wⱼᵢ) / Σ wᵢⱼ over ordered pairs; 0 without ties.

    >>> weighted_reciprocity({("a", "b"): 1, ("b", "a"): 3})
    0.5
    """
    others = {pair: weight for pair, weight in ties.items() if pair[0] != pair[1]}
    total = math.fsum(others.values())
    if not total:
        return 0.0
    both = math.fsum(min(weight, others.get((b, a), 0.0)) for (a, b), weight in others.items())
    return both / total


def reciprocity_with_self(ties: Ties) -> float:
    """Return r where a tie to oneself counts as a tie, and as returned.

    >>> reciprocity_with_self({("a", "b"): 1, ("b", "a"): 5, ("a", "c"): 2, ("a", "a"): 9})
    0.75
    """
    return sum((target, source) in ties for source, target in ties) / len(ties) if ties else 0.0
