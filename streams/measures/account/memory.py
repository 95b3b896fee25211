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

from streams.measures.account.settings import ScoreSettings

UNIT: Final = 1000
"""One, in the units of a kept sum."""


def faded(value: int, age: int, half_life: int) -> int:
    """Return a kept sum `age` minutes later.

    >>> faded(1000, 720, 720), faded(1000, 0, 720), faded(1, 10**6, 720)
    (500, 1000, 0)
    """
    return round(value * 2.0 ** (-age / half_life)) if age > 0 else value


def recalled(fast: int, slow: int, age: int, settings: ScoreSettings) -> float:
    """Return what is left of a pair of sums `age` minutes after they were kept, in units of 1.

    >>> recalled(1000, 1000, 0, ScoreSettings()), recalled(1000, 1000, 720, ScoreSettings(slow_share=0.0))
    (1.0, 0.5)
    """
    share = settings.slow_share
    left: float = (
        (1.0 - share) * fast * 2.0 ** (-age / settings.fast) + share * slow * 2.0 ** (-age / settings.slow)
    ) / UNIT
    return left
