"""What a rate needs: cores, partitions, brokers and bytes, worked out from what one machine measured.

Costs per event are taken to be the same at any rate: events of one partition meet nobody else's, and neither Kafka nor
ClickHouse does more for an event because there are others. What does not scale so is one key: its partition is one
worker's, and a worker is one core.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Final

import msgspec

USED: Final = 0.6
"""Part of a core that is planned for; the rest is for peaks, recovery and rebalances."""
BROKER_CORES: Final = 8
SHARD_CORES: Final = 8
REPLICAS: Final = 3
"""Copies of each record; every broker that keeps one spends on it about what the first did."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What `rate` events per second need."""

    rate: float
    workers: int
    """Processes of one core; `social.events` and the internal topics need at least as many partitions."""
    sinks: int
    brokers: int
    """Of BROKER_CORES cores, with REPLICAS replicas."""
    shards: int
    """ClickHouse servers of SHARD_CORES cores, one replica."""
    bytes_per_second: float
    """Written to Kafka by producers and workers, before replication."""
    core_hours_per_billion: float
    """Of all processes together, for a billion events, replication included."""


def plan(rate: float, cpu: Mapping[str, float], bytes_per_event: float) -> Plan:
    """Return what `rate` needs; `cpu` are seconds per event of `worker`, `sink`, `kafka` and `clickhouse`.

    >>> plan(1e6, {"worker": 60e-6, "sink": 5e-6, "kafka": 10e-6, "clickhouse": 20e-6}, 2_000).workers
    100
    >>> plan(100, {"worker": 60e-6, "sink": 5e-6, "kafka": 10e-6, "clickhouse": 20e-6}, 2_000).brokers
    3
    """

    def needed(seconds: float, cores: int) -> int:
        return max(1, ceil(round(rate * seconds / (cores * USED), 6)))

    replicated = cpu["kafka"] * REPLICAS
    total = cpu["worker"] + cpu["sink"] + replicated + cpu["clickhouse"]
    return Plan(
        rate=rate,
        workers=needed(cpu["worker"], 1),
        sinks=needed(cpu["sink"], 1),
        brokers=max(REPLICAS, needed(replicated, BROKER_CORES)),
        shards=needed(cpu["clickhouse"], SHARD_CORES),
        bytes_per_second=rate * bytes_per_event,
        core_hours_per_billion=total * 1e9 / 3600,
    )
