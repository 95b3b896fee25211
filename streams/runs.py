"""Items cut into runs of a bounded size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def runs(items: Sequence[T], size_of: Callable[[T], int], most: int) -> Iterator[Sequence[T]]:
    """Yield `items` in order in runs of sizes that add up to at most `most`, but of one item at least.

    >>> list(runs("abc", lambda _: 2, 4)), list(runs("", len, 1))
    (['ab', 'c'], [])
    """
    start = size = 0
    for position, item in enumerate(items):
        length = size_of(item)
        if position > start and size + length > most:
            yield items[start:position]
            start, size = position, 0
        size += length
    if start < len(items):
        yield items[start:]
