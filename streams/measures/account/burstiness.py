"""Burstiness: are actions regular, random or in bursts?

- Formula: with n gaps between successive actions, mean μ, standard deviation σ and r = σ/μ, A = (√(n+1)·r −
  √(n−1)) / ((√(n+1) − 2)·r + √(n−1)): −1 regular, 0 random (Poisson), 1 as bursty as n gaps can be.
- Units: none. NaN with fewer than two gaps, or with gaps of no length.
- Source: Kim & Jo 2016, "Measuring burstiness for finite event sequences", Phys. Rev. E 94, arXiv 1604.01125.
  Their n events lie in a period that closes on itself, which has as many gaps; so n is the number of gaps.
- Fooled by: day and night, which make any human look bursty; compare people with people.
"""

from __future__ import annotations

import numpy as np

from streams.measures.account.columns import Floats, Ints, rounded


def burstiness(gaps: Ints, total: Ints | Floats, squares: Ints | Floats) -> Floats:
    """Return A from the number of gaps, their sum and the sum of their squares, NaN for None.

    >>> burstiness(np.array([10, 1]), np.array([50, 5]), np.array([250, 25])).tolist()  # ten gaps of 5: a clock
    [-1.0, nan]
    """
    found = np.full(len(gaps), np.nan)
    some = (gaps >= 2) & (total > 0)
    if some.any():
        gaps, total, squares = gaps[some], total[some], squares[some]
        mean = total / gaps
        r = np.sqrt(np.maximum(squares / gaps - mean * mean, 0.0)) / mean
        high, low = np.sqrt(gaps + 1), np.sqrt(gaps - 1)
        found[some] = rounded((high * r - low) / ((high - 2.0) * r + low))
    return found
