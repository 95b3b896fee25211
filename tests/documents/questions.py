"""The questions of docs/queries.md: taken from the page, asked, and timed. `python -m tests.documents.questions`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from clickhouse_connect.driver.client import Client
from rich.console import Console
from rich.table import Table

from infra.database import connect
from infra.settings import load

PAGE = Path(__file__).parents[2] / "docs" / "queries.md"
TRIVIAL = "SELECT count(), max(time) FROM juice.events"
"""The least that a question about events costs: to read the time of each."""


class Question(NamedTuple):
    """A question in words, its query as analysts write it, and what the page says of reading the answer."""

    words: str
    sql: str
    reading: str


def questions() -> list[Question]:
    """Return the questions of the page, in its order."""
    found = []
    for section in re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)[1:]:
        words, rest = section.split("\n", 1)
        (sql,) = re.findall(r"^```sql\n(.+?)^```\n", rest, re.MULTILINE | re.DOTALL)
        found.append(Question(words, sql, re.split(r"^# ", rest.rsplit("```", 1)[1], flags=re.MULTILINE)[0].strip()))
    return found


def ask(client: Client, database: str, sql: str) -> tuple[list[tuple[object, ...]], float]:
    """Return the answer, and how long the server took by its own clock, in seconds."""
    result = client.query(re.sub(r"\bjuice\.", f"{database}.", sql))
    return [tuple(row) for row in result.result_rows], int(str(result.summary["elapsed_ns"])) / 1e9


def best(client: Client, database: str, sql: str, times: int = 3) -> float:
    """Return the shortest of some answers, in seconds."""
    return min(ask(client, database, sql)[1] for _ in range(times))


def main() -> None:
    """Ask an installation every question and print how long the best of three answers took."""
    found = load()
    client = connect(found)
    table = Table(box=None, pad_edge=False)
    for heading in ("question", "rows", "ms"):
        table.add_column(heading, justify="left" if heading == "question" else "right")
    for question in questions():
        rows, _ = ask(client, found.database, question.sql)
        table.add_row(question.words, str(len(rows)), f"{best(client, found.database, question.sql) * 1000:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
