"""The shape of the tree: one broadcast, or from friend to friend.

- Definition: depth, the steps from the root to the furthest share; breadth, the most shares at one depth; structural
  virality, the mean distance of two nodes (`structural_virality.py`); waiting, shares whose parent has not come.
- Units: steps; shares.
- Source: Goel, Anderson, Hofman and Watts, The Structural Virality of Online Diffusion (2016).
- Fooled by: networks that name the root as the parent of every share look like one broadcast.
"""

from __future__ import annotations

from typing import Final

from schemas.rows.table import Column, Summed
from streams.measures.cascade.measure import LARGEST, MOST, SUM, CascadeMeasure
from streams.measures.cascade.view import CascadeView


def shape(view: CascadeView) -> tuple[int, int, float, int]:
    """Return depth, breadth, structural virality and waiting.

    >>> from streams.measures.cascade.view import cascade
    >>> shape(cascade((10, "bob", ""), (20, "cy", "bob")))
    (2, 1, 1.3333333333333333, 0)
    >>> shape(cascade((10, "bob", ""), (20, "cy", ""), (30, "dee", "who has not come")))
    (1, 3, 1.5, 1)
    """
    tree = view.tree
    return tree.max_depth, tree.breadth, tree.virality, tree.waiting


MEASURE: Final = CascadeMeasure(
    (
        Summed(Column("depth", "UInt32", "steps from the root to the furthest share"), MOST),
        Summed(Column("breadth", "UInt64", "most shares at one depth"), MOST),
        Summed(
            Column("structural_virality", "Float64", "mean distance of two nodes, in steps; the root is a node"),
            LARGEST,
            "mean distance of two nodes, in steps, in the largest episode; the root is a node",
        ),
        Summed(
            Column("waiting", "UInt64", "shares whose parent has not come; they hang below the root until then"), SUM
        ),
    ),
    shape,
)
