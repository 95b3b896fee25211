"""Rewards are given once: a contest and a threshold on real posts, while workers are killed, and the file comes twice."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections import defaultdict
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import msgspec
from kafka import KafkaConsumer, TopicPartition

from infra.stack import StackInfo
from streams.campaigns.rulebook import Rulebook
from streams.campaigns.rules import load_rules
from streams.subjects.registry import all_subjects
from tests.harness import Installation, installation
from tests.pipe import Pipe

POSTS: Final = Path(str(files("infra"))) / "data" / "dubois-contest.ndjson.gz"
RULES: Final = """
[[campaign]]
id = "contest"
kind = "contest"
name = "#DuBoisChallenge"
start = 2021-01-01T00:00:00Z
end = 2021-06-01T00:00:00Z
prize = "admiration"
hashtags = ["DuBoisChallenge"]
winners = 5

[[campaign]]
id = "known"
kind = "threshold"
name = "Known already"
start = 2021-01-01T00:00:00Z
end = 2021-06-01T00:00:00Z
prize = "a seat in front"
hashtags = ["DuBoisChallenge"]
followers = 500
"""
PARTITIONS: Final = 4
Reward = tuple[Any, ...]


def posts() -> list[bytes]:
    """Return the posts in the order of time, and for each partition what lets the contests end."""
    lines = gzip.decompress(POSTS.read_bytes()).splitlines()
    lines.sort(key=lambda line: str(msgspec.json.decode(line)["time"]))
    tick = '{"id":"tick-%d-%d","type":"post","time":"2021-07-%02dT00:00:00Z","actor":"clock"}'
    return [*lines, *((tick % (day, at, day)).encode() for day in (1, 2) for at in range(PARTITIONS))]


def expected(rules: Path, records: list[bytes]) -> set[Reward]:
    """Return the rewards of an undisturbed run in memory."""
    loaded = load_rules(rules)
    assert isinstance(loaded, tuple)
    pipe = Pipe(sources=PARTITIONS, partitions=4, subjects=lambda: all_subjects(rulebook=Rulebook(loaded)))
    now = round(time.time() * 1000)
    for number, record in enumerate(records):
        pipe.append(number % PARTITIONS, record, now)
    pipe.run()
    return {
        (row["id"], row["campaign"], row["account"], row["at"], row["revoked_at"])
        for row in pipe.rows("rewards").values()
    }


def given(here: Installation) -> set[Reward]:
    """Return the rewards that ClickHouse shows."""
    sql = "SELECT id, campaign, account, toUnixTimestamp64Milli(at), revoked_at FROM {db}.rewards"
    return set(here.query(sql))


def told(here: Installation) -> dict[str, list[Reward]]:
    """Return what the rewards service was told: by id, what was said in order."""
    topic = TopicPartition(here.names.rewards, 0)
    consumer = KafkaConsumer(bootstrap_servers=here.stack.kafka)
    consumer.assign([topic])
    consumer.seek_to_beginning(topic)
    end = consumer.end_offsets([topic])[topic]
    found: dict[str, list[Reward]] = defaultdict(list)
    while consumer.position(topic) < end:
        for messages in consumer.poll(timeout_ms=500).values():
            for message in messages:
                said = json.loads(message.value)
                assert message.key == said["id"].encode()
                found[said["id"]].append((said["campaign"], said["account"], said["at"], said["revoked_at"]))
    consumer.close()
    return found


def test_each_reward_is_given_once(stack: StackInfo, tmp_path: Path) -> None:
    """Killed, joined and stopped in mid-flow, then the whole file again: the rewards are those of an undisturbed run."""
    rules = tmp_path / "rules.toml"
    rules.write_text(RULES)
    records = posts()
    want = expected(rules, records)
    assert {campaign for _, campaign, *_ in want} == {"contest", "known"}
    with installation(stack, tmp_path, campaigns=str(rules)) as here:
        here.start("sink")
        workers = [here.start("worker")]
        for again in range(2):
            feeding = threading.Thread(target=here.feed, args=(records, PARTITIONS, 150.0))
            feeding.start()
            time.sleep(1.0)
            workers[-1].kill_child()
            time.sleep(1.0)
            workers.append(here.start("worker"))
            feeding.join()
            assert here.drain() is None, here.logs()
            workers[again].stop()
            assert here.drain() is None, here.logs()
            assert given(here) == want
            said = told(here)
            # A post of another partition may come later and show that the reward was due earlier: the id says which.
            assert {(id, *things[-1]) for id, things in said.items()} == want
            assert all(revoked is None for things in said.values() for *_, revoked in things)
            assert all(len({thing[:2] for thing in things}) == 1 for things in said.values())
