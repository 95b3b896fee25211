"""Burstiness: are actions regular, random or in bursts?

- Formula: with n gaps between successive actions, mean μ, standard deviation σ and r = σ/μ, A = (√(n+1)·r −
  √(n−1)) / ((√(n+1) − 2)·r + √(n−1)): −1 regular, 0 random (Poisson), 1 as bursty as n gaps can be.
- Units: none. None with fewer than two gaps, or with gaps of no length.
- Source: Kim & Jo 2016, "Measuring burstiness for finite event sequences", Phys. Rev. E 94, arXiv 1604.01125.
  Their n events lie in a period that closes on itself, which has as many gaps; so n is the number of gaps.
- Fooled by: day and night, which make any human look bursty; compare people with people.
"""

from __future__ import annotations

from math import sqrt


def burstiness(gaps: int, total: float, squares: float) -> float | None:
    """Return A from the number of gaps, their sum and the sum of their squares.

    >>> burstiness(10, 50.0, 250.0)  # ten gaps of 5: a clock
    -1.0
    >>> burstiness(1, 5.0, 25.0) is None
    True
    """
    if gaps < 2 or total <= 0:
        return None
    mean = total / gaps
    r = sqrt(max(squares / gaps - mean * mean, 0.0)) / mean
    high, low = sqrt(gaps + 1), sqrt(gaps - 1)
    return round((high * r - low) / ((high - 2.0) * r + low), 6)
