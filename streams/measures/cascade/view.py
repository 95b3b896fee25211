"""What a measure of cascades sees: all that is kept of one, as of a moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from streams.measures.cascade.names import NOBODY, number_of
from streams.measures.cascade.reach import Reach
from streams.measures.cascade.seismic import Forecast
from streams.measures.cascade.tempo import Tempo
from streams.measures.cascade.tree import Tree


@dataclass(frozen=True, slots=True)
class CascadeView:
    """A settled cascade. It is looked at, never changed. Times in ms of event time."""

    tree: Tree
    tempo: Tempo
    reach: Reach
    incentivised: int
    """Shares that were made for something in return,"""
    undisclosed: int
    """and of these, those that do not say so."""
    author: str
    """Who wrote the root; empty when nobody said so."""
    followers: int
    """The author's, 0 when not said."""
    started: int
    """When the root was posted, else first shared."""
    last: int
    """The latest share."""
    at: int
    """The moment; the end of a minute."""
    final: bool
    """It has fallen silent, and is described for the last time."""
    coming: Forecast
    """How it is expected to go on."""

    @property
    def size(self) -> int:
        """Return the number of shares."""
        return self.tree.size


FOLLOWERS: Final = 10
"""Of everybody in examples."""


def cascade(*shares: tuple[int, str, str], at: int = 60, **known: Any) -> CascadeView:
    """Return a cascade for examples: of each share the seconds after the root, who shared, and below whose share it hangs (""
    for the root), as of `at` seconds; and what else is `known` of it, by the fields of a view.

    >>> cascade((10, "bob", ""), (20, "cy", "bob")).tree.levels
    [1, 1]
    """
    tree, tempo, reach = Tree(len(shares)), Tempo(), Reach()
    for second, who, below in shares:
        slot = tree.add(id=number_of(who), ref=number_of(below), alias=NOBODY, time=second * 1000)
        reach.put(slot, number_of(who), FOLLOWERS)
        tempo.add(second * 1000, FOLLOWERS, 1)
    tree.settle()
    said: dict[str, Any] = {
        "tree": tree,
        "tempo": tempo,
        "reach": reach,
        "incentivised": 0,
        "undisclosed": 0,
        "author": "ada",
        "followers": FOLLOWERS,
        "started": 0,
        "last": max((second for second, _, _ in shares), default=0) * 1000,
        "at": at * 1000,
        "final": False,
        "coming": Forecast(float(tree.size), 0.0, False),
    }
    return CascadeView(**(said | known))
