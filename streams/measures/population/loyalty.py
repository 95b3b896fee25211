"""Loyalty beyond reach: do people come back more often than an account of this reach would lead one to
expect?

Double jeopardy (Ehrenberg, Goodhardt and Barwise, Double Jeopardy Revisited, Journal of Marketing, 1990): the
small are engaged with by fewer people, and these also come less often. The w of one, engagements per person
who came at all, and its b, the share of all people who came at all, go together as w(1 − b) = w₀, the same
constant for all. An account above the line has a loyalty that its reach does not explain.

Fooled by: fans who act a hundred times (w is a mean), short windows in which hardly anybody comes twice.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple


class Loyalty(NamedTuple):
    """Of an account: `reach` b, `frequency` w, the `expected` w of its reach, and `beyond`, w over that."""

    reach: float
    frequency: float
    expected: float
    beyond: float


def loyalty(engagers: Mapping[str, int], engagements: Mapping[str, int], population: int) -> dict[str, Loyalty]:
    """Return the loyalty of accounts with at least one engager.

    `engagers`: distinct people per account; `engagements`: their actions; `population`: distinct people who
    engaged with anybody. w₀ is the mean of w(1 − b), each account weighing as many as it has engagers.

    >>> found = loyalty({"big": 50, "small": 10}, {"big": 100, "small": 18}, 100)
    >>> {name: (one.frequency, round(one.expected, 3), round(one.beyond, 3)) for name, one in found.items()}
    {'big': (2.0, 2.207, 0.906), 'small': (1.8, 1.226, 1.468)}
    """
    some = {account: count for account, count in engagers.items() if count}
    if not some or not population:
        return {}
    products = {account: engagements[account] / count * (1 - count / population) for account, count in some.items()}
    constant = math.fsum(products[account] * count for account, count in some.items()) / sum(some.values())
    found = {}
    for account, count in some.items():
        reach, frequency = count / population, engagements[account] / count
        # With everybody in reach the line has no value: nothing is beyond it.
        expected = constant / (1 - reach) if reach < 1 else frequency
        found[account] = Loyalty(reach, frequency, expected, frequency / expected if expected else 1.0)
    return found
