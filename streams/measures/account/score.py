"""The form that influence and outreach share: breadth of people, times occasions, on a scale to 100.

Evidence is √(breadth · occasions), the geometric mean of how many people acted, each counting less and less
the more it acts, and on how many occasions; there can be no more occasions than people, so that nobody's
persistence alone makes a following. The scale is logarithmic: ten times the evidence is the same step
anywhere, as the sizes of audiences differ by powers of ten.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log1p

import numpy as np

from streams.measures.account.columns import Floats, rounded
from streams.measures.account.settings import ScoreSettings


def weight(effort: Floats, settings: ScoreSettings) -> Floats:
    """Return what one person counts: 1 for the effort of a fresh share, and never more than `one_person`.

    >>> weight(np.array([1.0, 3.0]), ScoreSettings()).tolist()
    [1.0, 1.5]
    >>> bool(weight(np.array([1e6]), ScoreSettings()) < ScoreSettings().one_person)
    True
    """
    return effort * settings.one_person / (effort + settings.zeal)


def evidence(breadth: Floats, occasions: Floats) -> Floats:
    """Return the geometric mean of breadth (people) and occasions, of which there are no more than people.

    >>> evidence(np.array([9.0, 2.0]), np.array([4.0, 50.0])).tolist()
    [6.0, 2.0]
    """
    some = (breadth > 0) & (occasions > 0)
    return np.sqrt(np.where(some, breadth * np.minimum(breadth, occasions), 0.0))


def points(found: Floats, settings: ScoreSettings) -> Floats:
    """Return evidence as points from 0 to 100.

    The logarithm is the C library's, one number at a time: that of arrays differs in the last digit from one
    processor to another.

    >>> settings = ScoreSettings()
    >>> points(np.array([0.0, -1.0, settings.ceiling]), settings).tolist()
    [0.0, 0.0, 100.0]
    """
    full = log1p(settings.ceiling)
    return np.array([100.0 * min(1.0, log1p(each) / full) if each > 0 else 0.0 for each in found.tolist()])


def statement(levels: Sequence[Floats]) -> Floats:
    """Return the score and its parts: each level of points less the one before, so that they add up.

    Levels are cut to a millionth of a point first, so the parts as they are shown add up to the score as it
    is shown, and two accounts without a score are equal.

    >>> statement([np.array([5.0]), np.array([7.5]), np.array([4.0])]).ravel().tolist()
    [4.0, 5.0, 2.5, -3.5]
    """
    shown = rounded(np.stack(levels))
    return np.concatenate([shown[-1:], rounded(np.diff(shown, axis=0, prepend=0.0))])
