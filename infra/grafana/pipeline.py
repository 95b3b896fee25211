"""The dashboard of those on call: is it well, where is it stuck, what is it short of?"""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, QueryVariable, Row
from grafana_foundation_sdk.models.dashboard import VariableOption, VariableRefresh

from infra.grafana.parts import PROMETHEUS, board, curve, number, over, prom


def pipeline() -> Dashboard:
    """Return the dashboard *Pipeline*."""
    made = board("juice-pipeline", "juice · Pipeline", "From Kafka to ClickHouse, for those on call.", since="now-1h")
    everything = VariableOption(selected=True, text="All", value="$__all")
    made.with_variable(
        QueryVariable("instance")
        .label("process")
        .datasource(PROMETHEUS)
        .query('label_values(up{job=~"juice-.*"}, instance)')
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(everything)
    )
    _health(made)
    _stages(made)
    _sink(made)
    _processes(made)
    return made


def _health(made: Dashboard) -> None:
    made.with_row(Row("Is it well?"))
    for panel in (
        number(
            "Events per second",
            "Records read from social.events.",
            prom(("sum(outcome:juice_events:rate5m)", "")),
            unit="ops",
        ),
        number(
            "Freshness, 99 of 100",
            "From append to Kafka until queryable. The objective is 30 s.",
            prom(("juice:juice_freshness_seconds:p99_5m", "")),
            unit="s",
            steps=over(10, 30),
        ),
        number(
            "Missed the objective",
            "Share of events that took longer than 30 s in the last hour; 1 % may.",
            prom(("juice:juice_stale_events:ratio_rate1h", "")),
            unit="percentunit",
            steps=over(0.005, 0.01),
        ),
        number(
            "Records waiting",
            "Log ends less committed offsets, all stages.",
            prom(("sum(stage:juice_group_lag_records:sum)", "")),
            steps=over(10_000, 100_000),
        ),
        number(
            "Residue",
            "Records read that are neither accepted, duplicates nor dead letters. Zero once nothing is under way.",
            prom(("max(juice_conservation_residue_records)", "")),
            steps=over(1, 1),
        ),
        number(
            "Processes ready",
            "Workers and sinks that do their work.",
            prom(("sum by (job) (juice_ready)", "{{job}}")),
            steps=((None, "red"), (1, "green")),
        ),
    ):
        made.with_panel(panel)


def _stages(made: Dashboard) -> None:
    made.with_row(Row("Stages: rate, errors, duration"))
    for panel in (
        curve(
            "Records per second",
            "Input records by stage.",
            prom(("stage:juice_stage_records:rate5m", "{{stage}}")),
            unit="ops",
        ),
        curve(
            "What became of them",
            "Records of social.events per second by outcome.",
            prom(("outcome:juice_events:rate5m", "{{outcome}}")),
            unit="ops",
            stacked=True,
        ),
        curve(
            "Dead letters",
            "Per second by reason; more than 0.1 % of all records raises an alert.",
            prom(("reason:juice_dead_letters:rate5m", "{{reason}}")),
            unit="ops",
        ),
        curve(
            "Records waiting",
            "Measured from outside: what the broker holds less what the groups committed.",
            prom(("stage:juice_group_lag_records:sum", "{{stage}}")),
        ),
        curve(
            "Making a batch durable, 99 of 100",
            "Sends, state and progress, each acknowledged.",
            prom(
                (
                    "histogram_quantile(0.99, sum by (stage, le) "
                    "(rate(juice_stage_flush_seconds_bucket[$__rate_interval])))",
                    "{{stage}}",
                )
            ),
            unit="s",
        ),
        curve(
            "Event time behind the wall clock",
            "Per input partition. Large and steady in a replay of old events; growing: nothing comes, or it is stuck.",
            prom(("time() - max by (partition) (juice_watermark_timestamp_seconds)", "partition {{partition}}")),
            unit="s",
        ),
    ):
        made.with_panel(panel)


def _sink(made: Dashboard) -> None:
    made.with_row(Row("Sink and ClickHouse"))
    for panel in (
        curve(
            "Rows per second",
            "Rows inserted by table.",
            prom(("table:juice_sink_rows:rate5m", "{{table}}")),
            unit="ops",
        ),
        curve(
            "Freshness",
            "From append to Kafka until queryable.",
            prom(("juice:juice_freshness_seconds:p50_5m", "p50"), ("juice:juice_freshness_seconds:p99_5m", "p99")),
            unit="s",
            steps=over(10, 30),
        ),
        curve(
            "Inserts",
            "99 of 100 take less; what has not ended yet hangs; failures are tried again.",
            prom(
                (
                    "histogram_quantile(0.99, sum by (le) (rate(juice_sink_insert_seconds_bucket[$__rate_interval])))",
                    "p99, s",
                ),
                ("sum(rate(juice_sink_failures_total[$__rate_interval]))", "failures per second"),
                ("max(juice_sink_inserting_seconds)", "not ended yet, s"),
            ),
        ),
        curve(
            "Active parts",
            "Most in one partition. 300 raises an alert, 1,000 slows inserts.",
            prom(("max by (table) (juice_clickhouse_parts)", "{{table}}")),
            steps=over(300, 1000),
        ),
        curve(
            "Size on disk",
            "By table.",
            prom(("max by (table) (juice_clickhouse_table_bytes)", "{{table}}")),
            unit="bytes",
        ),
        curve(
            "Looks of the lookout",
            "Seconds since each last succeeded: above 300 its numbers are old.",
            prom(("time() - max by (look) (juice_look_last_success_timestamp_seconds)", "{{look}}")),
            unit="s",
            steps=over(120, 300),
        ),
    ):
        made.with_panel(panel)


def _processes(made: Dashboard) -> None:
    made.with_row(Row("Processes: utilisation, saturation, errors"))
    of = '{job=~"juice-.*", instance=~"$instance"}'
    for panel in (
        curve(
            "Cores used",
            "CPU seconds per second.",
            prom((f"rate(process_cpu_seconds_total{of}[$__rate_interval])", "{{job}} {{instance}}")),
        ),
        curve(
            "How busy a worker is",
            "Share of time in each stage; all together at 1, the worker is full.",
            prom(('instance_stage:juice_stage_busy:ratio_rate5m{instance=~"$instance"}', "{{stage}} {{instance}}")),
            unit="percentunit",
            stacked=True,
        ),
        curve(
            "Memory", "Resident.", prom((f"process_resident_memory_bytes{of}", "{{job}} {{instance}}")), unit="bytes"
        ),
        curve(
            "Live keys",
            "State by table, all workers.",
            prom(("sum by (table) (juice_state_keys)", "{{table}}")),
            stacked=True,
        ),
        curve(
            "How long scores wait",
            "Event time by which rows that are derived, scores among them, lag behind counts. Near zero while workers keep up.",
            prom(("max by (table) (juice_waiting_seconds)", "{{table}}")),
            unit="s",
            steps=over(60, 600),
        ),
        curve(
            "Written to changelogs",
            "Bytes per second by stage.",
            prom(("sum by (stage) (rate(juice_changelog_bytes_total[$__rate_interval]))", "{{stage}}")),
            unit="Bps",
        ),
        curve(
            "Restlessness",
            "Rebalances, restarts and polls fetched again. Holes must stay at zero.",
            prom(
                ("sum(increase(juice_rebalances_total[10m]))", "rebalances in 10 min"),
                ("sum(juice_worker_restarts_total)", "restarts"),
                ("sum(increase(juice_refetches_total[10m]))", "refetches in 10 min"),
                ("max(juice_recovery_seconds)", "last recovery, s"),
            ),
        ),
        curve(
            "Connections to Kafka lost",
            "Per second, by worker. Steady: the network, or a broker that is overloaded.",
            prom(
                (
                    'rate(juice_kafka_disconnects_total{job="juice-worker", instance=~"$instance"}[$__rate_interval])',
                    "{{job}} {{instance}}",
                )
            ),
            unit="cps",
        ),
        curve(
            "Clocks",
            "How far each process is from the clock of Prometheus. No count depends on it; freshness and ages do.",
            prom(
                (
                    f"abs(juice_clock_timestamp_seconds{of} - timestamp(juice_clock_timestamp_seconds{of}))",
                    "{{job}} {{instance}}",
                )
            ),
            unit="s",
            steps=over(1, 10),
        ),
    ):
        made.with_panel(panel)
