"""The Faust app: three stages on one worker, built from settings. The only place that knows all of Faust's settings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import faust

from infra.kafka import tls
from infra.settings import Settings
from streams.agents.accept import Accept
from streams.agents.accumulate import Accumulate
from streams.agents.ingest import Ingest
from streams.campaigns.rulebook import Rulebook
from streams.engine.batches import MAX_RECORDS, BatchScheduler
from streams.engine.consumer import GuardedRecovery, GuardedTransport
from streams.engine.stage import Stage
from streams.engine.table import BatchTable
from streams.names import Names
from streams.subjects.registry import chosen

MAX_REQUEST: int = 32 << 20
"""The largest record we send or fetch: a dead letter of a 10 MB record, in base64, and room."""

FETCH: int = 512 << 10
"""Bytes of a partition that are fetched at a time, and of a batch that is written: of all partitions but one a fetch has nothing
where the first batch does not fit. With a megabyte a worker held 14 MiB more, and was no faster.
"""


class Juice(faust.App):
    """A Faust app that knows its stages by the topic they read."""

    stages: dict[str, Stage]
    reload: Callable[[Callable[[], bool]], Awaitable[None]]
    """Call what may put other rules in force, and tells whether it did, while nothing is computed with them."""

    def hurried(self) -> bool:
        """Tell whether so much waits, before any stage, that what can be done later should be."""
        return any(stage.hurried() for stage in self.stages.values())


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


def build(settings: Settings, *, kafka: str, sources: int, data: Path, rulebook: Rulebook) -> Juice:
    """Return the app: `kafka` are bootstrap servers, `sources` the partitions of `social.events`."""
    names = Names.of(settings)
    app = Juice(
        names.app,
        broker="kafka://" + kafka.replace(",", ";kafka://"),
        store="memory://",
        datadir=str(data),
        web_enabled=False,
        # Batches and guards: streams/engine says why.
        ConsumerScheduler=BatchScheduler,
        Table=BatchTable,
        stream_wait_empty=True,
        stream_buffer_maxsize=4,
        broker_max_poll_records=MAX_RECORDS,
        consumer_max_fetch_size=FETCH,
        # migrate creates every topic; Faust's leader topic and standby replicas are of no use here (docs/gotchas.md).
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        topic_partitions=settings.partitions,
        # A member that was killed is noticed within the session time-out.
        broker_session_timeout=settings.session_timeout / 1000,
        broker_heartbeat_interval=min(1.0, settings.session_timeout / 10_000),
        # Who has not come back to a rebalance by then is left out. One batch takes a second or two; the usual minute is for
        # ghosts (docs/gotchas.md).
        broker_rebalance_timeout=max(30.0, 3 * settings.session_timeout / 1000),
        broker_request_timeout=max(90.0, settings.session_timeout / 500),
        broker_commit_interval=1.0,
        consumer_auto_offset_reset="earliest",
        consumer_connections_max_idle_ms=600_000,
        # Acknowledged by all in-sync replicas, at once, whatever its size.
        producer_acks=-1,
        producer_linger=0,
        producer_max_batch_size=FETCH,
        producer_max_request_size=MAX_REQUEST,
        producer_compression_type=None,
        **security(settings),
    )
    app.transport = GuardedTransport(app.conf.broker, app)
    tables: Any = app.tables
    tables._recovery = GuardedRecovery(app, app.tables)
    subjects = chosen(settings.chosen, rulebook=rulebook, silence=settings.cascade_silence)
    parts = settings.partitions
    ingest = Ingest(
        names=names,
        partitions=parts,
        lateness=settings.lateness,
        future=settings.future,
        idle=settings.idle,
    )
    accumulate = Accumulate(names=names, partitions=parts, subjects=subjects)
    stages = [
        Stage(
            app,
            name="ingest",
            source=names.events,
            partitions=sources,
            body=ingest,
            reached=ingest.reached,
        ),
        Stage(
            app,
            name="accept",
            source=names.decoded,
            partitions=parts,
            body=Accept(names=names, sources=sources, partitions=parts, horizon=settings.horizon, subjects=subjects),
        ),
        Stage(
            app,
            name="accumulate",
            source=names.routed,
            partitions=parts,
            body=accumulate,
            apart=True,
        ),
    ]

    def reloaded(look: Callable[[], bool]) -> None:
        if look():
            accumulate.rules_changed()

    app.reload = lambda look: stages[-1].between(lambda: reloaded(look))
    app.stages = {stage.topic.get_topic_name(): stage for stage in stages}
    return app
