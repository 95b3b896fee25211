"""What is simulated: one record of numbers. Equal plans make equal logs, byte for byte."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

MIX: Final = (
    *(("like", 0.32), ("follow", 0.16), ("post", 0.14), ("share", 0.12), ("reply", 0.08), ("mention", 0.04)),
    *(("click", 0.03), ("quote", 0.03), ("checkin", 0.03), ("unfollow", 0.02)),
    *(("tag", 0.01), ("recommend", 0.01), ("referral", 0.01)),
)
"""Shares of the kinds: likes, follows and posts lead, as on a real network; the rarer are not too rare."""

WRONG: Final = ("delayed", "late", "edges", "duplicates", "changed", "undone", "nasty", "future")
"""What can go wrong: the fields of a plan that say how often, and the mishaps of the same names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A simulation. Times and durations in ms of event time; shares are of what happens, from 0 to 1.

    `lateness`, `horizon`: the settings of the product that is to be tried; what is too late, too far apart or
    exactly on the edge depends on them.
    """

    seed: int = 1
    events: int = 20_000
    """Records in the log, duplicates, undos and nasty ones included: its exact length."""
    partitions: int = 4
    start: int = 1_714_521_600_000
    """2024-05-01T00:00Z."""
    rate: float = 2.0
    """What people do per second of event time; 20,000 of it take about three hours."""
    lateness: int = 15 * MINUTE
    horizon: int = HOUR

    accounts: int = 10_000
    zipf: float = 1.1
    """Exponent of activity and of popularity: the nth account has weight n^-zipf."""
    mixing: float = 1.5
    """How far popularity strays from activity (standard deviation in e-folds of rank); 0 makes them one."""
    mix: tuple[tuple[str, float], ...] = MIX
    hot: float = 0.0
    """Share of all that is a share of one post: a hot key."""
    branching: float = 0.6
    """Shares that pass on somebody's share, not the post itself."""
    bought: float = 0.06
    """Actions that are made for a campaign or an incentive."""
    words: int = 10
    """Words of a text, on average."""

    delayed: float = 0.05
    """Arrive out of order, within the allowed lateness."""
    late: float = 0.01
    """Arrive beyond it."""
    edges: float = 0.002
    """Arrive exactly at the end of the allowance, or one millisecond after.
 Where partitions fall silent for long while others go on, whether such a one still counts is no longer
decided by the log alone: set it to 0 for feeds that pause.
    """
    duplicates: float = 0.02
    """Come again, word for word or nearly, on any partition."""
    changed: float = 0.005
    """Come again with other content, on the same partition: the first counts."""
    undone: float = 0.02
    """Are taken back, in one of the ways of `log.UNDOING`."""
    nasty: float = 0.01
    """Records that are no event."""
    future: float = 0.002
    """Events of the far future."""

    def __post_init__(self) -> None:
        if self.partitions < 1 or self.events < 0 or self.accounts < 100 or self.rate <= 0:
            raise ValueError("a plan needs a partition, 100 accounts and a rate above zero")
        if self.special > 1:
            raise ValueError(f"shares of what goes wrong add up to {self.special:.3f}, more than there is")

    @property
    def special(self) -> float:
        """Return the share of what does not simply arrive."""
        return float(sum(getattr(self, name) for name in WRONG))

    def only(self, **shares: float) -> Plan:
        """Return the same plan where nothing goes wrong but this: shares by name, of those in WRONG."""
        wrong: dict[str, Any] = dict.fromkeys(WRONG, 0.0) | shares
        return replace(self, **wrong)
