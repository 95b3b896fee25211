"""Does influence predict? Accounts are ranked at a moment by what came before, and held against what came
after.

The measure of success is Spearman's rank correlation with the shares an account receives in the period after
the moment, over all accounts that were engaged with before it. Next to influence stand the plain figures it
must beat. Pure: facts in, figures out. Influence is worked out by the same `Accounts` that the stream uses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

from schemas.fact import FOLLOW, SHARE, UNFOLLOW, Fact
from streams.measures.account.catalogue import ACCOUNT_SCORES
from streams.measures.account.settings import DEFAULTS, ScoreSettings
from streams.subject import MINUTE, Now, Rows
from streams.subjects.accounts import Accounts

DECAY_HALF_LIFE: Final = 12 * 60 * MINUTE
"""Half-life of the plain decayed engagement that influence is compared with, in milliseconds."""

_INFLUENCE: Final = ACCOUNT_SCORES.names.index("influence")
_WINDOW: Final = ACCOUNT_SCORES.names.index("window")
_ACCOUNT: Final = ACCOUNT_SCORES.names.index("account")
TOGETHER: Final = 1_000
"""Accounts that are looked at together."""


@dataclass(frozen=True, slots=True)
class Validation:
    """Spearman's ρ with the shares that came after, by what accounts were ranked by; None where undefined."""

    accounts: int
    """Accounts engaged with before."""
    shared: int
    """Of these, how many were shared after."""
    correlations: Mapping[str, float | None]


def validate(facts: Iterable[Fact], *, split: int, until: int, settings: ScoreSettings = DEFAULTS) -> Validation:
    """Return how well accounts ranked at `split` foretell shares received in [split, until), epoch ms.

    `facts` are in any order; those of events that were taken back must not be among them, and a quote is no
    share.
    """
    before: dict[str, list[Fact]] = defaultdict(list)
    after: dict[str, int] = defaultdict(int)
    subject = Accounts(settings=settings)
    for fact in facts:
        if fact.time < split:
            for key in subject.keys(fact):
                before[key].append(fact)
        elif fact.time < until and fact.kind == SHARE:
            for receiver in fact.receivers:
                after[receiver] += 1
    baselines = {account: _baselines(account, known, split) for account, known in before.items()}
    engaged = [account for account, figures in baselines.items() if figures["engagement"]]
    shares = [float(after.get(account, 0)) for account in engaged]
    ranked = {
        "influence": _influence(subject, {account: before[account] for account in engaged}, split),
        **{name: [baselines[account][name] for account in engaged] for name in BASELINES},
    }
    return Validation(
        len(engaged),
        sum(1 for number in shares if number),
        {name: spearman(values, shares) for name, values in ranked.items()},
    )


BASELINES: Final = ("people", "decayed engagement", "shares", "engagement")
"""What influence is compared with: distinct engagers, fading engagement, shares, and all engagement."""


def _baselines(account: str, facts: Sequence[Fact], split: int) -> dict[str, float]:
    people: set[str] = set()
    shares = engagement = 0
    decayed = 0.0
    for fact in facts:
        if fact.actor != account and fact.kind not in (FOLLOW, UNFOLLOW):
            times = fact.receivers.count(account)
            people.add(fact.actor)
            engagement += times
            shares += times if fact.kind == SHARE else 0
            decayed += times * 2.0 ** (-(split - fact.time) / DECAY_HALF_LIFE)
    return dict(zip(BASELINES, (len(people), decayed, shares, engagement), strict=True))


def _influence(subject: Accounts, facts: Mapping[str, Sequence[Fact]], split: int) -> list[float]:
    now = Now(time=-(-split // MINUTE) * MINUTE, floor=0)
    rows = Rows()
    states = [(account, subject.empty(account)) for account in facts]
    for account, state in states:
        subject.fold(account, state, facts[account], Rows())
    for at in range(0, len(states), TOGETHER):
        subject.present_many(states[at : at + TOGETHER], now, rows)
    said = (shown for row in rows.listed().get(ACCOUNT_SCORES.name, ()) for shown in ACCOUNT_SCORES.shown(row))
    scores = {row[_ACCOUNT]: row[_INFLUENCE] for row in said if row[_WINDOW] == "30d"}
    return [float(scores.get(account, 0.0)) for account in facts]


def spearman(left: Sequence[float], right: Sequence[float]) -> float | None:
    """Return Spearman's ρ: the correlation of ranks, ties at their mean rank; None where one side is
    constant.

    >>> spearman([1, 2, 3], [10, 20, 30]), spearman([1, 2, 3], [3, 2, 1]), spearman([1, 1], [1, 2])
    (1.0, -1.0, None)
    >>> spearman([1, 1, 2, 3], [1, 2, 2, 4])
    0.833333
    """
    ranks, others = _ranks(left), _ranks(right)
    middle = (len(left) - 1) / 2
    together = sum((a - middle) * (b - middle) for a, b in zip(ranks, others, strict=True))
    spread = sqrt(sum((a - middle) ** 2 for a in ranks) * sum((b - middle) ** 2 for b in others))
    return round(together / spread, 6) if spread else None


def _ranks(values: Sequence[float]) -> list[float]:
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for index in order[start:end]:
            ranks[index] = (start + end - 1) / 2
        start = end
    return ranks
