"""`juice worker`, `juice sink`: the processes that do the work."""

from __future__ import annotations

import signal
import sys
from threading import Event

import structlog

from infra import telemetry
from infra.database import check_schema, connect
from infra.kafka import MAX_BYTES, KafkaUnreachable, broker_of, client_settings
from infra.settings import Settings
from infra.version import version
from sinks.insert import Inserter, RowsRefused
from sinks.lag import Follower
from sinks.lookout import Lookout
from sinks.sink import Sink, Sources
from streams.cli.app import app, settings
from streams.engine import faults
from streams.engine.faults import Exit
from streams.engine.supervise import supervise
from streams.names import STAGES, Names

log = structlog.get_logger("juice")


@app.command()
def worker() -> None:
    """Run a worker: decodes, decides, measures. Start as many as there are partitions; they share the work.

    A worker that fails is started again with back-off. Stop it with Ctrl-C or SIGTERM; nothing is lost either way.

    Example: JUICE_LATENESS=1h juice worker
    """
    settings()
    raise SystemExit(supervise([sys.executable, "-m", "streams.worker"]))


@app.command()
def sink() -> None:
    """Run a sink: moves rows from Kafka into ClickHouse, and waits while ClickHouse is away.

    Example: JUICE_SINK_ROWS=100000 juice sink
    """
    raise SystemExit(run_sink(settings()))


def run_sink(found: Settings) -> int:
    """Run a sink until SIGTERM or SIGINT; return the exit code."""
    from kafka import KafkaConsumer
    from kafka.errors import KafkaError

    names, kafka = Names.of(found), broker_of(found)
    if found.crash_at:
        faults.arm(found.crash_at)
    check_schema(connect(found), found.database)
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        consumer = KafkaConsumer(
            **client_settings(found, kafka),
            group_id=names.sink_group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=found.session_timeout,
            heartbeat_interval_ms=max(1_000, found.session_timeout // 10),
            max_partition_fetch_bytes=8 << 20,
            fetch_max_bytes=32 << 20,
            receive_message_max_bytes=MAX_BYTES,
            bootstrap_timeout_ms=8_000,
        )
    except (KafkaError, OSError) as error:
        raise KafkaUnreachable.because(error, found, kafka) from None
    inserter = Inserter(lambda: connect(found), found.database, stop)
    work = Sink(
        consumer,
        inserter,
        Sources(rows=names.rows, dead_letters=names.dead_letters),
        rows=found.sink_rows,
        interval=found.sink_interval / 1000,
        stop=stop,
        crash_point=faults.crash_point,
    )
    telemetry.build(version=version())
    try:
        port = telemetry.serve(found.metrics_host, found.sink_port, work.health)
    except OSError:
        port = telemetry.serve(found.metrics_host, 0, work.health)
    log.info("sink", version=version(), kafka=kafka, telemetry=f"http://{found.metrics_host}:{port}/metrics")
    followers = [
        *(Follower(stage, names.source(stage), names.app) for stage in STAGES),
        *(Follower("sink", topic, names.sink_group) for topic in (names.rows, names.dead_letters)),
    ]
    Lookout(found, kafka, lambda: connect(found), followers).start(stop)
    try:
        work.run()
    except RowsRefused as error:
        log.error("stopped", error=str(error))
        return Exit.CORRUPTION
    except Exception:
        if not stop.is_set():
            raise
    finally:
        consumer.close()
    log.info("stopped")
    return Exit.OK
