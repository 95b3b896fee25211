"""A real Kafka and a real ClickHouse: started, broken, started again, stopped."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from infra import stack as local
from infra.stack import PortTaken, StackError, StackInfo, StartFailed, clickhouse, kafka
from infra.stack.home import Home, write_private
from infra.stack.process import ending_with, spawn

UP = """
import sys
from infra import stack
print(stack.up(sys.argv[1], kafka_port=0, clickhouse_port=0).to_json())
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackInfo]:
    """A stack of this module's own, because its tests break it. Two commands start it at the same moment."""
    home = tmp_path_factory.mktemp("own")
    india = {"TZ": "Asia/Kolkata"}
    starts = [
        subprocess.Popen([sys.executable, "-c", UP, str(home)], stdout=subprocess.PIPE, env=india) for _ in range(2)
    ]
    try:
        said = [json.loads(start.communicate(timeout=120)[0]) for start in starts]
        assert said[0] == said[1]
        yield local.status(home)
    finally:
        local.down(home, wipe=True)


def sql(info: StackInfo, query: str, **login: str) -> str:
    """What ClickHouse answers, without the last newline."""
    parameters = urllib.parse.urlencode({"query": query, **login})
    with urllib.request.urlopen(f"{info.clickhouse}/?{parameters}", data=b"", timeout=20) as answer:
        return str(answer.read().decode().rstrip("\n"))


def produce(info: StackInfo, topic: str, *values: bytes, partitions: int = 1, replicas: int = 1) -> None:
    """Make the topic and append these values to it, all acknowledged."""
    admin = KafkaAdminClient(bootstrap_servers=info.kafka)
    admin.create_topics([NewTopic(topic, partitions, replicas)])
    admin.close()
    append(info, topic, *values)


def append(info: StackInfo, topic: str, *values: bytes) -> None:
    """Append these values, acknowledged by all replicas."""
    producer = KafkaProducer(bootstrap_servers=info.kafka, acks="all", max_request_size=33_000_000)
    for value in values:
        producer.send(topic, value).get(60)
    producer.close()


def consume(info: StackInfo, topic: str, count: int) -> list[bytes]:
    """The first `count` values of the topic's only partition, read by a member of a consumer group."""
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=info.kafka,
        group_id=f"{topic}-readers",
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=33_000_000,
    )
    values: list[bytes] = []
    while len(values) < count:
        polled = consumer.poll(20_000)
        assert polled, f"{topic} gave {len(values)} of {count} records"
        values += [record.value for record in polled[TopicPartition(topic, 0)]]
    consumer.close()
    return values


def works(server: psutil.Process) -> bool:
    """True while it runs; one that ended may not be buried yet, where that is not ours to do but `init`'s."""
    try:
        return server.is_running() and server.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_both_servers_do_their_work(own: StackInfo) -> None:
    """Kafka carries records of 10 MB to a consumer group, and ClickHouse keeps a table."""
    large = b"x" * 10_000_000
    produce(own, "work", b"small", large)
    assert consume(own, "work", 2) == [b"small", large]
    sql(own, "CREATE TABLE work (n UInt32) ENGINE = MergeTree ORDER BY n")
    sql(own, "INSERT INTO work SELECT number FROM numbers(1000)")
    assert sql(own, "SELECT count(), sum(n) FROM work") == "1000\t499500"


def test_clickhouse_thinks_in_utc(own: StackInfo) -> None:
    """The server's zone is UTC although it was started from a shell in India."""
    assert sql(own, "SELECT serverTimezone(), toString(toDateTime(0))") == "UTC\t1970-01-01 00:00:00"


def test_topics_are_not_made_by_asking_for_them(own: StackInfo) -> None:
    """Reading a topic that does not exist does not create it."""
    consumer = KafkaConsumer("misspelt", bootstrap_servers=own.kafka)
    consumer.poll(500)
    consumer.close()
    admin = KafkaAdminClient(bootstrap_servers=own.kafka)  # a consumer may take what it asked for to be an error
    assert "misspelt" not in admin.list_topics()
    admin.close()


def test_up_again_changes_nothing(own: StackInfo) -> None:
    """A second `up` finds everything running and leaves it alone."""
    assert local.up(own.home) == own


def test_status_prints_the_addresses(own: StackInfo) -> None:
    """The JSON has `kafka` as host:port, `clickhouse` as a URL, and every process that runs."""
    said = json.loads(local.status(own.home).to_json())
    assert said["kafka"] == own.kafka
    assert said["kafka"].startswith("127.0.0.1:")
    assert said["clickhouse"].startswith("http://127.0.0.1:")
    assert {service["name"]: service["pid"] for service in said["services"]} == own.pids


def test_a_server_killed_at_work_comes_back_with_its_data(own: StackInfo) -> None:
    """After `kill -9`, what was acknowledged is there, at the same address."""
    produce(own, "kept", b"one", b"two")
    sql(own, "CREATE TABLE kept (n UInt32) ENGINE = MergeTree ORDER BY n")
    sql(own, "INSERT INTO kept SELECT number FROM numbers(10)")
    for name in ("clickhouse", "kafka-1"):
        down = local.stop(own.home, name, signal.SIGKILL)
        assert not down.running
        assert name not in down.pids
        assert (down.kafka, down.clickhouse) == (own.kafka, own.clickhouse)
        back = local.start(own.home, name)
        assert back.running
        assert back.pids[name] != own.pids[name]
    assert consume(back, "kept", 2) == [b"one", b"two"]
    assert sql(back, "SELECT count() FROM kept") == "10"


def test_a_server_can_be_frozen_and_woken(own: StackInfo) -> None:
    """A frozen ClickHouse answers nobody, and goes on where it was when it is woken."""
    local.send(own.home, "clickhouse", signal.SIGSTOP)
    try:
        with pytest.raises(OSError, match="timed out"):
            urllib.request.urlopen(f"{own.clickhouse}/ping", timeout=0.5)
    finally:
        local.send(own.home, "clickhouse", signal.SIGCONT)
    assert sql(own, "SELECT 1") == "1"


def status(info: StackInfo, *arguments: str) -> tuple[int, str]:
    """Return what `juice status` ends with and says."""
    command = [sys.executable, "-m", "streams.cli", "status", *arguments]
    done = subprocess.run(
        command, env=os.environ | {"JUICE_HOME": info.home}, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("name", ["clickhouse", "kafka-1"])
def test_a_server_that_runs_and_does_not_answer_is_not_up(own: StackInfo, name: str) -> None:
    """It is said in words and to programs, and where its log is is said in full, however narrow the window."""
    code, said = status(own)
    assert (code, said.count(" up ")) == (0, 2)
    local.send(own.home, name, signal.SIGSTOP)
    try:
        code, said = status(own)
        assert (code, said.count(" up "), said.count("does not answer")) == (1, 1, 1)
        assert all(service.log in re.sub(r"\s", "", said) for service in own.services)
        code, said = status(own, "--json")
        assert code == 1
        assert {each["name"]: each["answers"] for each in json.loads(said)["services"]}[name] is False
    finally:
        local.send(own.home, name, signal.SIGCONT)


def test_an_unknown_server_is_named(own: StackInfo) -> None:
    """A slip of the pen in a server's name is answered with the names there are."""
    with pytest.raises(StackError, match="clickhouse, kafka-1"):
        local.stop(own.home, "kafka-2")


def test_a_port_in_use_is_refused_before_anything_starts(own: StackInfo, home: Path) -> None:
    """A second stack that insists on the first one's port is told so, and starts nothing."""
    port = int(own.kafka.rpartition(":")[2])
    with pytest.raises(PortTaken, match=f"port {port} for kafka-1 is in use"):
        local.up(home, kafka_port=port, clickhouse_port=0)
    assert local.status(home).pids == {}


def test_down_leaves_the_data_and_no_process(own: StackInfo) -> None:
    """After `down` nothing runs and no address is given; `up` then has what was there; twice does no harm."""
    produce(own, "rested", b"still here")
    servers = [psutil.Process(pid) for pid in local.status(own.home).pids.values()]
    for _ in range(2):
        local.down(own.home)
        rested = local.status(own.home)
        assert (rested.running, rested.kafka, rested.clickhouse, rested.pids) == (False, "", "", {})
    assert len(servers) == 2
    assert not any(works(server) for server in servers)
    again = local.up(own.home)
    assert again.running
    assert consume(again, "rested", 1) == [b"still here"]


def test_down_finds_servers_that_nobody_remembers(own: StackInfo, tmp_path: Path) -> None:
    """With its folder removed, `down` still ends the stack's servers, and not an editor of their files."""
    local.up(own.home)
    home = Home.at(own.home)
    ends = [clickhouse.command_end(home), kafka.command_end(home, 1)]
    config = ends[0][-1]
    editor = spawn([sys.executable, "-c", "import time; time.sleep(60)", config], log=tmp_path / "log")
    try:
        shutil.rmtree(home.path)
        assert ending_with(*ends[0])
        local.down(home.path)
        assert not any(ending_with(*end) for end in ends)
        assert editor.alive()
    finally:
        editor.stop(signal.SIGKILL)


def test_what_others_could_read_before_they_cannot_any_more(tmp_path: Path) -> None:
    """A file of an earlier version loses its readers with the next writing; a folder that was there keeps its rights."""
    tmp_path.chmod(0o755)
    file = tmp_path / "users.xml"
    file.write_text("old, and longer")
    file.chmod(0o644)
    write_private(file, b"new")
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"new", 0o600)
    Home.at(tmp_path).make()
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_a_stack_that_was_never_started_does_not_run(tmp_path: Path) -> None:
    """`status` and `down` of a folder that does not exist are no errors and make no folder."""
    home = tmp_path / "none"
    assert not local.status(home).running
    local.down(home)
    assert not home.exists()
    with pytest.raises(StackError, match="juice up"):
        local.start(home, "clickhouse")


def test_a_memory_that_cannot_be_read_is_one_clear_line(tmp_path: Path) -> None:
    """A damaged state file is named, with the way out, instead of a traceback."""
    (tmp_path / "stack.json").write_text("{")
    with pytest.raises(StackError, match="is not readable") as caught:
        local.status(tmp_path)
    assert "\n" not in caught.value.message


def test_a_broker_that_cannot_start_says_why(home: Path) -> None:
    """The message holds the log's name and its last lines, and nothing is left running."""
    wrong = {"authorizer.class.name": "no.such.Authorizer"}
    with pytest.raises(StartFailed, match="kafka-1 stopped right after its start") as caught:
        local.up(home, kafka_port=0, clickhouse_port=0, kafka_properties=wrong)
    assert "no.such.Authorizer" in caught.value.message
    assert str(home / "logs" / "kafka-1.log") in caught.value.message
    left = local.status(home)
    assert (left.kafka, left.pids) == ("", {})


def test_a_clickhouse_that_cannot_start_says_why(home: Path, tmp_path: Path) -> None:
    """A users file that is no XML ends in StartFailed with ClickHouse's own reason."""
    users = tmp_path / "users.xml"
    users.write_text("<clickhouse><users>")
    with pytest.raises(StartFailed, match="clickhouse stopped right after its start") as caught:
        local.up(home, kafka_port=0, clickhouse_port=0, clickhouse_users=users)
    assert "users.xml" in caught.value.message
    assert local.status(home).pids == {}
