"""The Faust app on which stages run: Faust's settings, all of them, and the engine's parts in their places."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import faust

from infra.kafka import tls
from infra.settings import Settings
from streams.engine.batches import MAX_RECORDS, BatchScheduler
from streams.engine.consumer import GuardedRecovery, GuardedTransport
from streams.engine.disk import place
from streams.engine.faults import Exit
from streams.engine.stage import Stage
from streams.engine.table import BatchTable

MAX_REQUEST: int = 32 << 20
"""The largest record we send or fetch: a dead letter of a 16 MiB record, in base64, and room."""

FETCH: int = 512 << 10
"""Bytes fetched per partition and request, and the size of a produced batch. Of the partitions whose first batch is larger, one
request brings that batch of one of them and nothing of the others. With 1 MiB a worker held 14 MiB more and was no faster.
"""


class StagedApp(faust.App):
    """A Faust app that knows its stages by the topic they read, in the order in which events pass them."""

    stages: dict[str, Stage]
    topic_ids: Mapping[str, bytes] = MappingProxyType({})
    """Topics' ids by name, where brokers give them one: an id tells a topic from an earlier one of that name."""
    verdict: Exit = Exit.USAGE
    """Exit code where state belongs to an earlier topic than the one that is there now."""
    folder: Path | None = None
    """Where state is, if not in memory."""

    def _create_directories(self) -> None:
        """Make none: nothing is kept there, and on a disk that is full or read-only the worker would not start."""

    def chain(self, stages: Iterable[Stage]) -> None:
        """Set the stages, in the order in which events pass them."""
        self.stages = {stage.topic.get_topic_name(): stage for stage in stages}

    def hurried(self) -> bool:
        """Tell whether records wait so long before any stage that work which can be put off should be."""
        return any(stage.hurried() for stage in self.stages.values())


A = TypeVar("A", bound=StagedApp)


def staged(
    kind: type[A],
    name: str,
    settings: Settings,
    *,
    kafka: str,
    records: int = MAX_RECORDS,
    fetch: int = FETCH,
) -> A:
    """Return an app without stages; `name` is its consumer group too, `kafka` are bootstrap servers.

    `records`: most of a poll, over all partitions; `fetch`: bytes fetched per partition and request. The topics,
    `NAME-STAGE-changelog` of each stage among them, must be there before it starts. Raises SettingsError where state cannot be
    kept in JUICE_STATE.
    """
    app = kind(
        name,
        broker="kafka://" + kafka.replace(",", ";kafka://"),
        store="memory://",
        web_enabled=False,
        # Batches and guards: streams/engine says why.
        ConsumerScheduler=BatchScheduler,
        Table=BatchTable,
        stream_wait_empty=True,
        stream_buffer_maxsize=4,
        broker_max_poll_records=records,
        consumer_max_fetch_size=fetch,
        # migrate creates every topic; Faust's leader topic and standby replicas are of no use here (docs/gotchas.md).
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        topic_partitions=settings.partitions,
        # A member that was killed is noticed within the session time-out.
        broker_session_timeout=settings.session_timeout / 1000,
        broker_heartbeat_interval=min(1.0, settings.session_timeout / 10_000),
        # A member that has not rejoined a rebalance by then is left out. One batch takes a second or two; the usual minute
        # would be spent on ghosts (docs/gotchas.md).
        broker_rebalance_timeout=max(30.0, 3 * settings.session_timeout / 1000),
        broker_request_timeout=max(90.0, settings.session_timeout / 500),
        broker_commit_interval=1.0,
        consumer_auto_offset_reset="earliest",
        consumer_connections_max_idle_ms=600_000,
        # How soon it is seen that a topic has more partitions.
        consumer_metadata_max_age_ms=6 * settings.session_timeout,
        # Acknowledged by all in-sync replicas, at once, whatever its size.
        producer_acks=-1,
        producer_linger=0,
        producer_max_batch_size=FETCH,
        producer_max_request_size=MAX_REQUEST,
        producer_compression_type=None,
        **security(settings),
    )
    if settings.state is not None:
        app.folder = place(settings.state)
    app.transport = GuardedTransport(app.conf.broker, app)
    tables: Any = app.tables
    tables._recovery = GuardedRecovery(app, app.tables)
    return app


def security(settings: Settings) -> dict[str, Any]:
    """Return Faust's settings for TLS and SASL."""
    context = tls(settings)
    if not settings.kafka_security.startswith("SASL"):
        return {} if context is None else {"broker_credentials": faust.SSLCredentials(context)}
    return {
        "broker_credentials": faust.SASLCredentials(
            username=settings.kafka_user,
            password=settings.kafka_password.get_secret_value(),
            mechanism=settings.kafka_mechanism,
            ssl_context=context,  # with one it is SASL_SSL, without SASL_PLAINTEXT
        )
    }
