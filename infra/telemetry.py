"""The telemetry room: what happened in the program, as Prometheus series. The metrics library is touched here only.

Pipeline code calls one function per occurrence, once a batch; what becomes a counter, a gauge or a histogram is
decided here. Every name, its unit, labels and meaning: docs/telemetry.md, which a test holds against this file.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, make_wsgi_app
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

REGISTRY: Final = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300)
_LAGS: Final = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3_600, 86_400, 604_800)

_events = Counter("juice_events", "Records of social.events by what became of them.", ["outcome"], registry=REGISTRY)
_dead = Counter("juice_dead_letters", "Dead letters by reason.", ["reason"], registry=REGISTRY)
_lag = Histogram(
    "juice_event_lag_seconds", "Wall clock less event time when an event is accepted.", buckets=_LAGS, registry=REGISTRY
)
_watermark = Gauge(
    "juice_watermark_timestamp_seconds", "Watermark of an input partition, event time.", ["partition"], registry=REGISTRY
)
_consumer_lag = Gauge(
    "juice_consumer_lag_records", "Records not yet processed.", ["topic", "partition"], registry=REGISTRY
)
_sink_rows = Counter("juice_sink_rows", "Rows inserted into ClickHouse.", ["table"], registry=REGISTRY)
_sink_failures = Counter("juice_sink_failures", "Inserts that failed and were tried again.", registry=REGISTRY)
_sink_success = Gauge(
    "juice_sink_last_success_timestamp_seconds", "When an insert last succeeded.", registry=REGISTRY
)
_freshness = Histogram(
    "juice_freshness_seconds", "From append to Kafka until queryable in ClickHouse.", buckets=_SECONDS, registry=REGISTRY
)
_state = Gauge("juice_state_keys", "Live keys in a table on this worker.", ["table"], registry=REGISTRY)
_recovery = Gauge("juice_recovery_seconds", "How long the last recovery took.", registry=REGISTRY)
_recovered = Counter("juice_recovered_records", "Changelog records read in recoveries.", registry=REGISTRY)
_build = Info("juice_build", "What runs here.", registry=REGISTRY)
_batches = Counter("juice_stage_batches", "Batches of a stage.", ["stage"], registry=REGISTRY)
_records = Counter("juice_stage_records", "Input records of a stage.", ["stage"], registry=REGISTRY)
_compute = Histogram(
    "juice_stage_compute_seconds", "Computing the effects of a batch.", ["stage"], buckets=_SECONDS, registry=REGISTRY
)
_durable = Histogram(
    "juice_stage_flush_seconds", "Making a batch durable.", ["stage"], buckets=_SECONDS, registry=REGISTRY
)
_changelog_records = Counter("juice_changelog_records", "Records written to changelogs.", ["stage"], registry=REGISTRY)
_changelog_bytes = Counter("juice_changelog_bytes", "Bytes written to changelogs.", ["stage"], registry=REGISTRY)
_sent_bytes = Counter("juice_sent_bytes", "Bytes sent to other topics.", ["stage"], registry=REGISTRY)
_rebalances = Counter("juice_rebalances", "Rebalances this worker took part in.", registry=REGISTRY)
_refetches = Counter("juice_refetches", "Polls fetched again because they began beyond the next offset.", registry=REGISTRY)
_holes = Counter("juice_holes", "Batches refused because input before them was missing.", ["stage"], registry=REGISTRY)
_restarts = Counter("juice_worker_restarts", "Worker processes started again by their supervisor.", registry=REGISTRY)
_undos = Counter("juice_undos", "Undo events by what they found.", ["result"], registry=REGISTRY)


def build(**info: str) -> None:
    """Say what runs here."""
    _build.info(info)


def accepted(count: int, lags: Iterable[float]) -> None:
    """Count accepted events and how far behind the wall clock each was, in seconds."""
    _events.labels("accepted").inc(count)
    for lag in lags:
        _lag.observe(max(lag, 0.0))


def duplicates(count: int) -> None:
    """Count records whose id was known."""
    if count:
        _events.labels("duplicate").inc(count)


def dead_letter(reason: str) -> None:
    """Count a dead letter."""
    _events.labels("dead_letter").inc()
    _dead.labels(reason).inc()


def undo(result: str) -> None:
    """Count an undo: `applied`, `waiting` for its event, or `repeated`."""
    _undos.labels(result).inc()


def watermark(partition: int, millis: int) -> None:
    """Note the watermark of an input partition."""
    _watermark.labels(str(partition)).set(millis / 1000)


def consumer_lag(lags: Mapping[tuple[str, int], int]) -> None:
    """Note how many records of each (topic, partition) wait."""
    for (topic, partition), lag in lags.items():
        _consumer_lag.labels(topic, str(partition)).set(lag)


def batch(stage: str, partition: int, records: int, compute: float, flush: float) -> None:
    """Note a batch of a stage."""
    _batches.labels(stage).inc()
    _records.labels(stage).inc(records)
    _compute.labels(stage).observe(compute)
    _durable.labels(stage).observe(flush)


def flushed(stage: str, records: int, wrote: int, sent: int) -> None:
    """Note what a flush wrote to the changelog and sent elsewhere, in records and bytes."""
    _changelog_records.labels(stage).inc(records)
    _changelog_bytes.labels(stage).inc(wrote)
    _sent_bytes.labels(stage).inc(sent)


def state_keys(table: str, keys: int) -> None:
    """Note the live keys of a table."""
    _state.labels(table).set(keys)


def recovery(seconds: float, records: int) -> None:
    """Note a finished recovery."""
    _recovery.set(seconds)
    _recovered.inc(records)


def rebalance() -> None:
    """Count a rebalance."""
    _rebalances.inc()


def refetch() -> None:
    """Count a poll that is fetched again."""
    _refetches.inc()


def hole(stage: str) -> None:
    """Count a batch with missing input before it; it must stay at zero."""
    _holes.labels(stage).inc()


def restarts(count: int) -> None:
    """Say how often the supervisor started this worker again."""
    _restarts.inc(count)


def inserted(table: str, rows: int, at: float) -> None:
    """Note an insert that succeeded at `at`, seconds since the epoch."""
    _sink_rows.labels(table).inc(rows)
    _sink_success.set(at)


def insert_failed() -> None:
    """Count an insert that will be tried again."""
    _sink_failures.inc()


def fresh(seconds: float) -> None:
    """Note how old the oldest event of an insert was when it became queryable."""
    _freshness.observe(max(seconds, 0.0))


Health = Callable[[], dict[str, Any]]
"""Returns `{"live": bool, "ready": bool, …}`; the other keys say why."""


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Log no request."""


def serve(host: str, port: int, health: Health) -> int:
    """Serve `/metrics`, `/healthz` (alive) and `/readyz` (ready) in a thread of its own; return the port.

    Raises OSError when the port is taken. Nothing served here changes anything.
    """
    metrics = make_wsgi_app(REGISTRY)

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            return metrics(environ, start_response)
        if path not in ("/healthz", "/readyz"):
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"there are /metrics, /healthz and /readyz\n"]
        state = health()
        good = state["live"] if path == "/healthz" else state["ready"]
        start_response("200 OK" if good else "503 Service Unavailable", [("Content-Type", "application/json")])
        return [json.dumps(state).encode()]

    server: WSGIServer = make_server(host, port, application, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="telemetry", daemon=True).start()
    return server.server_port
