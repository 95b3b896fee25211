#!/bin/bash
# Sourced once by ClickHouse's entry point, on an empty volume: a user for Grafana that may look, and only that.
grafana_password=$(cat /run/secrets/clickhouse_grafana_password)
clickhouse-client --host 127.0.0.1 --user "$CLICKHOUSE_USER" --password "$(cat "$CLICKHOUSE_PASSWORD_FILE")" --multiquery <<SQL
CREATE SETTINGS PROFILE IF NOT EXISTS looker SETTINGS readonly = 2, max_execution_time = 30, max_memory_usage = 2000000000;
CREATE USER IF NOT EXISTS grafana IDENTIFIED WITH sha256_password BY '${grafana_password//\'/}' SETTINGS PROFILE 'looker';
GRANT SELECT ON juice.* TO grafana;
SQL
unset grafana_password
