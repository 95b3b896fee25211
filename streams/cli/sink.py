"""`juice sink`: moves rows into ClickHouse, for as long as it is let."""

from __future__ import annotations

import gc
import signal
from contextlib import suppress
from threading import Event
from typing import Final

import structlog
from kafka import KafkaConsumer
from kafka.errors import AuthorizationError, KafkaError, SaslAuthenticationFailedError
from tenacity import RetryError

from infra import allocator, logs, telemetry
from infra.clock import monotonic
from infra.database import DatabaseUnreachable, check_schema, connect, one_line
from infra.kafka import MAX_BYTES, Heard, KafkaUnreachable, broker_of, client_settings
from infra.settings import Settings
from infra.version import version
from sinks.insert import LOCKED_OUT, Inserter, LockedOut, RowsRefused, says
from sinks.lag import Follower
from sinks.lookout import Lookout
from sinks.sink import Sink, Sources
from streams.cli.app import app, settings
from streams.engine import faults
from streams.engine.faults import Exit
from streams.names import STAGES, Names
from streams.tables import ALL_TABLES

log = structlog.get_logger("juice")

AGAIN: Final = 1.0
"""Seconds before a consumer that failed is replaced; making one waits for a broker by itself."""


@app.command()
def sink() -> None:
    """Run a sink: moves rows from Kafka into ClickHouse, and waits while ClickHouse is away.

    Example: JUICE_SINK_ROWS=20000 juice sink
    """
    raise SystemExit(run_sink(settings()))


def sink_consumer(found: Settings, kafka: str, heard: Heard) -> KafkaConsumer:
    """Return a member of the sink's group, whose answers are `heard`; raise KafkaUnreachable when no broker answers."""
    try:
        consumer = KafkaConsumer(
            **client_settings(found, kafka),
            group_id=Names.of(found).sink_group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=found.session_timeout,
            heartbeat_interval_ms=min(max(1_000, found.session_timeout // 10), 10_000),
            # So long a rebalance waits for who does not come back (docs/gotchas.md); and a sink whose insert takes longer
            # leaves the group, and inserts again what it could not commit, which changes nothing.
            max_poll_interval_ms=max(60_000, 3 * found.session_timeout),
            max_partition_fetch_bytes=8 << 20,
            fetch_max_bytes=32 << 20,
            receive_message_max_bytes=MAX_BYTES,
            bootstrap_timeout_ms=8_000,
        )
    except (KafkaError, OSError) as error:
        raise KafkaUnreachable.because(error, found, kafka) from None
    heard.listen(consumer)
    return consumer


def _again(found: Settings, kafka: str, heard: Heard, work: Sink, stop: Event) -> None:
    """Give the sink a new consumer in place of one that failed, as soon as a broker answers, unless told to stop."""
    _close(work.consumer)
    while not stop.wait(AGAIN):
        work.beat_at = monotonic()  # it waits as it should
        try:
            work.consumer = sink_consumer(found, kafka, heard)
        except KafkaUnreachable as error:
            log.warning("waiting for Kafka", error=str(error))
        else:
            return


def _close(consumer: KafkaConsumer) -> None:
    """Leave the group if anybody still listens."""
    with suppress(KafkaError, OSError):
        consumer.close(timeout_ms=5_000)


def run_sink(found: Settings) -> int:
    """Run a sink until SIGTERM or SIGINT; return the exit code. Once it has run, Kafka may go away and come back."""
    allocator.steady()
    names, kafka = Names.of(found), broker_of(found)
    if found.crash_at:
        faults.arm(found.crash_at)
    stop = Event()
    try:
        check_schema(connect(found), found.database, ALL_TABLES.values())
        heard = Heard()
        consumer = sink_consumer(found, kafka, heard)
    except (DatabaseUnreachable, KafkaUnreachable) as error:
        logs.complain(found, str(error))
        # Who does not answer may come back: whoever starts us may try again.
        return Exit.USAGE if says(error, LOCKED_OUT) else Exit.UNAVAILABLE
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    gc.freeze()  # the sink looks for cycles after each insert: not in what was imported
    inserter = Inserter(lambda: connect(found), found.database, stop)
    work = Sink(
        consumer,
        inserter,
        Sources(rows=names.rows, dead_letters=names.dead_letters),
        rows=found.sink_rows,
        interval=found.sink_interval / 1000,
        stop=stop,
        crash_point=faults.crash_point,
        unanswered=heard.silent,
    )
    telemetry.build(version=version())
    telemetry.inserting(work.waiting)
    port = telemetry.serve(found.metrics_host, found.sink_port, work.health)
    log.info("sink", version=version(), kafka=kafka, telemetry=f"http://{found.metrics_host}:{port}/metrics")
    followers = [
        *(Follower(stage, names.source(stage), names.app) for stage in STAGES),
        *(Follower("sink", topic, names.sink_group) for topic in (names.rows, names.dead_letters)),
    ]
    Lookout(found, kafka, lambda: connect(found), followers).start(stop)
    try:
        while not stop.is_set():
            try:
                work.run()
            except RowsRefused as error:
                log.error("stopped", error=str(error))
                return Exit.CORRUPTION
            except (LockedOut, AuthorizationError, SaslAuthenticationFailedError) as error:
                log.error("stopped: we may not", error=one_line(error))
                return Exit.USAGE
            except (KafkaError, OSError) as error:
                if not stop.is_set():
                    log.warning("Kafka is away; beginning again from what is committed", error=one_line(error))
                    _again(found, kafka, heard, work, stop)
            except RetryError:  # told to stop while ClickHouse was away
                break
    finally:
        stop.set()  # no lane goes on by itself
        work.close()
    _close(work.consumer)
    log.info("stopped")
    return Exit.OK
