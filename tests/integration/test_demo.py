"""Who may be wiped by a demo: an earlier one, and nobody else, in whatever order people do what the README says."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from infra import stack as local
from infra.settings import SettingsError
from streams.demo import left

EVENTS = "social.events"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for one stack after the other."""
    home = tmp_path_factory.mktemp("demo") / "home"
    yield home
    local.down(home, wipe=True)


@pytest.fixture
def home(folder: Path) -> Path:
    """The folder, in which a demo's stack runs that published some records and was told to keep all."""
    if local.status(folder).running:
        left.note(folder)
    else:
        local.down(folder, wipe=True)
        begin(folder)
    return folder


def begin(home: Path) -> None:
    """Do what a demo does of that."""
    info = local.up(home, kafka_port=0, clickhouse_port=0)
    admin = KafkaAdminClient(bootstrap_servers=info.kafka)
    admin.create_topics([NewTopic(topic, 1, 1) for topic in (EVENTS, "juice.decoded")])
    admin.close()
    publish(home, EVENTS, 2)
    left.note(home)


def publish(home: Path, topic: str, count: int = 1) -> None:
    """Append records to a topic."""
    producer = KafkaProducer(bootstrap_servers=local.status(home).kafka)
    for _ in range(count):
        producer.send(topic, b"{}").get(30)
    producer.close()


def juice(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command with this folder."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("JUICE_")}
    return subprocess.run(
        [sys.executable, "-m", "streams.cli", *arguments],
        env={**inherited, "JUICE_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def refused(home: Path) -> None:
    """A demo says in one line what to do, and leaves what there is as it is."""
    before = local.status(home)
    done = juice(home, "demo")
    assert done.returncode == 2, done.stdout + done.stderr
    [line] = [line for line in done.stderr.splitlines() if line.startswith("juice: ")]
    assert "not a demo's alone; set JUICE_HOME" in line
    assert "juice down --wipe" in line
    assert local.status(home) == before
    assert (home / "kafka" / "1" / "data" / f"{EVENTS}-0").exists()


def test_what_a_demo_kept_is_removed_by_the_next(home: Path) -> None:
    """Running or at rest, and whatever the stages have said among themselves meanwhile; nothing is left of it."""
    publish(home, "juice.decoded")
    was = local.status(home).cluster
    left.clear(home)
    assert local.status(home).cluster == ""
    begin(home)
    assert local.status(home).cluster != was
    local.down(home)
    left.clear(home)
    assert sorted(path.name for path in home.iterdir()) == ["stack.lock"]


def test_who_added_to_what_a_demo_kept_keeps_it(home: Path) -> None:
    """A topic of another namespace is enough, or one more record, also at rest."""
    admin = KafkaAdminClient(bootstrap_servers=local.status(home).kafka)
    admin.create_topics([NewTopic(f"mine.{EVENTS}", 1, 1)])
    admin.close()
    refused(home)
    left.note(home)
    publish(home, EVENTS)
    assert juice(home, "down").returncode == 0
    refused(home)
    assert not local.status(home).pids


def test_who_said_up_keeps_it(home: Path) -> None:
    """Whatever lies there: from `juice up` on it is the user's, and after `juice down --wipe` nobody's."""
    assert juice(home, "up").returncode == 0
    refused(home)
    assert juice(home, "down", "--wipe").returncode == 0
    assert sorted(path.name for path in home.iterdir()) == ["stack.lock"]
    left.clear(home)


def test_a_stack_of_another_making_is_not_the_demos(home: Path) -> None:
    """A note outlives the data it is about where these are removed by hand; it says nothing of those that come then."""
    local.down(home, wipe=True)
    assert (home / "demo").exists()
    info = local.up(home, kafka_port=0, clickhouse_port=0)
    with pytest.raises(SettingsError, match="not a demo's alone"):
        left.clear(home)
    assert local.status(home) == info
