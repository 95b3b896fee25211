"""Kafka and ClickHouse that ask who everybody is: everything works with the least rights, and nobody gets further."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import trustme
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from infra.database import ClickHouseError, connect
from infra.kafka import admin_client, client_settings
from infra.settings import Settings, SettingsError, load
from streams.operations.access import acl_commands
from streams.operations.rebuild import plan
from tests.harness import Running
from tests.security.conftest import EVENTS, Life
from tests.security.world import DATABASE, ROLES, said, secret


def as_role(life: Life, role: str) -> Settings:
    """Return the settings of a role."""
    here = life.here
    return load(here.environ | {f"JUICE_{name.upper()}": value for name, value in here.login(role).items()})


def listening(process: Running) -> list[tuple[str, int]]:
    """Return every address a process and its children listen on."""
    found = [c for p in process.family for c in p.net_connections(kind="inet") if c.status == psutil.CONN_LISTEN]
    return [(c.laddr.ip, c.laddr.port) for c in found]


def test_everything_works_with_the_least_rights(life: Life) -> None:
    """Worker, sink, page, replay, migrate and drain each do their work as a user with what `juice access` prints."""
    _, differences, conservation = life.here.audit()
    assert differences == []
    assert conservation.holds
    assert (conservation.accepted, conservation.dead_letters) == (EVENTS, 1)
    for process in life.processes:
        assert process.alive, process.said()[-2000:]
    again = life.here.juice("migrate")
    assert again.returncode == 0, again.stderr
    assert "nothing to do" in again.stdout


def test_the_page_answers_a_user_who_may_only_look(life: Life) -> None:
    """The page of a user with SELECT and no more shows the accounts that were counted, how the pipeline is, and news."""
    [(_, port)] = listening(life.page)
    for path, shown in (("api/leaderboard?window=30d", b'"b"'), ("api/pipeline", b'"account_scores')):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=30) as answer:
            assert shown in answer.read(), path
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/events", timeout=30) as answer:
        data = next(line for line in answer if line.startswith(b"data:"))
    assert json.loads(data.removeprefix(b"data:"))["up"], data


def test_the_lookout_sees_all_it_asks_for(life: Life) -> None:
    """No look of the sink's lookout lacks a right: each succeeds."""
    url = f"http://127.0.0.1:{listening(life.sink)[0][1]}/metrics"
    deadline = time.monotonic() + 120  # the first look at lags may come before its group is made
    seen: dict[str, float] = {}
    while (not seen or not all(seen.values())) and time.monotonic() < deadline:
        with urllib.request.urlopen(url, timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        name = "juice_look_last_success_timestamp_seconds"
        seen = {line.split()[0]: float(line.split()[1]) for line in lines if line.startswith(name)}
        time.sleep(0.2)
    assert seen
    assert all(seen.values()), seen


REFUSED_SQL = {
    "sink": ("DROP TABLE {db}.events_store", "ALTER TABLE {db}.events_store DELETE WHERE 1", "CREATE DATABASE other"),
    "reader": (
        "INSERT INTO {db}.ties_store (source) VALUES ('x')",
        "ALTER TABLE {db}.ties_store DELETE WHERE 1",
        "DROP VIEW {db}.ties",
        "CREATE TABLE {db}.t (n Int8) ENGINE = Memory",
    ),
    "operator": (
        "DROP TABLE {db}.events_store",
        "DROP DATABASE {db}",
        "CREATE TABLE default.t (n Int8) ENGINE = Memory",
    ),
}


@pytest.mark.parametrize(("role", "sql"), [(role, sql) for role, all_ in REFUSED_SQL.items() for sql in all_])
def test_clickhouse_refuses_what_a_role_does_not_need(life: Life, role: str, sql: str) -> None:
    """The sink cannot destroy, a reader cannot write, an operator cannot drop data or leave the database."""
    with pytest.raises(ClickHouseError, match=r"Not enough privileges|ACCESS_DENIED"):
        connect(as_role(life, role)).command(sql.replace("{db}", DATABASE))


def test_a_rebuild_by_who_may_not_see_the_workers_is_refused(life: Life) -> None:
    """Workers run that this user may not see: that they are not shown does not mean that there are none."""
    with pytest.raises((SettingsError, KafkaError), match="GroupAuthorizationFailed"):
        plan(as_role(life, "producer"))


def _send(settings: Settings, topic: str) -> None:
    producer = KafkaProducer(**client_settings(settings, settings.kafka), max_block_ms=5_000)
    try:
        producer.send(topic, b"{}", partition=0).get(10)
    finally:
        producer.close(timeout=1)


def _read(settings: Settings, topic: str) -> None:
    consumer = KafkaConsumer(**client_settings(settings, settings.kafka), group_id=None)
    try:
        if not consumer.partitions_for_topic(topic):
            raise KafkaError("not to be seen")
        raise AssertionError(f"{topic} can be read")
    finally:
        consumer.close()


@pytest.mark.parametrize(
    ("role", "attempt", "topic"),
    [
        ("worker", _send, "social.events"),
        ("sink", _send, "juice.rows"),
        ("producer", _send, "juice.routed"),
        ("producer", _read, "social.dead-letters"),
        ("reader", _read, "social.events"),
    ],
)
def test_kafka_refuses_what_a_role_does_not_need(
    life: Life, role: str, attempt: Callable[[Settings, str], None], topic: str
) -> None:
    """A worker sends no events, a sink no rows, a producer nothing between stages, and each sees only its own."""
    with pytest.raises(KafkaError):
        attempt(as_role(life, role), life.here.names.namespace + topic)


def test_without_a_login_there_is_no_way_in(life: Life) -> None:
    """Kafka does not talk to a client in the clear, nor ClickHouse to one without a password."""
    with pytest.raises(KafkaError):
        KafkaAdminClient(bootstrap_servers=life.here.stack.kafka, bootstrap_timeout_ms=2_000)
    nobody = load(life.here.environ | {"JUICE_CLICKHOUSE_USER": "default", "JUICE_CLICKHOUSE_PASSWORD_FILE": ""})
    with pytest.raises(ClickHouseError, match="Not enough privileges"):
        connect(nobody).query(f"SELECT count() FROM {DATABASE}.events")


def knock(found: Settings) -> None:
    """Ask both servers to be let in."""
    connect(found).close()
    with admin_client(found, found.kafka):
        pass


def test_who_is_refused_is_told_so_in_one_clear_line(life: Life, tmp_path: Path) -> None:
    """A wrong password, an unknown user, a server that nobody vouches for: one line that says who and where."""
    trustme.CA().cert_pem.write_to_path(strange := tmp_path / "ca.pem")
    other = str(life.here.secrets / "kafka_sink")
    for settings, words in (
        ({"JUICE_KAFKA_PASSWORD_FILE": other}, "no broker lets us in as juice-operator with SASL_SSL at "),
        ({"JUICE_KAFKA_CA": str(strange)}, "no broker lets us in as juice-operator with SASL_SSL at "),
        ({"JUICE_CLICKHOUSE_PASSWORD_FILE": other}, "ClickHouse at https://localhost:"),
        ({"JUICE_CLICKHOUSE_CA": str(strange)}, "ClickHouse at https://localhost:"),
        ({"JUICE_CLICKHOUSE_USER": "nobody"}, "ClickHouse at https://localhost:"),
    ):
        found = load(life.here.environ | settings)
        with pytest.raises(SettingsError) as caught:
            knock(found)
        assert str(caught.value).startswith(words), settings
        assert "\n" not in str(caught.value)


def test_no_secret_is_ever_said(life: Life) -> None:
    """No password is in any log at level debug, in `juice config`, or in what a command that fails prints."""
    here = life.here
    other, worker, sink = str(here.secrets / "kafka_sink"), here.login("worker"), here.login("sink")
    attempts: tuple[tuple[tuple[str, ...], dict[str, str], int], ...] = (
        (("config",), {}, 0),
        (("config", "--json"), {}, 0),
        (("worker",), {**worker, "kafka_password_file": other}, 2),
        (("sink",), {**sink, "clickhouse_password_file": str(here.secrets / "clickhouse_reader")}, 2),
        (("sink",), {"sink_rows": secret("worker")}, 2),
        (("migrate",), {"clickhouse": f"https://me:{secret('producer')}@localhost:1"}, 2),
    )
    with ThreadPoolExecutor(len(attempts)) as pool:
        done = list(pool.map(lambda attempt: here.juice(*attempt[0], **attempt[1]), attempts))
    assert [each.returncode for each in done] == [code for _, _, code in attempts], [said(each)[-500:] for each in done]
    assert "********" in said(done[0])
    outputs = {process.log.name: process.said() for process in here.running}
    outputs |= {f"{number}: {attempts[number][0]}": said(each) for number, each in enumerate(done)}
    assert all(outputs.values())
    for role in ROLES:
        assert [name for name, text in outputs.items() if secret(role) in text] == [], role


def test_everything_listens_on_loopback_and_nothing_can_be_changed_over_http(life: Life) -> None:
    """Worker, sink and page listen on 127.0.0.1 alone, and answer no request but GET with anything but a refusal."""
    for process in life.processes:
        found = listening(process)
        assert found, process.name
        assert {host for host, _ in found} == {"127.0.0.1"}, process.name
        for _, port in found:
            for path in ("/", "/metrics", "/healthz", "/api/leaderboard"):
                for method in ("POST", "PUT", "DELETE", "PATCH"):
                    asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=b"{}", method=method)
                    with pytest.raises(urllib.error.HTTPError) as caught:
                        urllib.request.urlopen(asked, timeout=30)
                    assert caught.value.code in (404, 405), (process.name, method, path)


def test_the_rights_are_printed_as_they_were_given(life: Life) -> None:
    """`juice access` prints the grants and ACLs with which all of the above ran."""
    printed = life.here.juice("access", "clickhouse").stdout.splitlines()
    given = [f"{grant} TO juice_{role.name};" for role in ROLES.values() for grant in role.clickhouse]
    assert [line for line in printed if line.startswith("GRANT")] == given
    for role in ROLES.values():
        assert len(list(acl_commands(role))) == len(role.kafka)
        assert all(f"User:juice-{role.name} " in command for command in acl_commands(role))
