"""One Kafka node in KRaft mode: its properties, its storage, its process. Broker and controller in one.

With one node nothing is replicated; with three, every topic has three replicas and needs two for a write.
The quorum is named by static voters, so that ports may change from one start to the next.
"""

from __future__ import annotations

import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from infra.stack import artifacts, ports
from infra.stack.errors import StartFailed
from infra.stack.home import Home, write_private
from infra.stack.java import find
from infra.stack.process import Process, spawn
from infra.stack.state import Service, State

LARGEST_MESSAGE = 32 * 1024 * 1024  # bytes: a producer that batches a whole partition must fit
HEAP = (
    "-Xms128m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
)  # two cores: one collector thread steals least from others
QUICK = "-XX:TieredStopAtLevel=1"
"""Only the first compiler: what the second costs comes back after more minutes than a local broker lives. A broker spends
14 instead of 22 us on an event of the bench (medians of two runs each, in turn)."""


def new_cluster_id() -> str:
    """A random cluster id in Kafka's form: 16 bytes, base64 for URLs, 22 characters."""
    while (name := urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass  # a leading dash would be read as an option by Kafka's tools
    return name


def properties(home: Home, state: State, node: int) -> dict[str, str]:
    """The `server.properties` of one node. `state.properties` are laid over all others.

    Listeners: CLIENT for everybody, INTERNAL for the brokers among themselves (and for the readiness check,
    which therefore works whatever security CLIENT is given), CONTROLLER for the quorum.
    """
    brokers = state.brokers
    me = brokers[node - 1]
    host = ports.LOOPBACK
    replicas = str(len(brokers))
    in_sync = "2" if len(brokers) >= 3 else "1"
    clients = f"CLIENT://{host}:{me.port},INTERNAL://{host}:{me.internal}"
    own = {
        "process.roles": "broker,controller",
        "node.id": str(node),
        "controller.quorum.voters": ",".join(f"{b.node}@{host}:{b.controller}" for b in brokers),
        "listeners": f"{clients},CONTROLLER://{host}:{me.controller}",
        "advertised.listeners": clients,
        "listener.security.protocol.map": "CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "INTERNAL",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(home.kafka(node) / "data"),
        # Topics are made by `juice migrate`; one that a typing error makes would hide the error.
        "auto.create.topics.enable": "false",
        "default.replication.factor": replicas,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": replicas,
        "offsets.topic.num.partitions": "8",  # 50 by default: a small machine's start is slower for it
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": in_sync,
        "transaction.state.log.num.partitions": "8",
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": in_sync,
        # Records keep the time of their events, so any limit by age would delete a replay of 2012 at once.
        "log.retention.ms": "-1",
        "message.max.bytes": str(LARGEST_MESSAGE),
        "replica.fetch.max.bytes": str(LARGEST_MESSAGE),
        "replica.fetch.response.max.bytes": str(LARGEST_MESSAGE),
        "socket.request.max.bytes": str(4 * LARGEST_MESSAGE),
        # A broker that was killed may not come back before its session is over, 9 s by default.
        "broker.session.timeout.ms": "4000",
        "broker.heartbeat.interval.ms": "1000",
        "metadata.max.idle.interval.ms": "5000",  # a record synced to disk twice a second, for nothing here
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "num.network.threads": "2",
        "num.io.threads": "4",
        "background.threads": "2",
        "num.recovery.threads.per.data.dir": "2",
        "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),  # 128 MiB by default, a quarter of the heap
    }
    filled = {
        key: value.format(node=node, port=me.port, internal=me.internal) for key, value in state.properties.items()
    }
    return own | filled


def prepare(home: Home, state: State, nodes: Sequence[int]) -> None:
    """Write the properties of these nodes and format the storage of those that have none yet."""
    for node in nodes:
        home.kafka(node).mkdir(parents=True, exist_ok=True)
        lines = (f"{key}={value}\n" for key, value in properties(home, state, node).items())
        write_private(config_path(home, node), "".join(lines).replace("\\", "\\\\").encode())
    bare = [node for node in nodes if not (home.kafka(node) / "data" / "meta.properties").exists()]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda node: _format(config_path(home, node), state.cluster), bare))


def start(home: Home, node: int) -> Process:
    """Start a prepared node. Does not wait for it."""
    return spawn([*_java(*HEAP), *command_end(home, node)], log=home.log(f"kafka-{node}"))


def config_path(home: Home, node: int) -> Path:
    """The node's properties file."""
    return home.kafka(node) / "server.properties"


def command_end(home: Home, node: int) -> tuple[str, str]:
    """The last words of the node's command line, which no other process has."""
    return "kafka.Kafka", str(config_path(home, node))


def ready(broker: Service, state: State) -> bool:
    """True when this broker takes clients and knows every broker of the stack that runs."""
    if not all(ports.listens(broker.process, port) for port in broker.ports):
        return False
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=f"{ports.LOOPBACK}:{broker.internal}",
            bootstrap_timeout_ms=3000,
            request_timeout_ms=3000,
        )
        try:
            known = {member["broker_id"] for member in admin.describe_cluster()["brokers"]}
        finally:
            admin.close()
    except KafkaError:
        return False
    return known >= {other.node for other in state.brokers if other.alive()}


def _format(config: Path, cluster: str) -> None:
    command = [*_java("-Xmx128m"), "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StartFailed(
            f"the storage in {config.parent} could not be formatted:\n{(done.stdout + done.stderr).strip()}"
        )


def _java(*options: str) -> list[str]:
    logging = resources.files("infra.stack") / "log4j2.xml"
    return [
        str(find().path),
        *options,
        QUICK,
        "-XX:+ExitOnOutOfMemoryError",
        f"-Dlog4j2.configurationFile={logging}",
        "-Dfile.encoding=UTF-8",
        "-Duser.timezone=UTC",
        "-cp",
        ":".join(map(str, artifacts.kafka_jars())),
    ]
