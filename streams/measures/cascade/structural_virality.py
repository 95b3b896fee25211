"""Structural virality: does a cascade spread from one to many, or from one to the next?"""

from __future__ import annotations


def structural_virality(nodes: int, depths: int, squares: int) -> float:
    """Return the mean distance over all ordered pairs of different nodes of a tree, in steps.

    Definition: ν = ΣΣ d(i, j) / (n(n − 1)), the Wiener index scaled, after Goel, Anderson, Hofman and Watts,
    The Structural Virality of Online Diffusion (Management Science, 2016). A broadcast, where all share the
    first post, is just below 2; a chain of n nodes is (n + 1)/3.

    Formula: an edge with s nodes below it lies on s(n − s) paths, and the sum of s over all edges is the sum
    of depths. With `nodes` n, the root included, `depths` = Σ depth and `squares` = Σ s² over all nodes but
    the root, ν = 2(n·depths − squares) / (n(n − 1)). All three are kept up in O(depth) per share.

    0 for a tree of less than two nodes. Fooled by: producers that do not name parents, for whom every cascade
    is a broadcast.

    >>> star, chain = structural_virality(5, 4, 4), structural_virality(5, 1 + 2 + 3 + 4, 16 + 9 + 4 + 1)
    >>> star, chain
    (1.6, 2.0)
    """
    if nodes < 2:
        return 0.0
    return 2 * (nodes * depths - squares) / (nodes * (nodes - 1))
