"""State of another format, a changelog that was cut, an input that grew: refused or mended, and exact again."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from infra.kafka import admin_client, ends, topic_partitions
from infra.stack import StackInfo
from schemas.wire import Erasure
from streams.agents.erasure import marks_of
from streams.engine.progress import FENCE, PROGRESS
from streams.operations.forgetting import ask
from streams.operations.rebuild import plan
from tests.harness import Installation, Running, installation

JULY = 1_341_100_800_000
PERSON = "erase_me"


def events(first: int, count: int) -> list[bytes]:
    """Return likes among a few people; every tenth by somebody who will be forgotten."""
    said = {"type": "like", "object": "p", "object_author": "b"}
    return [
        json.dumps({**said, "id": f"e{n}", "time": JULY + n * 500, "actor": f"a{n % 9}" if n % 10 else PERSON}).encode()
        for n in range(first, first + count)
    ]


def wait(process: Running, true: Callable[[], object]) -> None:
    """Wait until something is true of a process."""
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline, process.said()[-3000:]
        time.sleep(0.1)


def exact(here: Installation, accepted: int) -> None:
    """Everything is through, counted once, and as a recount says."""
    assert here.drain(180) is None, here.logs()
    _, differences, conservation = here.audit()
    assert differences == []
    assert conservation.holds, conservation
    assert conservation.accepted == accepted


def test_damaged_state_is_refused_and_a_rebuild_makes_it_right(stack: StackInfo, tmp_path: Path) -> None:
    """A worker refuses state of another format and a changelog without its beginning; `juice rebuild` counts anew,
    refuses to while somebody works, and keeps out who was forgotten.
    """
    with installation(stack, tmp_path) as here:
        worker, sink = here.start("worker"), here.start("sink")
        here.feed([*events(0, 300), b"broken"])
        exact(here, 300)
        busy = here.juice("rebuild", "--yes")
        assert (busy.returncode, "stop all workers and sinks first" in busy.stderr) == (2, True), busy.stderr
        assert here.juice("forget", PERSON, "--yes").returncode == 0
        worker.stop()

        _make_older(stack, here.names.changelog("accumulate"))
        worker = here.start("worker")
        here.feed(events(300, 100))
        wait(worker, lambda: "juice: corruption: " in worker.said())
        assert "juice rebuild" in worker.said()
        worker.kill()
        sink.stop()
        _cut(stack, here.names.changelog("accumulate"))
        refused = here.start("worker")
        assert refused.popen.wait(120) == 2
        assert f"{here.names.changelog('accumulate')} lost its beginning" in refused.said()
        assert "juice rebuild" in refused.said()
        _rebuilt(here, 400)
        assert here.query("SELECT count() FROM {db}.events WHERE actor = {who:String}", who=PERSON) == [(0,)]
        assert here.query("SELECT count() FROM {db}.account_panes WHERE account = {who:String}", who=PERSON) == [(0,)]


def test_a_rebuild_that_ends_between_two_steps_keeps_out_who_was_forgotten(stack: StackInfo, tmp_path: Path) -> None:
    """Wherever it is killed, and without ClickHouse, which it asks for first, the next one knows who stays out; also when it is
    run once more before any worker, or only `juice migrate` is.
    """
    out = marks_of(PERSON)
    with installation(stack, tmp_path) as here:
        worker, sink = here.start("worker"), here.start("sink")
        here.feed(events(0, 100))
        exact(here, 100)
        assert here.juice("forget", PERSON, "--yes").returncode == 0
        worker.stop()
        sink.stop()
        before = _topics(here)
        without = here.juice("rebuild", "--yes", clickhouse="http://127.0.0.1:1")
        assert (without.returncode, _topics(here), "ClickHouse at" in without.stderr) == (2, before, True)
        for lifted in (False, True):  # requests that no worker has taken yet
            ask(here.settings, Erasure("somebody", "", lifted), 4)
            assert set(plan(here.settings).erased) == (out if lifted else out | marks_of("somebody"))

        steps = [f"rebuild.between:{step}" for step in range(1, 7)]
        for point in (*steps, "migrate.between"):
            died = here.juice("rebuild", "--yes", crash_at=point)
            assert died.returncode == -signal.SIGKILL, (point, died.stderr)
            assert set(plan(here.settings).erased) == out, point
        assert here.juice("rebuild", "--yes", crash_at=steps[2]).returncode == -signal.SIGKILL
        assert "who was forgotten stays out" in here.juice("migrate").stdout
        for _ in range(2):
            done = here.juice("rebuild", "--yes")
            assert "who was forgotten stays out" in done.stdout, done.stderr
            assert _topics(here) == before
        here.start("worker")
        here.start("sink")
        exact(here, 100)
        assert here.query("SELECT count() FROM {db}.events WHERE actor = {who:String}", who=PERSON) == [(0,)]
        assert here.query("SELECT count() FROM {db}.account_panes WHERE account = {who:String}", who=PERSON) == [(0,)]


def _topics(here: Installation) -> set[str]:
    with admin_client(here.settings, here.stack.kafka) as admin:
        return {topic for topic in topic_partitions(admin) if topic.startswith(here.names.namespace)}


def test_an_input_that_was_made_anew_is_refused(stack: StackInfo, tmp_path: Path) -> None:
    """A worker does not go on without a topic that is deleted, nor pass over what comes to it when it is back, however much."""
    with installation(stack, tmp_path) as here:
        worker, sink = here.start("worker"), here.start("sink")
        here.feed(events(0, 400))
        exact(here, 400)
        _delete(here)
        assert worker.popen.wait(120) == 2, worker.said()
        assert f"topics are missing: {here.names.events}; run `juice migrate`" in worker.said()
        assert here.juice("migrate").returncode == 0
        here.feed(events(400, 500))
        refused = here.start("worker")
        assert refused.popen.wait(120) == 2, refused.said()
        assert f"{here.names.events} was deleted and made anew; `juice rebuild`" in refused.said()
        sink.stop()
        _rebuilt(here, 500)

        here.feed(events(900, 100))
        exact(here, 600)
        _delete(here)
        assert here.juice("migrate").returncode == 0
        here.feed(events(1000, 100))
        assert here.running[-2].popen.wait(120) == 2, here.logs()
        assert f"{here.names.events} was deleted and made anew; `juice rebuild`" in here.running[-2].said()


def _delete(here: Installation) -> None:
    with admin_client(here.settings, here.stack.kafka) as admin:
        admin.delete_topics([here.names.events])


def _rebuilt(here: Installation, accepted: int) -> None:
    deadline = time.monotonic() + 60
    while (done := here.juice("rebuild", "--yes")).returncode:  # a member that was killed is one until its session ends
        assert time.monotonic() < deadline, done.stderr
        assert "stop all workers and sinks first" in done.stderr, done.stderr
    here.start("worker")
    here.start("sink")
    exact(here, accepted)


def _make_older(stack: StackInfo, changelog: str) -> None:
    """Put each account's last value back with another number of its format, as another version would have written it."""
    consumer = KafkaConsumer(bootstrap_servers=stack.kafka, receive_message_max_bytes=64 << 20)
    last = ends(consumer, changelog)
    tps = [TopicPartition(changelog, partition) for partition in last]
    consumer.assign(tps)
    consumer.seek_to_beginning(*tps)
    values: dict[tuple[int, bytes], bytes | None] = {}
    while any(consumer.position(tp) < last[tp.partition] for tp in tps):
        for found in consumer.poll(timeout_ms=200).values():
            values |= {(record.partition, record.key): record.value for record in found}
    consumer.close()
    producer = KafkaProducer(bootstrap_servers=stack.kafka)
    for (partition, key), value in values.items():
        if value is not None and key.startswith(b"a"):
            head = 2 * FENCE.size
            producer.send(changelog, key=key, value=value[:head] + b"\xfe" + value[head + 1 :], partition=partition)
    for (partition, key), value in values.items():
        if key == PROGRESS:
            producer.send(changelog, key=key, value=value, partition=partition)
    producer.close()


def _cut(stack: StackInfo, changelog: str) -> None:
    """Let Kafka delete the first half of a changelog, as a retention set by mistake would."""
    consumer = KafkaConsumer(bootstrap_servers=stack.kafka)
    halves = {TopicPartition(changelog, p): end // 2 for p, end in ends(consumer, changelog).items() if end > 1}
    consumer.close()
    admin = KafkaAdminClient(bootstrap_servers=stack.kafka)
    mistaken = {"cleanup.policy": "compact,delete", "max.message.bytes": str(32 << 20)}
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, changelog, mistaken)])
    admin.delete_records(halves)
    admin.close()


def test_the_input_may_grow(stack: StackInfo, tmp_path: Path) -> None:
    """Partitions are added to social.events under a running worker; it starts again, and they count like the others."""
    with installation(stack, tmp_path) as here:
        here.start("worker")
        here.start("sink")
        here.feed(events(0, 200), partitions=4)
        exact(here, 200)
        with admin_client(here.settings, stack.kafka) as admin:
            admin.create_partitions({here.names.events: 5})
        refused = here.start("worker")
        assert refused.popen.wait(60) == 2
        assert "has 5 partitions, its changelog 4; run `juice migrate`" in refused.said()
        here.running.remove(refused)
        grown = here.juice("migrate", "--sources", "7")
        assert "5 → 7 partitions; workers start again" in grown.stdout, grown.stderr
        here.feed(events(200, 200), partitions=7)
        exact(here, 400)
        [(sources,)] = here.query("SELECT uniqExact(partition) FROM {db}.events")
        assert sources == 7
