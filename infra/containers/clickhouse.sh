#!/bin/bash
# ClickHouse's entry point with the hashes of passwords in its environment, where clickhouse-users.xml looks for them.
set -eu
for role in operator sink reader; do
    password=$(cat "${SECRETS:-/run/secrets}/clickhouse_$role") # the shell drops the newline at the end
    export "JUICE_${role^^}_SHA256=$(printf %s "$password" | sha256sum | cut -d ' ' -f 1)"
done
unset password
exec "${@:-/entrypoint.sh}"
