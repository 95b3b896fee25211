"""ClickHouse's Kafka engine: started here, watched here, all work done in the server."""

from __future__ import annotations

import time
from pathlib import Path

import clickhouse_connect

from infra.bench.programs.task import Meter, Task, write_counts

BEGUN = "SELECT sum(num_messages_read) FROM system.kafka_consumers WHERE database = currentDatabase()"
COUNTED = "SELECT sum(actions) FROM counts"
COUNTS = "SELECT account, toUnixTimestamp(minute) * 1000, sum(actions) FROM counts GROUP BY ALL"


def main(task: Task) -> None:
    """Create the tables, wait until the sum of the counts is complete, drop them again."""
    database = task.name.replace("-", "_")
    server = clickhouse_connect.get_client(dsn=task.clickhouse, autogenerate_session_id=False)
    server.command(f"CREATE DATABASE {database}")
    try:
        count(task, database)
    finally:
        server.command(f"DROP DATABASE {database}")


def count(task: Task, database: str) -> None:
    """Let the server count in `database`."""
    client = clickhouse_connect.get_client(dsn=task.clickhouse, database=database, autogenerate_session_id=False)
    script = Path(__file__).with_suffix(".sql").read_text()
    for statement in script.format(broker=task.broker, topic=task.topic, name=task.name).split(";\n"):
        client.command(statement)

    def number(query: str) -> int:
        return int(client.query(query).result_rows[0][0])

    meter = Meter(task)
    while not number(BEGUN):
        time.sleep(0.005)
    meter.say("at")  # the first counts come with the first block, which may be the only one
    complete = False
    while not complete:
        time.sleep(0.01)
        new = number(COUNTED) - meter.counted
        complete = new > 0 and meter.add(new)
    meter.done()
    cells = client.query(COUNTS).result_rows
    write_counts(task, ((account, minute, actions) for account, minute, actions in cells))


if __name__ == "__main__":
    main(Task.from_arguments())
