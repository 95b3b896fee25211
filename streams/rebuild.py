"""Rebuilding: everything that follows from `social.events` is thrown away and counted anew from it.

For state of another format or that was damaged, and for a formula that changed. Who was erased stays out: the fingerprints
are carried over. What Kafka has no longer cannot be counted again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from kafka import TopicPartition
from kafka.errors import CoordinatorNotAvailableError, GroupIdNotFoundError
from kafka.structs import OffsetAndMetadata

from infra.clock import monotonic
from infra.database import connect
from infra.kafka import admin_client, broker_of, ends, reader, topic_partitions
from infra.settings import Settings, SettingsError
from schemas.wire import UNHEARD, Decoded, Erasure, encode
from streams.engine.progress import FENCE, PROGRESS
from streams.names import STAGES, Names
from streams.replay.log import records
from streams.replay.publish import Publisher
from streams.tables import ALL_TABLES

PATIENCE = 60.0
"""Seconds for a broker to make an end of the topics that are deleted."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a rebuild would do: topics that go, accounts that stay out, events that can be counted again or not."""

    topics: tuple[str, ...]
    erased: tuple[bytes, ...]
    events: int
    gone: int
    """Events that Kafka has no longer; they would be missing afterwards."""


def plan(settings: Settings) -> Plan:
    """Return what a rebuild would do; raise SettingsError while a worker or sink runs."""
    names, kafka = Names.of(settings), broker_of(settings)
    with admin_client(settings, kafka) as admin:
        have = topic_partitions(admin)
        for group in (names.app, names.sink_group):
            if members := _members(admin, group):
                raise SettingsError(f"{members} members of {group} run; stop all workers and sinks first")
    derived = (names.decoded, names.routed, names.rows, *(names.changelog(stage) for stage in STAGES))
    with reader(settings, kafka) as consumer:
        last = ends(consumer, names.events)
        first = consumer.beginning_offsets([TopicPartition(names.events, partition) for partition in last])
        erased = _erased(consumer, names.changelog("accept")) if names.changelog("accept") in have else set()
    gone = sum(first.values())
    topics = tuple(topic for topic in derived if topic in have)
    return Plan(topics, tuple(sorted(erased)), sum(last.values()) - gone, gone)


def _members(admin: Any, group: str) -> int:
    """Return how many there are in a group, none in one that does not exist.

    Raises KafkaError or SettingsError where Kafka does not say: nothing is thrown away under somebody who may be working.
    """
    found = _described(admin, group)
    error = found["error"] or ""
    if error and GroupIdNotFoundError.__name__ not in error:
        raise SettingsError(f"Kafka does not say who works in {group}: {error}")
    return len(found["members"])


def _described(admin: Any, group: str) -> Any:
    """Ask for a group, again while there is nobody to ask: a cluster that never had a group makes what it needs for them."""
    deadline = monotonic() + PATIENCE
    while True:
        try:
            return admin.describe_groups([group])[group]
        except CoordinatorNotAvailableError:
            if monotonic() > deadline:
                raise
            time.sleep(0.2)


def _delete_groups(admin: Any, groups: Sequence[str]) -> None:
    """Delete groups with their offsets; raise SettingsError where Kafka refuses, as it does while one has members."""
    for group in groups:
        outcome = admin.delete_groups([group])[group]
        if outcome not in ("OK", GroupIdNotFoundError.__name__):
            raise SettingsError(
                f"Kafka does not delete the group {group} ({outcome}); stop all workers and sinks first"
            )


def _erased(consumer: Any, changelog: str) -> set[bytes]:
    """Return the fingerprints that accept keeps with its progress."""
    kept: dict[int, bytes] = {}
    for record in records(consumer, changelog):
        if record.key == PROGRESS:
            kept[record.partition] = record.value[FENCE.size :]
    lists = (msgspec.msgpack.decode(raw)[5:6] for raw in kept.values() if raw)
    return {bytes(mark) for found in lists for marks in found for mark in marks}


def throw_away(settings: Settings, what: Plan) -> Iterator[str]:
    """Delete what is derived, in Kafka and in ClickHouse; yield what was done, a line each."""
    names, kafka = Names.of(settings), broker_of(settings)
    with admin_client(settings, kafka) as admin:
        _delete_groups(admin, (names.app, names.sink_group))  # first: refused while anybody works
        if what.topics:
            admin.delete_topics(list(what.topics))
        deadline = monotonic() + PATIENCE
        while set(what.topics) & topic_partitions(admin).keys():
            if monotonic() > deadline:
                raise SettingsError(f"topics are still there after {PATIENCE:.0f} s; run it again")
    yield f"deleted {len(what.topics)} topics and the groups' offsets"
    with reader(settings, kafka, group_id=names.sink_group) as consumer:
        # Dead letters of before stay on their topic; the rebuild says its own, and only those count.
        letters = {TopicPartition(names.dead_letters, p): end for p, end in ends(consumer, names.dead_letters).items()}
        consumer.assign(list(letters))
        consumer.commit({tp: OffsetAndMetadata(end, "", -1) for tp, end in letters.items()})
    client = connect(settings, timeout=600)
    for table in ALL_TABLES.values():
        client.command(
            "TRUNCATE TABLE IF EXISTS {db:Identifier}.{table:Identifier}",
            parameters={"db": settings.database, "table": table.store},
        )
    yield f"emptied {len(ALL_TABLES)} tables"


def keep_out(settings: Settings, erased: tuple[bytes, ...]) -> None:
    """Tell the new accept partitions who stays out, before they see any event."""
    if not erased:
        return
    names, kafka = Names.of(settings), broker_of(settings)
    marks = tuple(Erasure("", "", mark=mark) for mark in erased)
    message = encode(Decoded(0, 0, 0, UNHEARD, UNHEARD, erasures=marks))
    with Publisher(settings, kafka, names.decoded) as publisher:
        for partition in range(settings.partitions):
            publisher.send(partition, message)
        publisher.finish()
