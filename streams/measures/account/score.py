"""The form that influence and outreach share: breadth of people, times occasions, on a scale to 100.

Evidence is √(breadth · occasions), the geometric mean of how many people acted, each counting less and less
the more it acts, and on how many occasions; there can be no more occasions than people, so that nobody's
persistence alone makes a following. The scale is logarithmic: ten times the evidence is the same step
anywhere, as the sizes of audiences differ by powers of ten.
"""

from __future__ import annotations

from math import log1p, sqrt

from streams.measures.account.settings import ScoreSettings


def weight(effort: float, settings: ScoreSettings) -> float:
    """Return what one person counts: 1 for the effort of a fresh share, and never more than `one_person`.

    >>> settings = ScoreSettings()
    >>> weight(1.0, settings), weight(3.0, settings), weight(1e6, settings) < settings.one_person
    (1.0, 1.5, True)
    """
    return effort * settings.one_person / (effort + settings.zeal)


def evidence(breadth: float, occasions: float) -> float:
    """Return the geometric mean of breadth (people) and occasions, of which there are no more than people.

    >>> evidence(9.0, 4.0), evidence(2.0, 50.0)
    (6.0, 2.0)
    """
    return sqrt(breadth * min(breadth, occasions)) if breadth > 0 and occasions > 0 else 0.0


def points(found: float, settings: ScoreSettings) -> float:
    """Return evidence as points from 0 to 100.

    >>> settings = ScoreSettings()
    >>> points(0.0, settings), points(-1.0, settings), points(settings.ceiling, settings)
    (0.0, 0.0, 100.0)
    """
    return 100.0 * min(1.0, log1p(found) / log1p(settings.ceiling)) if found > 0 else 0.0


def statement(levels: tuple[float, ...]) -> tuple[float, ...]:
    """Return the score and its parts: each level of points less the one before, so that they add up.

    Levels are cut to a millionth of a point first, so the parts as they are shown add up to the score as it
    is shown, and two accounts without a score are equal.

    >>> statement((5.0, 7.5, 4.0))
    (4.0, 5.0, 2.5, -3.5)
    """
    parts = []
    below = 0.0
    for level in levels:
        level = round(level, 6)
        parts.append(round(level - below, 6))
        below = level
    return (below, *parts)
