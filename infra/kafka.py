"""Clients of Kafka other than the worker's: administration, reading logs, the settings all of them share."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from uuid import UUID

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, MemberToRemove, NewTopic
from kafka.errors import KafkaError, NoError
from kafka.metrics.measurable_stat import AbstractMeasurableStat

from infra.clock import monotonic
from infra.settings import Settings, SettingsError
from infra.stack.stack import status

MAX_BYTES: Final = 64 << 20
"""The largest answer a client takes."""


class KafkaUnreachable(SettingsError):
    """No broker answers; the message is one line for the user."""

    @classmethod
    def because(cls, error: Exception, settings: Settings, kafka: str) -> KafkaUnreachable:
        """Return it for a client that could not be made. Clients do not say whether they were turned away or not
        heard, so where there is a login the message names it.
        """
        login = f" as {settings.kafka_user}" if settings.kafka_security.startswith("SASL") else ""
        closed = settings.kafka_security != "PLAINTEXT"
        who = f"lets us in{login} with {settings.kafka_security}" if closed else "answers"
        return cls(f"no broker {who} at {kafka} ({error.__class__.__name__})")


def broker_of(settings: Settings) -> str:
    """Return the bootstrap servers: as set, or the local stack's; raise SettingsError when there are neither."""
    if settings.kafka:
        return settings.kafka
    if found := status(settings.home).kafka:
        return found
    raise SettingsError(f"no Kafka: set JUICE_KAFKA, or run `juice up` (no stack runs in {settings.home})")


def tls(settings: Settings) -> ssl.SSLContext | None:
    """Return how brokers are recognised: by their host name and our authority, or the system's; None without TLS."""
    if not settings.kafka_security.endswith("SSL"):
        return None
    return ssl.create_default_context(cafile=settings.kafka_ca)


def client_settings(settings: Settings, kafka: str) -> dict[str, Any]:
    """Return what every client is told, in words that kafka-python and aiokafka share."""
    given: dict[str, Any] = {
        "bootstrap_servers": kafka.split(","),
        "security_protocol": settings.kafka_security,
    }
    if (context := tls(settings)) is not None:
        given["ssl_context"] = context
    if settings.kafka_security.startswith("SASL"):
        given |= {
            "sasl_mechanism": settings.kafka_mechanism,
            "sasl_plain_username": settings.kafka_user,
            "sasl_plain_password": settings.kafka_password.get_secret_value(),
        }
    return given


@contextmanager
def admin_client(settings: Settings, kafka: str) -> Iterator[KafkaAdminClient]:
    """Give an admin client; raise KafkaUnreachable with one line when no broker answers."""
    try:
        admin = KafkaAdminClient(**client_settings(settings, kafka), bootstrap_timeout_ms=8_000)
    except (KafkaError, OSError, ValueError) as error:
        raise KafkaUnreachable.because(error, settings, kafka) from None
    try:
        yield admin
    finally:
        admin.close()


def remove_member(admin: KafkaAdminClient, group: str, member: str) -> str:
    """Take a member that is dead out of its group, so that nobody waits for its session; return why not, or nothing."""
    seat = MemberToRemove(member_id=member, reason="killed")
    try:
        [outcome] = admin.remove_group_members(group, [seat]).values()
    except KafkaError as error:
        return str(error.__class__.__name__)
    return "" if outcome is NoError else str(outcome.__name__)


@contextmanager
def reader(settings: Settings, kafka: str, **more: Any) -> Iterator[KafkaConsumer]:
    """Give a consumer without a group, for looking at logs; raise KafkaUnreachable when no broker answers."""
    try:
        consumer = KafkaConsumer(
            **client_settings(settings, kafka),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            bootstrap_timeout_ms=8_000,
            receive_message_max_bytes=MAX_BYTES,
            **more,
        )
    except (KafkaError, OSError, ValueError) as error:
        raise KafkaUnreachable.because(error, settings, kafka) from None
    try:
        yield consumer
    finally:
        consumer.close()


class Heard(AbstractMeasurableStat):  # type: ignore[misc]
    """When a broker last answered a consumer: one that has nothing to do, too, fetches and sends heartbeats.

    It is kept as one of the client's own metrics. What it knows of connections does not tell: a broker that is frozen is
    connected to, since the system answers for it.
    """

    def __init__(self) -> None:
        self.at = monotonic()

    def listen(self, consumer: KafkaConsumer) -> None:
        """Take note of all answers to `consumer`."""
        metrics = consumer._metrics
        name = metrics.metric_name("last-answer", "juice", "When a broker last answered.")
        metrics.sensor("request-latency").add(name, self)

    def record(self, config: Any, value: float, time_ms: float) -> None:
        """Note an answer."""
        self.at = monotonic()

    def measure(self, config: Any, now: float) -> float:
        """Return when the last came."""
        return self.at

    def silent(self) -> float:
        """Return the seconds for which nothing was heard."""
        return monotonic() - self.at


NO_ID: Final = UUID(int=0)


class Topic(NamedTuple):
    """A topic as it is."""

    partitions: int
    id: bytes
    """What tells it from another that had its name; empty where the broker does not say (before Kafka 2.8)."""


def topics(admin: KafkaAdminClient) -> dict[str, Topic]:
    """Return the topics by name."""
    return {each["name"]: Topic(len(each["partitions"]), _id(each.get("topic_id"))) for each in admin.describe_topics()}


def _id(said: object) -> bytes:
    known = UUID(str(said)) if said else NO_ID
    return b"" if known == NO_ID else known.bytes


def topic_partitions(admin: KafkaAdminClient) -> dict[str, int]:
    """Return how many partitions each topic has."""
    return {name: topic.partitions for name, topic in topics(admin).items()}


def ends(consumer: KafkaConsumer, topic: str) -> dict[int, int]:
    """Return the end offset of each partition of `topic`; nothing for a topic that does not exist."""
    partitions = consumer.partitions_for_topic(topic) or ()
    found = consumer.end_offsets([TopicPartition(topic, p) for p in partitions])
    return {tp.partition: offset for tp, offset in found.items()}


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as it should be."""

    name: str
    partitions: int
    configs: Mapping[str, str] = field(default_factory=dict)
    grows: bool = False
    """Partitions are added when it has fewer."""


def ensure_topics(admin: KafkaAdminClient, specs: Sequence[TopicSpec], replication: int) -> list[str]:
    """Create what is missing of `specs`, add partitions where a topic may grow; return what was done, a line each."""
    have = topic_partitions(admin)
    missing = [spec for spec in specs if spec.name not in have]
    if missing:
        topics = [NewTopic(s.name, s.partitions, replication, topic_configs=dict(s.configs)) for s in missing]
        admin.create_topics(topics, wait_for_metadata=True)
    done = [f"created topic {spec.name}, {spec.partitions} partitions" for spec in missing]
    there = [spec for spec in specs if spec.name in have]
    if there:
        kind = ConfigResourceType.TOPIC
        try:
            admin.alter_configs([ConfigResource(kind, spec.name, dict(spec.configs)) for spec in there if spec.configs])
        except ValueError as error:  # what this user may not see does not exist for the client
            raise SettingsError(f"topics cannot be configured: {error}") from None
    for spec in there:
        if have[spec.name] < spec.partitions and spec.grows:
            admin.create_partitions({spec.name: spec.partitions})
            done.append(f"topic {spec.name}: {have[spec.name]} → {spec.partitions} partitions")
    return done
