"""Every fault: how it is made, how it is lifted, and how it is known to have happened."""

from __future__ import annotations

import re
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError

from infra import stack as local
from infra.kafka import ends
from tests.faults.world import World, wait
from tests.harness import Running

Hold = Callable[[], None]
"""Returns when a fault has been kept up for long enough. A fault of several steps may call it at each."""


@dataclass(frozen=True)
class Fault:
    """A fault; `happen` makes it, keeps it up while it is held, lifts it, and returns what shows that it fired."""

    name: str
    happen: Callable[[World, Hold], str]
    brokers: int = 1
    """How many it needs. With three, topics have three replicas and want two in sync; the short form has one."""
    lasts: float = 0.0
    """Seconds it is kept up whatever is asked; such a one happens once in a long run, and not in the short form."""


SLOW = 0.15
"""Seconds that each piece waits on a slow connection."""


def leader(world: World) -> int:
    """Return the node that leads partition 0 of juice.routed; -1 while there is none, or nobody who knows."""
    admin = world.admin()
    try:
        [topic] = admin.describe_topics([world.here.names.routed])
        return next(int(p["leader_id"]) for p in topic["partitions"] if p["partition_index"] == 0)
    except KafkaError:
        return -1
    finally:
        admin.close()


def leader_killed(world: World, hold: Hold) -> str:
    """A leader is killed; the two others go on, in sync and writable; it comes back."""
    wait("a leader", lambda: leader(world) != -1)
    before = leader(world)
    local.stop(world.home, f"kafka-{before}", signal.SIGKILL)
    wait("another leader", lambda: leader(world) not in (before, -1))
    after = leader(world)
    hold()
    local.up(world.home)
    return f"kafka-{before} led, then kafka-{after}"


def broker_killed(world: World, hold: Hold) -> str:
    """The only broker is killed: nobody can be reached; it comes back."""
    before = world.brokers[0].unreachable
    local.stop(world.home, "kafka-1", signal.SIGKILL)
    wait("somebody who misses it", lambda: world.brokers[0].unreachable > before)
    begun = time.monotonic()
    hold()
    # Longer than a session: the worker loses its lease and is started while nobody is there.
    session = world.here.settings.session_timeout / 1000
    time.sleep(max(begun + session + 2 - time.monotonic(), 0.0))
    local.up(world.home)
    return f"{world.brokers[0].unreachable - before} connections found nobody"


def two_brokers_killed(world: World, hold: Hold) -> str:
    """Two of three are killed: nothing can be written, for want of replicas in sync; both come back."""
    for node in (2, 3):
        local.stop(world.home, f"kafka-{node}", signal.SIGKILL)
    producer = KafkaProducer(bootstrap_servers=world.info.kafka_internal, acks="all", delivery_timeout_ms=3_000,
                             request_timeout_ms=2_500, linger_ms=0, max_block_ms=5_000)  # fmt: skip
    try:
        producer.send(world.here.names.rewards, b"{}", partition=0).get(10)
        refused = ""
    except KafkaError as error:
        refused = error.__class__.__name__
    with suppress(KafkaError):
        producer.close(timeout=0)
    assert refused, "a write went through with one broker of three"
    hold()
    local.up(world.home)
    return f"a write was refused ({refused})"


def clickhouse_killed(world: World, hold: Hold) -> str:
    """ClickHouse is killed, and back after a while."""
    before = failures(world.sink)
    local.stop(world.home, "clickhouse", signal.SIGKILL)
    wait("a failed insert", lambda: failures(world.sink) > before)
    hold()
    local.start(world.home, "clickhouse")
    return f"{failures(world.sink) - before} inserts failed"


def clickhouse_frozen(world: World, hold: Hold) -> str:
    """ClickHouse stops answering without closing a connection, and goes on where it was."""
    local.send(world.home, "clickhouse", signal.SIGSTOP)
    try:
        urllib.request.urlopen(f"{world.info.clickhouse}/ping", timeout=1)
        answered = True
    except (urllib.error.URLError, TimeoutError):
        answered = False
        hold()
    finally:
        local.send(world.home, "clickhouse", signal.SIGCONT)
    assert not answered, "a frozen ClickHouse answered"
    return "no answer for 1 s"


def answer_lost(world: World, hold: Hold) -> str:
    """An insert succeeds and its answer gets lost: the same block comes again, and counts once."""
    before, failed = world.house.lost, failures(world.sink)
    world.house.lose = b"insert_deduplication_token"
    wait("a lost answer", lambda: world.house.lost > before and failures(world.sink) > failed)
    hold()
    world.house.lose = b""
    return f"{world.house.lost - before} answers lost"


def clickhouse_slow(world: World, hold: Hold) -> str:
    """Every piece of what goes to ClickHouse and back is late."""
    before = world.house.slowed
    world.house.slow = SLOW
    wait("something slow", lambda: world.house.slowed > before)
    hold()
    world.house.slow = 0.0
    return f"{world.house.slowed - before} pieces held for {SLOW} s"


def clickhouse_cut(world: World, hold: Hold) -> str:
    """Connections to ClickHouse break in the middle, again and again, and new ones are turned away."""
    before, failed = world.house.cuts, failures(world.sink)
    world.house.closed = True
    world.house.cut()
    wait("a failed insert", lambda: (world.house.cut(), failures(world.sink) > failed)[1])
    hold()
    world.house.closed = False
    return f"{world.house.cuts - before} connections cut, {world.house.turned_away} turned away"


def kafka_slow(world: World, hold: Hold) -> str:
    """Every piece of what goes to any broker and back is late."""
    before = sum(proxy.slowed for proxy in world.brokers)
    for proxy in world.brokers:
        proxy.slow = SLOW
    wait("something slow", lambda: sum(proxy.slowed for proxy in world.brokers) > before)
    hold()
    for proxy in world.brokers:
        proxy.slow = 0.0
    return f"{sum(proxy.slowed for proxy in world.brokers) - before} pieces held for {SLOW} s"


def kafka_cut(world: World, hold: Hold) -> str:
    """All connections to all brokers break, several times."""
    cut = 0
    for _ in range(3):
        cut += sum(proxy.cut() for proxy in world.brokers)
        hold()
    assert cut > 0, "there was nothing to cut"
    return f"{cut} connections cut"


def worker_killed(world: World, hold: Hold) -> str:
    """The worker is killed, its supervisor too, and another is started."""
    world.worker.kill()
    world.start("worker")
    hold()
    return "kill -9"


def workers_scaled(world: World, hold: Hold) -> str:
    """Two workers join, all three share the partitions, and the oldest two leave: the third has all of it."""
    old = [world.worker, world.here.start("worker")]
    for process in (old[1], world.start("worker")):
        wait("it has its share", lambda process=process: "event='ready'" in process.said())
    hold()
    shares = [len(re.findall("event='ready'", process.said())) for process in (*old, world.worker)]
    for process in old:
        assert process.stop(60) == 0, process.said()[-2000:]
    return f"1, 3 and 1 again; assigned {sum(shares)} times"


def worker_frozen(world: World, hold: Hold) -> str:
    """The worker is stopped for longer than its session, while another takes over; then it wakes, a zombie."""
    zombie = world.worker
    zombie.send(signal.SIGSTOP)
    other = world.start("worker")
    wait("the other is ready", lambda: "event='ready'" in other.said())
    hold()
    zombie.send(signal.SIGCONT)
    wait("it notices", lambda: not zombie.alive or "lease" in zombie.said() or zombie.said().count("event='ready'") > 1)
    noticed = "its lease was over" if "lease" in zombie.said() else "it joined anew"
    zombie.stop()
    return f"stopped beyond its session; {noticed}"


def sink_killed(world: World, hold: Hold) -> str:
    """The sink is killed and another is started."""
    world.sink.kill()
    world.start("sink")
    hold()
    return "kill -9"


def changelog_compacted(world: World, hold: Hold) -> str:
    """Kafka compacts the changelogs to what is newest, and a new worker recovers from what is left."""
    topics = [world.here.names.changelog(stage) for stage in ("accept", "accumulate")]
    hurried = {
        **{"cleanup.policy": "compact", "min.compaction.lag.ms": "0", "min.cleanable.dirty.ratio": "0.001"},
        **{"segment.ms": "200", "delete.retention.ms": "0", "max.message.bytes": str(32 << 20)},
    }
    admin = world.admin()
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, hurried) for topic in topics])
    admin.close()
    found: dict[str, tuple[int, int]] = {}

    def compacted() -> bool:
        for topic in topics:
            found[topic] = _records(world, topic)
        return all(there < length for there, length in found.values())

    wait("a compacted changelog", compacted)
    worker_killed(world, hold)
    there, length = (sum(numbers) for numbers in zip(*found.values(), strict=True))
    return f"{there:,} of {length:,} records left"


def _records(world: World, topic: str) -> tuple[int, int]:
    """Return how many records a topic holds, and how many were ever written to it."""
    consumer = KafkaConsumer(bootstrap_servers=world.info.kafka_internal, receive_message_max_bytes=64 << 20)
    last = ends(consumer, topic)
    tps = [TopicPartition(topic, partition) for partition in last]
    consumer.assign(tps)
    consumer.seek_to_beginning(*tps)
    there = 0
    while any(consumer.position(tp) < last[tp.partition] for tp in tps):
        there += sum(len(records) for records in consumer.poll(timeout_ms=200).values())
    consumer.close()
    return there, sum(last.values())


CLOCK = """
import pathlib, sys, time
real, file, last = time.time, pathlib.Path(sys.argv[1]), 0.0
def jumping():
    global last
    now = float(file.read_text() or 0)
    if now != last:
        last = now
        print(f"the clock jumped to {now:+.0f} s", file=sys.stderr, flush=True)
    return real() + now
time.time = jumping
from streams.worker import main
sys.exit(main())
"""


def clock_jumps(world: World, hold: Hold) -> str:
    """The clock of a worker's machine jumps a day ahead, two back, and home."""
    world.worker.stop()
    file = world.here.folder / "clock"
    file.write_text("0")
    command = [sys.executable, "-c", CLOCK, str(file)]
    log = world.here.folder / f"clock-{len(world.here.running)}.log"
    worker = Running("worker", command, world.here.env(), log)
    world.here.running.append(worker)
    wait("it is ready", lambda: "event='ready'" in worker.said())
    for jump in (86_400, -86_400, 0):
        file.write_text(str(jump))
        wait("it sees the jump", lambda jump=jump: f"jumped to {jump:+} s" in worker.said())
        hold()
    assert worker.stop() == 0, worker.said()[-2000:]
    world.start("worker")
    return "+1 day, -1 day, home, each seen by the worker"


def failures(sink: Running) -> int:
    """Return how many inserts a sink has seen fail."""
    return sink.said().count("insert failed")


FAULTS = (
    Fault("the broker killed, and back", broker_killed),
    Fault("leader of three brokers killed, and back", leader_killed, 3),
    Fault("two of three brokers killed: too few in sync", two_brokers_killed, 3),
    Fault("connections to Kafka cut", kafka_cut),
    Fault("connections to Kafka slow", kafka_slow),
    Fault("ClickHouse killed, and back", clickhouse_killed),
    Fault("ClickHouse frozen", clickhouse_frozen),
    Fault("insert done, its answer lost", answer_lost),
    Fault("connections to ClickHouse slow", clickhouse_slow),
    Fault("connections to ClickHouse cut", clickhouse_cut),
    Fault("changelogs compacted, worker killed", changelog_compacted),
    Fault("clock of a worker jumps", clock_jumps),
    Fault("worker killed", worker_killed),
    Fault("workers: 1, 3, 1", workers_scaled),
    Fault("worker frozen beyond its session", worker_frozen),
    Fault("sink killed", sink_killed),
    Fault("ClickHouse killed for 60 s", clickhouse_killed, lasts=60),
    Fault("ClickHouse frozen for 30 s", clickhouse_frozen, lasts=30),
)
