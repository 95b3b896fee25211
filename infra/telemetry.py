"""The telemetry room: what happened in the program, as Prometheus series. The metrics library is touched here only.

Pipeline code calls one function per occurrence, once a batch; what becomes a counter, a gauge or a histogram is
decided here. Every name, its unit, labels and meaning: docs/telemetry.md, which a test holds against this file.
"""

from __future__ import annotations

import errno
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from socketserver import ThreadingMixIn
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, make_wsgi_app
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from infra.clock import wall
from infra.listen import refused
from schemas.decode import Reason

REGISTRY: Final = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300)
_LAGS: Final = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3_600, 86_400, 604_800)

OBJECTIVE_SECONDS: Final = 30
"""An event should be queryable within this time of its append to Kafka: the objective of docs/operations.md."""

_events = Counter("juice_events", "Records of social.events by what became of them.", ["outcome"], registry=REGISTRY)
_dead = Counter("juice_dead_letters", "Dead letters by reason.", ["reason"], registry=REGISTRY)
_lag = Histogram(
    "juice_event_lag_seconds",
    "Wall clock less event time when an event is accepted.",
    buckets=_LAGS,
    registry=REGISTRY,
)
_watermark = Gauge(
    "juice_watermark_timestamp_seconds",
    "Watermark of an input partition, event time.",
    ["partition"],
    registry=REGISTRY,
)
_consumer_lag = Gauge(
    "juice_consumer_lag_records", "Records not yet processed.", ["topic", "partition"], registry=REGISTRY
)
_sink_rows = Counter("juice_sink_rows", "Rows inserted into ClickHouse.", ["table"], registry=REGISTRY)
_sink_failures = Counter("juice_sink_failures", "Inserts that failed and were tried again.", registry=REGISTRY)
_sink_success = Gauge("juice_sink_last_success_timestamp_seconds", "When an insert last succeeded.", registry=REGISTRY)
_freshness = Histogram(
    "juice_freshness_seconds",
    "From append to Kafka until queryable in ClickHouse.",
    buckets=_SECONDS,
    registry=REGISTRY,
)
_state = Gauge("juice_state_keys", "Live keys in a table on this worker.", ["table"], registry=REGISTRY)
_waiting_keys = Gauge("juice_waiting_keys", "Keys that wait to be presented.", ["table"], registry=REGISTRY)
_waiting = Gauge(
    "juice_waiting_seconds", "Event time for which the key has waited that waits longest.", ["table"], registry=REGISTRY
)
_recovery = Gauge("juice_recovery_seconds", "How long the last recovery took.", registry=REGISTRY)
_recovered = Counter("juice_recovered_records", "Changelog records read in recoveries.", registry=REGISTRY)
_build = Info("juice_build", "What runs here.", registry=REGISTRY)
_batches = Counter("juice_stage_batches", "Batches of a stage.", ["stage"], registry=REGISTRY)
_records = Counter("juice_stage_records", "Input records of a stage.", ["stage"], registry=REGISTRY)
_compute = Histogram(
    "juice_stage_compute_seconds",
    "Computing the effects of a batch.",
    ["stage"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
_durable = Histogram(
    "juice_stage_flush_seconds", "Making a batch durable.", ["stage"], buckets=_SECONDS, registry=REGISTRY
)
_changelog_records = Counter("juice_changelog_records", "Records written to changelogs.", ["stage"], registry=REGISTRY)
_changelog_bytes = Counter("juice_changelog_bytes", "Bytes written to changelogs.", ["stage"], registry=REGISTRY)
_sent_bytes = Counter("juice_sent_bytes", "Bytes sent to other topics.", ["stage"], registry=REGISTRY)
_rebalances = Counter("juice_rebalances", "Rebalances this worker took part in.", registry=REGISTRY)
_refetches = Counter(
    "juice_refetches", "Polls fetched again because they began beyond the next offset.", registry=REGISTRY
)
_disconnects = Counter(
    "juice_kafka_disconnects", "Connections of a worker to brokers that broke or timed out.", registry=REGISTRY
)
_holes = Counter("juice_holes", "Batches refused because input before them was missing.", ["stage"], registry=REGISTRY)
_restarts = Counter("juice_worker_restarts", "Worker processes started again by their supervisor.", registry=REGISTRY)
_undos = Counter("juice_undos", "Undo events by what they found.", ["result"], registry=REGISTRY)
_ready = Gauge("juice_ready", "1 while the process does its work, 0 while it recovers or hangs.", registry=REGISTRY)
_stale = Counter(
    "juice_stale_events", "Events that became queryable later than the objective allows.", registry=REGISTRY
)
_insert = Histogram("juice_sink_insert_seconds", "Inserting a block of rows.", buckets=_SECONDS, registry=REGISTRY)
_inserting = Gauge(
    "juice_sink_inserting_seconds", "How long the inserts under way have taken so far.", registry=REGISTRY
)
_clock = Gauge("juice_clock_timestamp_seconds", "What the clock of the process says.", registry=REGISTRY)
_clock.set_function(wall)

# What the lookout sees from outside the path it looks at (sinks/lookout.py).
_group_lag = Gauge(
    "juice_group_lag_records",
    "Log end less what the consumer group has committed.",
    ["stage", "topic", "partition"],
    registry=REGISTRY,
)
_look_success = Gauge(
    "juice_look_last_success_timestamp_seconds",
    "When a look of the lookout last succeeded.",
    ["look"],
    registry=REGISTRY,
)
_look_seconds = Gauge("juice_look_duration_seconds", "How long the last such look took.", ["look"], registry=REGISTRY)
_look_failures = Counter("juice_look_failures", "Looks of the lookout that failed.", ["look"], registry=REGISTRY)
_residue = Gauge(
    "juice_conservation_residue_records",
    "Records read less accepted, duplicates and dead letters.",
    registry=REGISTRY,
)
_parts = Gauge("juice_clickhouse_parts", "Most active parts in one partition of a table.", ["table"], registry=REGISTRY)
_table_bytes = Gauge("juice_clickhouse_table_bytes", "Bytes of a table on disk.", ["table"], registry=REGISTRY)
_table_rows = Gauge("juice_clickhouse_table_rows", "Rows of a table in storage.", ["table"], registry=REGISTRY)

# What ClickHouse says about people, in numbers without names.
_accounts = Gauge(
    "juice_accounts", "Accounts that did or received anything in a window.", ["window"], registry=REGISTRY
)
_gini = Gauge(
    "juice_engagement_gini_ratio",
    "Gini coefficient of earned engagement received.",
    ["window"],
    registry=REGISTRY,
)
_herfindahl = Gauge(
    "juice_engagement_herfindahl_ratio",
    "Herfindahl index of earned engagement received.",
    ["window"],
    registry=REGISTRY,
)
_top_share = Gauge(
    "juice_engagement_top_share_ratio",
    "Share of earned engagement at the top 1 % of accounts.",
    ["window"],
    registry=REGISTRY,
)
_incentivised = Gauge(
    "juice_engagement_incentivised_ratio",
    "Share of engagement that was incentivised.",
    ["window"],
    registry=REGISTRY,
)
_rises = Gauge("juice_trends_raised", "Rises seen so far.", ["kind"], registry=REGISTRY)
_rising = Gauge("juice_trends_rising", "Rises that last.", ["kind"], registry=REGISTRY)
_cascades = Gauge("juice_cascades_growing", "Cascades shared within the last hour of event time.", registry=REGISTRY)
_largest = Gauge("juice_cascade_size_max", "Size of the largest of the growing cascades.", registry=REGISTRY)
_forecast = Gauge("juice_cascade_forecast_max", "Largest finite forecast of a growing cascade.", registry=REGISTRY)
_jumps = Gauge(
    "juice_accounts_follower_jump",
    "Accounts with a follower jump that engagement does not explain.",
    registry=REGISTRY,
)
_campaigns = Gauge("juice_campaigns", "Campaigns that anybody has entered.", ["kind", "state"], registry=REGISTRY)
_entrants = Gauge("juice_campaign_entrants", "Accounts with points in open campaigns.", ["kind"], registry=REGISTRY)
_signalled = Gauge(
    "juice_campaign_signalled_accounts",
    "Accounts in open campaigns that show a sign of gaming.",
    ["kind"],
    registry=REGISTRY,
)
_undisclosed = Gauge(
    "juice_campaign_undisclosed_entries",
    "Entries in open campaigns that do not say what they are.",
    ["kind"],
    registry=REGISTRY,
)
_rewards = Gauge(
    "juice_rewards", "Rewards by kind of campaign, standing or revoked.", ["kind", "state"], registry=REGISTRY
)

ANSWERS: Final[Mapping[str, Gauge]] = {
    gauge._name: gauge
    for gauge in (
        _residue, _parts, _table_bytes, _table_rows, _accounts, _gini, _herfindahl, _top_share, _incentivised, _rises,
        _rising, _cascades, _largest, _forecast, _jumps, _campaigns, _entrants, _signalled, _undisclosed, _rewards,
    )
}  # fmt: skip
"""Gauges that an answer of ClickHouse sets, by name: see `answered`."""

# From zero: a rate does not see the first increase of a series that begins with it.
for _outcome in ("accepted", "duplicate", "dead_letter"):
    _events.labels(_outcome)
for _reason in Reason:
    _dead.labels(_reason)


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
    """Count an undo: `applied`, `waiting` for its event, `repeated`, or `refused`."""
    _undos.labels(result).inc()


def watermark(partition: int, millis: int) -> None:
    """Note the watermark of an input partition."""
    _watermark.labels(str(partition)).set(millis / 1000)


def consumer_lag(lags: Mapping[tuple[str, int], int]) -> None:
    """Set how many records of each (topic, partition) wait; forget others."""
    _replace(_consumer_lag, {(topic, str(partition)): lag for (topic, partition), lag in lags.items()})


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


def waiting(table: str, keys: int, seconds: float) -> None:
    """Note how many keys of a table wait to be presented, and for how much event time the longest of them."""
    _waiting_keys.labels(table).set(keys)
    _waiting.labels(table).set(seconds)


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


def disconnect() -> None:
    """Count a connection to a broker that broke or timed out."""
    _disconnects.inc()


def hole(stage: str) -> None:
    """Count a batch with missing input before it; it must stay at zero."""
    _holes.labels(stage).inc()


def restarts(count: int) -> None:
    """Say how often the supervisor started this worker again."""
    _restarts.inc(count)


def inserted(table: str, rows: int, at: float, took: float | None = None) -> None:
    """Note an insert that succeeded at `at`, seconds since the epoch, and how many seconds it took."""
    _sink_rows.labels(table).inc(rows)
    _sink_success.set(at)
    if took is not None:
        _insert.observe(took)


def inserting(seconds: Callable[[], float]) -> None:
    """Say how to learn how long the inserts under way have taken so far."""
    _inserting.set_function(seconds)


def insert_failed() -> None:
    """Count an insert that will be tried again."""
    _sink_failures.inc()


def fresh(seconds: float, events: int = 0) -> None:
    """Note how old the oldest event of an insert was when it became queryable, and how many `events` it brought.

    All of them are taken to be as old as the oldest: the objective is held against the worst case.
    """
    _freshness.observe(max(seconds, 0.0))
    if seconds > OBJECTIVE_SECONDS:
        _stale.inc(events)


def group_lag(lags: Mapping[tuple[str, str, int], int]) -> None:
    """Set how many records of each (stage, topic, partition) its consumer group has not committed; forget others."""
    _replace(_group_lag, {(stage, topic, str(number)): lag for (stage, topic, number), lag in lags.items()})


def looks(names: Iterable[str]) -> None:
    """Say which looks there are: one that never succeeds is old from the beginning."""
    for look in names:
        _look_success.labels(look)
        _look_failures.labels(look)


def looked(look: str, at: float, took: float) -> None:
    """Note a look of the lookout that succeeded at `at`, seconds since the epoch, after `took` seconds."""
    _look_success.labels(look).set(at)
    _look_seconds.labels(look).set(took)


def look_failed(look: str) -> None:
    """Count a look of the lookout that failed; what it says stays as it was."""
    _look_failures.labels(look).inc()


def answered(values: Mapping[str, Mapping[tuple[str, ...], float]]) -> None:
    """Set the gauges of ANSWERS that are named, by label values; what is not said any more is forgotten."""
    for name, said in values.items():
        _replace(ANSWERS[name], said)


def _replace(gauge: Gauge, values: Mapping[tuple[str, ...], float]) -> None:
    """Set all of a gauge. Series that stay are never taken away, or a scrape in between would miss them."""
    if not gauge._labelnames:
        gauge.set(next(iter(values.values()), 0.0))
        return
    for labels in set(gauge._metrics) - set(values):
        gauge.remove(*labels)
    for labels, value in values.items():
        gauge.labels(*labels).set(value)


Health = Callable[[], dict[str, Any]]
"""Returns `{"live": bool, "ready": bool, …}`; the other keys say why."""


class _Server(ThreadingMixIn, WSGIServer):
    """Answers each on a thread of its own: who connects and asks nothing keeps nobody waiting."""

    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    timeout = 10.0
    """Seconds of silence after which who asked nothing is hung up on."""

    def log_message(self, format: str, *args: Any) -> None:
        """Log no request."""


def serve(host: str, port: int, health: Health) -> int:
    """Serve `/metrics`, `/healthz` (alive) and `/readyz` (ready) in a thread of its own; return the port.

    That is any free one where `port` is taken; SettingsError where one cannot listen for another reason.
    Nothing served here changes anything.
    """
    try:
        return _serve(host, port, health)
    except OSError as error:
        if port and error.errno == errno.EADDRINUSE:
            return serve(host, 0, health)
        raise refused(error, host, port) from None


def _serve(host: str, port: int, health: Health) -> int:
    metrics = make_wsgi_app(REGISTRY)
    _ready.set_function(lambda: float(bool(health()["ready"])))

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        path = environ.get("PATH_INFO", "")
        if environ.get("REQUEST_METHOD") not in ("GET", "HEAD"):
            start_response("405 Method Not Allowed", [("Allow", "GET, HEAD")])
            return []
        if path == "/metrics":
            return metrics(environ, start_response)
        if path not in ("/healthz", "/readyz"):
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"there are /metrics, /healthz and /readyz\n"]
        state = health()
        good = state["live"] if path == "/healthz" else state["ready"]
        start_response("200 OK" if good else "503 Service Unavailable", [("Content-Type", "application/json")])
        return [json.dumps(state).encode()]

    server: WSGIServer = make_server(host, port, application, _Server, _Quiet)
    threading.Thread(target=server.serve_forever, name="telemetry", daemon=True).start()
    return server.server_port
