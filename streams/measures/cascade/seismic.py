"""SEISMIC: how many shares a cascade will have in the end, from the shares it has now.

After Zhao, Erdogdu, He, Rajaraman and Leskovec, SEISMIC: A Self-Exciting Point Process Model for Predicting
Tweet Popularity (KDD 2015), with the defaults of the authors' R package `seismic`.

A share by somebody with n followers leads to further shares at the rate p·n·φ(s), s seconds later. The memory
φ is given: constant for five minutes, then a power law. The infectiousness p is estimated as it is now:
shares of late, weighted by a triangle that is 1 now and 0 a window ago, over the shares that the same window
would have seen at p = 1. What the shares so far still have in them, p·Σ n(1 − Φ), leads to shares of shares,
each by people with n* followers on average: R∞ = R + p·Σ nᵢ(1 − Φ(t − tᵢ)) / (1 − p·n*). At p ≥ 1/n* it grows
without bound, and there is no forecast.

Fooled by: bought followers (p looks small), followers that are not stated (p looks large), a night in
between.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

FLAT: Final = 300.0
"""Seconds for which people react at a constant rate."""
THETA: Final = 0.2314843
"""Exponent of the slowing down after that, less one."""
RATE: Final = 6.265659e-4
"""The constant rate, per second; makes the memory integrate to 1."""
WINDOW_MIN: Final = 300.0
WINDOW_MAX: Final = 7_200.0
"""Bounds of the window of the estimate, which is half the age of the post, in seconds."""
MIN_SHARES: Final = 5
"""No forecast from fewer shares; and where fewer are in the window, it is widened until it holds as many."""
DEGREE: Final = 100.0
"""n*: followers of those who will share, on average."""


def memory_integral(age: float) -> float:
    """Return Φ(age) = ∫₀ φ: the part of the reactions to a share that has come after `age` seconds.

    >>> [round(memory_integral(age), 3) for age in (0, 300, 3600, 86400, 1e12)]
    [0.0, 0.188, 0.543, 0.781, 0.995]
    """
    if age <= FLAT:
        return RATE * max(age, 0.0)
    return RATE * FLAT * (1.0 + (1.0 - math.pow(age / FLAT, -THETA)) / THETA)


def memory_moment(age: float) -> float:
    """Return ∫₀ s·φ(s) ds, in seconds."""
    if age <= FLAT:
        return RATE * max(age, 0.0) ** 2 / 2
    return RATE * FLAT**2 * (0.5 + (math.pow(age / FLAT, 1 - THETA) - 1.0) / (1 - THETA))


def exposure(age: float, window: float) -> float:
    """Return ∫ φ(s)·(1 − (age − s)/window) ds over the last `window` seconds of `age`.

    That is what a share of `age` seconds adds to the denominator of p, per follower.
    """
    start = max(age - window, 0.0)
    at_once = memory_integral(age) - memory_integral(start)
    return (1.0 - age / window) * at_once + (memory_moment(age) - memory_moment(start)) / window


@dataclass(frozen=True, slots=True)
class Forecast:
    """`size`: shares in the end, None when unbounded; `infectiousness`: p; `known`: is there an estimate at
    all?
    """

    size: float | None
    infectiousness: float
    known: bool

    @property
    def unbounded(self) -> bool:
        """Say whether the cascade is expected to grow for ever."""
        return self.size is None


def forecast(*, size: int, elapsed: float, followers: int, ages: Iterable[tuple[float, int, float, int]]) -> Forecast:
    """Return the forecast for a post `elapsed` seconds old with `size` shares, its author having `followers`.

    Unknown, and then `size` as it is, with too few shares or where nobody is known to have a follower.

    `ages` groups the shares: mean age in seconds and number of shares, mean age and sum of followers of those
    who shared. Groups of a minute are exact where the weights are linear in time; the error stays far below
    that of the model.

    >>> forecast(size=4, elapsed=60.0, followers=10, ages=[(30.0, 4, 30.0, 400)])
    Forecast(size=4.0, infectiousness=0.0, known=False)
    """
    if size < MIN_SHARES or elapsed <= 0:
        return Forecast(float(size), 0.0, False)
    groups = list(ages)
    window = min(max(elapsed / 2, WINDOW_MIN), WINDOW_MAX)
    if sum(shares for age, shares, _, _ in groups if age <= window) < MIN_SHARES:
        window = _widened(groups, elapsed)
    # Exact sums, so that the order of the groups does not show.
    recent = math.fsum(shares * (1 - max(age, 0.0) / window) for age, shares, _, _ in groups if age < window)
    watched = [(followers, elapsed), *((audience, age) for _, _, age, audience in groups if audience)]
    exposed = math.fsum(audience * exposure(age, window) for audience, age in watched)
    still = math.fsum(audience * (1 - memory_integral(age)) for audience, age in watched)
    if exposed <= 0:
        return Forecast(float(size), 0.0, False)
    infectiousness = recent / exposed
    if infectiousness * DEGREE >= 1:
        return Forecast(None, infectiousness, True)
    return Forecast(size + infectiousness * still / (1 - infectiousness * DEGREE), infectiousness, True)


def _widened(groups: list[tuple[float, int, float, int]], elapsed: float) -> float:
    """Return the window, in seconds, that begins with the last share before the latest MIN_SHARES ones."""
    held = 0
    for age, shares, _, _ in sorted(groups):
        held += shares
        if held > MIN_SHARES:
            return max(age, WINDOW_MIN)
    return max(elapsed, WINDOW_MIN)
