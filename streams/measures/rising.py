"""Rising: is something used by more people now than it used to be?"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from streams.subject import HOUR, MINUTE

BUCKET: Final = 5 * MINUTE
"""Length of a bucket, in ms; buckets are numbered since the epoch."""
HALF_LIFE: Final = 6 * HOUR
"""The baseline forgets half of what it knew in this time, in ms."""
KEPT: Final = 2.0 ** (-BUCKET / HALF_LIFE)
FLOOR: Final = 2.0
"""People per bucket that are always expected, so that the first users of a new tag are not yet a rise."""
FORGOTTEN: Final = FLOOR / 4
"""A baseline below this, in people per bucket, is forgotten …"""
SILENT: Final = 24
"""… when nobody has come for more buckets than this."""
HIGH: Final = 4.0
"""A rise begins at this z …"""
LOW: Final = 1.0
"""… and is over below this one."""
SLOTS: Final = 4_096
"""Slots of the sketch that counts people."""


def people(used: int) -> float:
    """Return how many people left `used` of SLOTS slots in use, each of them a slot by its hash.

    Linear counting (Whang, Vander-Zanden and Taylor, 1990). Slots count up and down, so people can be taken
    out again. The standard error is below 2 % up to 10,000 people; more than 34,000 cannot be told apart.

    >>> [round(people(used), 1) for used in (0, 1, 100, 4096)]
    [0.0, 1.0, 101.2, 34069.6]
    """
    return SLOTS * math.log(SLOTS / (SLOTS - min(used, SLOTS - 1)))


NEEDED: Final = FLOOR + HIGH * math.sqrt(FLOOR)
"""No rise begins with fewer people in a bucket."""


@dataclass(slots=True)
class Rise:
    """`began`, `ended`: bucket numbers, the latter the first one after it, 0 while it lasts.

    `z` is the largest so far; `baseline` what was expected when it began, `rate` what came in the latest
    bucket, both in people per bucket; `size` the sum of people over its buckets.
    """

    began: int
    baseline: float
    ended: int = 0
    z: float = 0.0
    rate: float = 0.0
    size: float = 0.0


@dataclass(slots=True)
class Rising:
    """The baseline λ after bucket `at`, and the rise that is on.

    Definition: with x people in a bucket where λ were expected, z = (x − λ)/√λ (a Poisson count's standard
    score). λ is the exponentially weighted mean of the buckets before, at least FLOOR. A rise begins in the
    bucket where z reaches HIGH, also while that bucket still fills, and ends after the first full bucket with
    z below LOW: raised once per rise. λ goes on learning, so a rise that lasts becomes the new normal and
    ends.

    What it says depends on the buckets' counts alone. Fooled by: many accounts in one hand; the hour of the
    day.

    >>> rising = Rising()
    >>> [rise.began for rise in rising.over([(100, 3.0), (101, 30.0), (102, 28.0)], until=103)]
    [101]
    >>> [(rise.began, rise.ended) for rise in rising.over([], until=104)]
    [(101, 104)]
    """

    at: int = 0
    level: float = 0.0
    rise: Rise | None = None

    def before(self, bucket: int) -> float:
        """Return the mean of what came before `bucket`, in people per bucket; 0 where it is forgotten.

        >>> round(Rising(at=100, level=0.5).before(125), 3), Rising(at=100, level=0.5).before(126)
        (0.397, 0.0)
        """
        silent = max(bucket - self.at - 1, 0)
        level = self.level * math.pow(KEPT, silent)
        return 0.0 if silent > SILENT and level < FORGOTTEN else level

    def copy(self) -> Rising:
        """Return the same, to look ahead from."""
        return Rising(self.at, self.level, None if self.rise is None else replace(self.rise))

    def over(self, buckets: Iterable[tuple[int, float]], *, until: int) -> list[Rise]:
        """Go over buckets with somebody in them, oldest first; return the rises that were on in between.

        Buckets from `until` on are not complete.
        """
        rises = [] if self.rise is None else [self.rise]
        for bucket, count in buckets:
            self._silence(bucket)
            mean = self.before(bucket)
            expected = max(mean, FLOOR)
            z = (count - expected) / math.sqrt(expected)
            if self.rise is None and z >= HIGH:
                self.rise = Rise(bucket, expected)
                rises.append(self.rise)
            if (rise := self.rise) is not None:
                rise.z = max(rise.z, z)
                rise.rate = count
                rise.size += count
            if bucket < until:
                self.at, self.level = bucket, mean + (1 - KEPT) * (count - mean)
                if rise is not None and z < LOW:
                    rise.ended, self.rise = bucket + 1, None
        self._silence(until)
        return rises

    def _silence(self, bucket: int) -> None:
        """End a rise when the bucket after the last one is complete before `bucket`, with nobody in it."""
        if self.rise is not None and self.at + 1 < bucket and self.at >= self.rise.began:
            self.rise.ended, self.rise.rate, self.rise = self.at + 2, 0.0, None
