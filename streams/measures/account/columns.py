"""Columns: what is measured of many accounts is worked out for all of them at once.

A column is an array with one number for each window, account or person. People and days of several accounts lie one
after the other; `bounds` says where those of each begin, and where the last ones end. Everything here gives for many
what it gives for one, to the last digit, and does not depend on the order of people or accounts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from math import fsum
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]

FEW: Final = 32
"""Up to so many numbers are sooner done one by one than all at once."""


def ints(values: Iterable[int], count: int = -1) -> Ints:
    """Return `values`, of which there are `count`, as a column."""
    return np.fromiter(values, np.int64, count)


def flat(several: Sequence[Iterable[int]], count: int) -> Ints:
    """Return what is in `several`, one after the other; `count` numbers in all."""
    return np.fromiter(chain.from_iterable(several), np.int64, count)


def bounds_of(sizes: Iterable[int], count: int) -> Ints:
    """Return where each of `count` begins, given their sizes, and at last the end of all.

    >>> bounds_of([2, 0, 3], 3).tolist()
    [0, 2, 2, 5]
    """
    bounds = np.zeros(count + 1, np.int64)
    np.cumsum(ints(sizes, count), out=bounds[1:])
    return bounds


def sums(values: Ints, whose: Ints, count: int) -> Ints:
    """Return the sum of the `values` of each of `count`, given whose each value is; exact below 2^53.

    >>> sums(np.array([1, 2, 3]), np.array([0, 0, 2]), 3).tolist()
    [3, 0, 3]
    """
    return np.bincount(whose, values, count).astype(np.int64)


def counted(flags: Flags, whose: Ints, count: int) -> Ints:
    """Return how many flags of each of `count` are set, given whose each flag is.

    >>> counted(np.array([True, False, True]), np.array([0, 0, 2]), 3).tolist()
    [1, 0, 1]
    """
    return np.bincount(whose[flags], minlength=count)


def exact_sums(values: Floats, bounds: Ints) -> Floats:
    """Return the sums of `values` between `bounds`, rounded once, so that they do not depend on the order.

    >>> exact_sums(np.array([1e16, 1.0, -1e16, 0.1]), np.array([0, 3, 3, 4])).tolist()
    [1.0, 0.0, 0.1]
    """
    starts, sizes = bounds[:-1], bounds[1:] - bounds[:-1]
    found = np.zeros(len(sizes))
    some = sizes > 0
    found[some] = values[starts[some]]
    two = sizes == 2  # of two numbers, a plain sum is rounded once
    found[two] += values[starts[two] + 1]
    for at in np.flatnonzero(sizes > 2).tolist():
        found[at] = fsum(values[bounds[at] : bounds[at + 1]].tolist())
    return found


def within(flags: Flags, bounds: Ints) -> Ints:
    """Return the bounds of what is left when only what `flags` marks is kept.

    >>> within(np.array([True, False, True]), np.array([0, 2, 3])).tolist()
    [0, 1, 2]
    """
    running = np.zeros(len(flags) + 1, np.int64)
    np.cumsum(flags, out=running[1:])
    kept: Ints = running[bounds]
    return kept


def spread(bounds: Ints) -> Ints:
    """Return for each thing between `bounds` whose it is.

    >>> spread(np.array([0, 2, 2, 3])).tolist()
    [0, 0, 2]
    """
    return np.repeat(np.arange(len(bounds) - 1), bounds[1:] - bounds[:-1])


def ratio(part: Ints, whole: Ints) -> Floats:
    """Return `part` / `whole`, NaN where there is no whole.

    >>> ratio(np.array([1, 0]), np.array([4, 0])).tolist()
    [0.25, nan]
    """
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)


_MILLION: Final = 1_000_000.0
_UNSURE: Final = 1e-4


def rounded(values: Floats) -> Floats:
    """Return `values` to six places, as `round` does.

    `round` goes by the decimal digits, which is slow. The nearest whole number of millionths is the same, unless a
    value lies so near the middle of two that the product cannot tell: those few are left to `round`.

    >>> values = [0.0000005, 0.0000015, 2.0000025, 1 / 3] * 20
    >>> rounded(np.array(values)).tolist() == [round(value, 6) for value in values]
    True
    """
    if values.size <= FEW:
        return np.array([round(value, 6) for value in values.ravel().tolist()]).reshape(values.shape)
    scaled = values * _MILLION
    whole = np.rint(scaled)
    found: Floats = whole / _MILLION
    unsure = (np.abs(np.abs(scaled - whole) - 0.5) < _UNSURE) | (np.abs(scaled) > 1e11)
    if unsure.any():
        found[unsure] = [round(value, 6) for value in values[unsure].tolist()]
    return found
