"""What goes to the log, and how often."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
import structlog

from infra import logs
from infra.settings import load


@pytest.fixture
def loud(monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    """Give what is written with logs as a process has them, and take them away afterwards."""
    written = StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    root = logging.getLogger()
    level = root.level
    logs.configure(load({"JUICE_LOG": "json"}))
    (handler,) = root.handlers
    yield written
    root.removeHandler(handler)
    root.setLevel(level)
    structlog.reset_defaults()
    for name in logs.QUIET:
        logging.getLogger(name).setLevel(logging.NOTSET)


def events(written: StringIO) -> list[Any]:
    """Return what was said since."""
    lines = written.getvalue().splitlines()
    written.truncate(0)
    written.seek(0)
    return [json.loads(line)["event"] for line in lines]


def test_a_library_says_the_same_once_in_a_while(loud: StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it fills in; another thing, or another who says it, is heard at once, and we are always."""
    clock = [100.0]
    monkeypatch.setattr(logs, "monotonic", lambda: clock[0])
    conn, client = logging.getLogger("aiokafka.conn"), logging.getLogger("aiokafka.client")
    for node in range(400):
        conn.warning("Connection to node %s failed", node)
    conn.warning("No broker")
    client.warning("No broker")
    assert events(loud) == ["Connection to node 0 failed", "No broker", "No broker"]
    clock[0] += logs.EVERY
    conn.warning("Connection to node %s failed", 7)
    conn.warning("Connection to node %s failed", 8)
    assert events(loud) == ["Connection to node 7 failed (399 more like it were left out)"]
    for _ in range(2):
        structlog.get_logger("juice").warning("insert failed, trying again")
    assert events(loud) == ["insert failed, trying again"] * 2


def test_what_never_repeats_is_not_remembered_for_ever(loud: StringIO) -> None:
    """Some put names into what they say."""
    (seldom,) = next(each.filters for each in logging.getLogger().handlers if each.filters)
    for number in range(3 * logs.KNOWN):
        logging.getLogger("asyncio").warning(f"task {number}")
    assert len(events(loud)) == 3 * logs.KNOWN
    assert len(seldom._said) <= logs.KNOWN  # type: ignore[union-attr]


@pytest.mark.parametrize("who", ["urllib3.connectionpool", "clickhouse_connect.driver.httpclient"])
def test_what_the_client_of_clickhouse_meets_we_say_ourselves(loud: StringIO, who: str) -> None:
    """In one line."""
    logging.getLogger(who).error("Unexpected Http Driver Exception")
    assert events(loud) == []


def test_who_does_not_start_says_so_as_it_logs(loud: StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    """In JSON for who collects JSON, else as commands say what is wrong."""
    logs.complain(load({"JUICE_LOG": "json"}), "topics are missing")
    said = json.loads(loud.getvalue())
    assert (said["event"], said["error"], said["level"]) == ("not started", "topics are missing", "error")
    logs.complain(load({}), "topics are missing")
    assert capsys.readouterr().err == "juice: topics are missing\n"
