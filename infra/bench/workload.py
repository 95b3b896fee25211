"""What every peer is given: a seeded stream of social events as columns, and the counts that are right for
it.

Pure numpy. The shares of the kinds are those of Bluesky's stream as the JSONBench data set has it (likes,
follows, posts, shares per million); what it leaves over is split between mentions and replies. Who acts and
who receives follow Zipf's law, each with an exponent and an order of accounts of its own, since the busy are
seldom the loved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

Kind = Literal["like", "follow", "post", "share", "mention", "reply"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
PER_MILLION: Final[Mapping[Kind, int]] = {
    "like": 448_944,
    "follow": 360_374,
    "post": 90_816,
    "share": 58_540,
    "mention": 20_663,
    "reply": 20_663,
}
NOBODY: Final = -1
"""Receiver of a post."""

MINUTE_MS: Final = 60_000
DISORDER_MS: Final = 2_000
"""Events are out of order by less than this."""
POSTS_PER_ACCOUNT: Final = 100
"""Post number `p` was written by account `p // POSTS_PER_ACCOUNT`."""

ACTIVITY_EXPONENT: Final = 0.8
POPULARITY_EXPONENT: Final = 1.0
START_MS: Final = 1_735_689_600_000
"""2025-01-01T00:00Z: where the event time of every workload begins."""

Counts = dict[tuple[str, int], int]
"""(account, start of the minute in epoch ms) → received actions."""

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Workload:
    """All that decides the bytes; two equal workloads are the same bytes in the same partitions.

    `per_second` is how fast event time advances, in records per second of event time. `keyed_by` is the Kafka
    key: `receiver` spares a peer the shuffle, `actor` (as a network would publish) demands it; posts are
    keyed by their actor in both.
    """

    records: int
    record_bytes: int = 250
    partitions: int = 4
    accounts: int = 100_000
    per_second: int = 1_000
    keyed_by: Literal["receiver", "actor"] = "receiver"
    seed: int = 1

    def __post_init__(self) -> None:
        """Raise ValueError for what cannot be drawn."""
        if min(self.records, self.partitions, self.per_second) < 1:
            raise ValueError("records, partitions and per_second must be at least 1")
        if not 2 <= self.accounts <= 10_000_000:
            raise ValueError("accounts must be between 2 and 10,000,000")


@dataclass(frozen=True, kw_only=True, slots=True)
class Events:
    """The stream as columns, one row per event in the order of publication; all of shape (records,).

    `kind` indexes KINDS, `time` is epoch ms, `post` is the post created or acted on, `text` picks one of the
    texts, `key` is the account whose name is the Kafka key and `partition` where that key lives.
    """

    kind: Ints
    time: Ints
    actor: Ints
    receiver: Ints
    post: Ints
    followers: Ints
    text: Ints
    key: Ints
    partition: Ints


def account_name(number: int) -> str:
    """Return the name of account `number`."""
    return f"u{number:07d}"


def draw(workload: Workload) -> Events:
    """Draw the whole stream; 1,000,000 events take about half a second and 72 bytes each."""
    n, accounts = workload.records, workload.accounts
    rng = np.random.default_rng(workload.seed)
    shares = np.array([PER_MILLION[kind] for kind in KINDS]) / 1_000_000
    kind = rng.choice(len(KINDS), size=n, p=shares).astype(np.int64)
    time = START_MS + np.arange(n) * 1_000 // workload.per_second + rng.integers(0, DISORDER_MS, n)

    ranks = rng.permutation(accounts)  # account → rank of popularity
    actor = _zipf(rng, accounts, n, ACTIVITY_EXPONENT)
    receiver = np.argsort(ranks)[_zipf(rng, accounts, n, POPULARITY_EXPONENT)]
    receiver = np.where(receiver == actor, (receiver + 1) % accounts, receiver)  # acting on oneself counts nowhere
    is_post = kind == KINDS.index("post")
    author = np.where(is_post, actor, receiver)
    key = np.where(is_post, actor, receiver) if workload.keyed_by == "receiver" else actor
    return Events(
        kind=kind,
        time=time,
        actor=actor,
        receiver=np.where(is_post, NOBODY, receiver),
        post=author * POSTS_PER_ACCOUNT + _zipf(rng, POSTS_PER_ACCOUNT, n, POPULARITY_EXPONENT),
        followers=np.minimum(1_000_000 // (1 + ranks[actor]), 999_999),
        text=rng.integers(0, 64, n),
        key=key,
        partition=_scatter(key) % workload.partitions,
    )


def true_counts(events: Events) -> Counts:
    """Return what every peer must arrive at: received actions per account and minute."""
    received = events.receiver != NOBODY
    minutes = events.time[received] // MINUTE_MS
    first = int(minutes.min(initial=START_MS // MINUTE_MS))
    span = int(minutes.max(initial=first)) - first + 1
    cells, counts = np.unique(events.receiver[received] * span + (minutes - first), return_counts=True)
    return {
        (account_name(cell // span), (first + cell % span) * MINUTE_MS): count
        for cell, count in zip(cells.tolist(), counts.tolist(), strict=True)
    }


def _zipf(rng: np.random.Generator, size: int, n: int, exponent: float) -> Ints:
    """Draw `n` ranks below `size`; rank r has weight (r + 1) ** -exponent."""
    weights = np.cumsum(np.arange(1, size + 1, dtype=np.float64) ** -exponent)
    ranks: Ints = np.searchsorted(weights, rng.random(n) * weights[-1], side="right").astype(np.int64)
    return ranks


def _scatter(keys: Ints) -> Ints:
    """Spread neighbouring numbers: Knuth's multiplicative hash, its upper half."""
    return (keys * 2_654_435_761 % (1 << 32)) >> 16
