"""Rebuilding: everything that follows from `social.events` is thrown away and counted anew from it.

For state of another format or that was damaged, and for a formula that changed. What Kafka has no longer cannot be counted
again. Who was erased stays out: accept keeps their fingerprints in what is thrown away, so they are put aside before that, in
a topic of their own (`put_aside`), and the migration that makes the other topics again tells the new accept, and only then
removes it (`keep_out`). Whatever ends a rebuild between two steps, the next one, or `juice migrate`, finds them there.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from kafka import TopicPartition
from kafka.errors import CoordinatorNotAvailableError, GroupIdNotFoundError
from kafka.structs import OffsetAndMetadata

from infra.clock import monotonic
from infra.database import connect, refuse_newer
from infra.kafka import TopicSpec, admin_client, broker_of, ends, ensure_topics, reader, topic_partitions
from infra.settings import Settings, SettingsError
from schemas.wire import UNHEARD, Decoded, Erasure, decode_decoded, encode
from streams.agents.erasure import marks_in
from streams.engine.faults import crash_point
from streams.engine.progress import FENCE, PROGRESS
from streams.names import STAGES, Names
from streams.replay.log import records
from streams.replay.publish import Publisher
from streams.tables import ALL_TABLES

PATIENCE = 60.0
"""Seconds for a broker to make an end of the topics that are deleted."""
PORTION = 10_000
"""Fingerprints in a message, of some 20 bytes each."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a rebuild would do: topics that go, accounts that stay out, events that can be counted again or not."""

    topics: tuple[str, ...]
    erased: tuple[bytes, ...]
    events: int
    gone: int
    """Events that Kafka has no longer; they would be missing afterwards."""


def plan(settings: Settings) -> Plan:
    """Return what a rebuild would do; raise SettingsError while a worker or sink runs, and where ClickHouse does not answer or
    is newer than we are.
    """
    names, kafka = Names.of(settings), broker_of(settings)
    with admin_client(settings, kafka) as admin:
        have = topic_partitions(admin)
        for group in (names.app, names.sink_group):
            if members := _members(admin, group):
                raise SettingsError(f"{members} members of {group} run; stop all workers and sinks first")
    refuse_newer(connect(settings), settings.database)
    derived = (names.decoded, names.routed, names.rows, *(names.changelog(stage) for stage in STAGES))
    with reader(settings, kafka) as consumer:
        last = ends(consumer, names.events)
        first = consumer.beginning_offsets([TopicPartition(names.events, partition) for partition in last])
        erased = _kept(consumer, names, have.keys()) | _aside(consumer, names, have.keys())
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


def _kept(consumer: Any, names: Names, have: Collection[str]) -> set[bytes]:
    """Return the fingerprints that accept keeps with its progress, as requests that it has not taken yet change them.

    A rebuild's own are such requests, as long as no worker has run since.
    """
    kept: dict[int, set[bytes]] = {}
    taken: dict[int, int] = {}
    changelog = names.changelog("accept")
    for record in records(consumer, changelog) if changelog in have else ():
        if record.key == PROGRESS and record.value:
            taken[record.partition] = FENCE.unpack_from(record.value)[0]
            raw = record.value[FENCE.size :]
            erased = msgspec.msgpack.decode(raw)[5:6] if raw else ()
            kept[record.partition] = {bytes(mark) for marks in erased for mark in marks}
    for record in records(consumer, names.decoded, since=taken) if names.decoded in have else ():
        for erasure in _erasures(record.value):
            here, marks = kept.setdefault(record.partition, set()), marks_in(erasure)
            kept[record.partition] = here - marks if erasure.lifted else here | marks
    return set().union(*kept.values())


def _aside(consumer: Any, names: Names, have: Collection[str]) -> set[bytes]:
    """Return the fingerprints that a rebuild which did not come to its end has put aside."""
    found = records(consumer, names.erased) if names.erased in have else ()
    return {erasure.mark for record in found for erasure in _erasures(record.value)}


def _erasures(message: bytes) -> tuple[Erasure, ...]:
    """Return the requests in a message to accept; none in one that is damaged, which is no reason not to rebuild."""
    try:
        return decode_decoded(message).erasures
    except msgspec.MsgspecError:
        return ()


def _requests(erased: Collection[bytes]) -> list[bytes]:
    """Return the messages that tell accept who stays out, none of them larger than others are."""
    marks = sorted(erased)
    portions = (marks[begin : begin + PORTION] for begin in range(0, len(marks), PORTION))
    return [
        encode(Decoded(0, 0, 0, UNHEARD, UNHEARD, erasures=tuple(Erasure("", "", mark=mark) for mark in portion)))
        for portion in portions
    ]


def throw_away(settings: Settings, what: Plan) -> Iterator[str]:
    """Put aside who stays out, and delete what is derived, in Kafka and in ClickHouse; yield what was done, a line each."""
    names, kafka = Names.of(settings), broker_of(settings)
    client = connect(settings, timeout=600)
    with admin_client(settings, kafka) as admin:
        _delete_groups(admin, (names.app, names.sink_group))  # first: refused while anybody works
        crash_point("rebuild.between")
        put_aside(settings, admin, what.erased)
        crash_point("rebuild.between")
        _delete_topics(admin, what.topics)
    crash_point("rebuild.between")
    yield f"deleted {len(what.topics)} topics and the groups' offsets"
    with reader(settings, kafka, group_id=names.sink_group) as consumer:
        # Dead letters of before stay on their topic; the rebuild says its own, and only those count.
        letters = {TopicPartition(names.dead_letters, p): end for p, end in ends(consumer, names.dead_letters).items()}
        consumer.assign(list(letters))
        consumer.commit({tp: OffsetAndMetadata(end, "", -1) for tp, end in letters.items()})
    crash_point("rebuild.between")
    for table in ALL_TABLES.values():
        client.command(
            "TRUNCATE TABLE IF EXISTS {db:Identifier}.{table:Identifier}",
            parameters={"db": settings.database, "table": table.store},
        )
    crash_point("rebuild.between")
    yield f"emptied {len(ALL_TABLES)} tables"


def _delete_topics(admin: Any, topics: Collection[str]) -> None:
    """Delete topics, and wait until there are none of these names; raise SettingsError where that takes too long."""
    if topics:
        admin.delete_topics(list(topics))
    deadline = monotonic() + PATIENCE
    while set(topics) & topic_partitions(admin).keys():
        if monotonic() > deadline:
            raise SettingsError(f"topics are still there after {PATIENCE:.0f} s; run it again")


def put_aside(settings: Settings, admin: Any, erased: Collection[bytes]) -> None:
    """Write down who stays out where nothing is thrown away, acknowledged by all replicas; for `keep_out`."""
    if erased:
        names = Names.of(settings)
        ensure_topics(admin, [TopicSpec(names.erased, 1, {"retention.ms": "-1"})], settings.replication)
        _publish(settings, names.erased, 1, _requests(erased))


def keep_out(settings: Settings, admin: Any) -> str:
    """Tell the new accept partitions who was put aside, before they see any event; return that it is done.

    For whoever has made the topics again. To do it twice does no harm; what was put aside goes last.
    """
    names, have = Names.of(settings), topic_partitions(admin)
    with reader(settings, broker_of(settings)) as consumer:
        erased = _aside(consumer, names, have)
    _publish(settings, names.decoded, have[names.decoded], _requests(erased))
    crash_point("rebuild.between")
    _delete_topics(admin, [names.erased])
    return "who was forgotten stays out"


def _publish(settings: Settings, topic: str, partitions: int, messages: Collection[bytes]) -> None:
    """Send the messages to every partition of a topic; return when brokers have them."""
    with Publisher(settings, broker_of(settings), topic) as publisher:
        for partition in range(partitions):
            for message in messages:
                publisher.send(partition, message)
        publisher.finish()
