"""Lag as Kafka knows it: where each log ends, less what a consumer group has committed.

The worker says its lag too, but from its own state and its own fetches; a worker that is wrong about itself, frozen or
gone says nothing or too little. This looks from outside and asks the broker alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from infra.kafka import ends


@dataclass(frozen=True, slots=True)
class Follower:
    """Who follows a topic: the stage that telemetry names, the topic, and the consumer group that commits."""

    stage: str
    topic: str
    group: str


def lags(
    log_ends: Mapping[str, Mapping[int, int]],
    committed: Mapping[str, Mapping[TopicPartition, int]],
    followers: list[Follower],
) -> dict[tuple[str, str, int], int]:
    """Return records behind, by (stage, topic, partition): what was never committed counts from the log's beginning.

    `log_ends` are end offsets by topic and partition, `committed` next offsets by group.

    >>> lags({"t": {0: 10, 1: 4}}, {"g": {TopicPartition("t", 0): 7}}, [Follower("sink", "t", "g")])
    {('sink', 't', 0): 3, ('sink', 't', 1): 4}
    """
    return {
        (each.stage, each.topic, partition): max(
            end - committed[each.group].get(TopicPartition(each.topic, partition), 0), 0
        )
        for each in followers
        for partition, end in log_ends[each.topic].items()
    }


def look(consumer: KafkaConsumer, admin: Any, followers: list[Follower]) -> dict[tuple[str, str, int], int]:
    """Return the lag of all followers as the broker knows it now; raise KafkaError when it does not answer."""
    # Committed first: a record that comes in between makes the lag too large by one, never negative.
    groups = admin.list_group_offsets(sorted({each.group for each in followers}))
    committed = {group: {tp: at.offset for tp, at in offsets.items()} for group, offsets in groups.items()}
    return lags({each.topic: ends(consumer, each.topic) for each in followers}, committed, followers)
