"""How engagement fades: fast what is talked about, slowly what is remembered.

Collective attention decays as a sum of two exponentials, communicative and cultural memory (Candia,
Jara-Figueroa, Rodriguez-Sickert, Barabási, Hidalgo: The universal decay of collective memory and attention,
Nature Human Behaviour 3, 2019). So every sum is kept twice, with a half-life each, as (fast, slow, t₀); at t
≥ t₀ both are multiplied by 2^(−(t−t₀)/h), and what is new is added.

Sums are integers of thousandths, so that a state is small. They are only ever moved forward, in the order of
event time, which makes them the same whatever order events arrive in.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from streams.measures.account.columns import Floats, Ints
from streams.measures.account.settings import ScoreSettings

UNIT: Final = 1000
"""One, in the units of a kept sum."""


def faded(value: int, age: int, half_life: int) -> int:
    """Return a kept sum `age` minutes later.

    >>> faded(1000, 720, 720), faded(1000, 0, 720), faded(1, 10**6, 720)
    (500, 1000, 0)
    """
    return round(value * 2.0 ** (-age / half_life)) if age > 0 else value


class Fading:
    """What is left of sums some minutes after they were kept."""

    def __init__(self, age: Ints, settings: ScoreSettings) -> None:
        """`age` of each sum, in minutes."""
        self.share = settings.slow_share
        self.fast, self.slow = _halved(age, settings.fast), _halved(age, settings.slow)

    def recalled(self, fast: Ints, slow: Ints) -> Floats:
        """Return what is left of pairs of sums, in units of 1.

        >>> one = np.array([1000])
        >>> [Fading(np.array([age]), ScoreSettings(slow_share=0.0)).recalled(one, one).item() for age in (0, 720)]
        [1.0, 0.5]
        """
        return ((1.0 - self.share) * fast * self.fast + self.share * slow * self.slow) / UNIT

    @property
    def one(self) -> Floats:
        """Return what is left of 1."""
        one = np.full(len(self.fast), UNIT)
        return self.recalled(one, one)


def _halved(age: Ints, half_life: int) -> Floats:
    """Return 2^(−age / half_life), by the C library: powers of arrays differ from one processor to another."""
    return np.array([2.0 ** (-minutes / half_life) for minutes in age.tolist()], np.float64)
