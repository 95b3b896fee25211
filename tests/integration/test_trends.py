"""Trends on a real topic and in a real ClickHouse."""

from __future__ import annotations

import json

from infra.kafka import reader
from streams.replay.log import records
from tests.conftest import Living


def test_the_topic_and_the_table_say_the_same_of_what_rises(living: Living) -> None:
    """What was told on social.trends is what trends shows: the last word for each id."""
    said = {}
    with reader(living.here.settings, living.here.stack.kafka) as consumer:
        for record in records(consumer, living.here.names.trends):
            message = json.loads(record.value)
            said[message["id"]] = (message["kind"], message["name"], message["raised_at"])
    shown = living.here.query("SELECT id, kind, name, toUnixTimestamp(raised_at) FROM {db}.trends")
    assert {id: tuple(rest) for id, *rest in shown} == {id: told for id, told in said.items() if told[2]}
    assert {"tag", "cascade"} == {kind for kind, _, _ in said.values()}
