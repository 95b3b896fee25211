"""What the outside relies on, by someone who knows only the contract: the command, files, and SQL over HTTP."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import urllib.parse
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

JUICE = [sys.executable, "-m", "streams.cli"]


class Outsider:
    """A folder, the command, and an HTTP client."""

    def __init__(self, home: Path) -> None:
        self.home = home
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("JUICE_")}
        self.env = {**inherited, "JUICE_HOME": str(home / "stack"), "JUICE_WORKER_PORT": "0", "JUICE_SINK_PORT": "0"}

    def juice(self, *arguments: str) -> str:
        done = subprocess.run(
            [*JUICE, *arguments], env=self.env, capture_output=True, text=True, timeout=240, check=False
        )
        assert done.returncode == 0, f"juice {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self, name: str) -> subprocess.Popen[bytes]:
        log = (self.home / f"{name}.log").open("wb")
        return subprocess.Popen([*JUICE, name], env=self.env, stdout=log, stderr=log)

    def select(self, url: str, sql: str) -> list[list[Any]]:
        query = urllib.parse.urlencode({"query": f"{sql} FORMAT JSONCompact"})
        with urllib.request.urlopen(f"{url}/?{query}", timeout=60) as answer:
            return json.load(answer)["data"]  # type: ignore[no-any-return]


def write(path: Path) -> Counter[tuple[str, str, str]]:
    """Write a file of events in time order, some of them twice; return (account, direction, kind) → actions."""
    rng = random.Random(11)
    people = [f"p{n}" for n in range(40)]
    want: Counter[tuple[str, str, str]] = Counter()
    lines: list[dict[str, Any]] = []
    for n in range(3_000):
        kind = rng.choice(["post", "reply", "like", "share", "mention", "follow", "checkin", "recommend"])
        actor = rng.choice(people)
        event: dict[str, Any] = {"id": f"e{n}", "type": kind, "time": 1_700_000_000_000 + n * 700, "actor": actor}
        receivers: list[str] = []
        given = 1
        if kind in ("reply", "like", "share"):
            event["object_author"] = rng.choice(people)
            receivers = [event["object_author"]] if event["object_author"] != actor else []
            given = len(receivers)
        elif kind in ("mention", "follow", "recommend"):
            event["targets"] = rng.sample(people, rng.randint(1, 3))
            receivers = [target for target in event["targets"] if target != actor]
            given = len(receivers)
        for receiver in receivers:
            want[receiver, "received", kind] += 1
        if given:
            want[actor, "given", kind] += given
        lines.append(event)
        if rng.random() < 0.05:
            lines.append(event)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return want


def test_an_outsider_gets_the_counts_it_computes_itself(tmp_path: Path) -> None:
    """up, status, migrate, worker, sink, replay, drain, SELECT, audit, down: as the contract says, nothing else."""
    me = Outsider(tmp_path)
    want = write(tmp_path / "events.ndjson")
    me.juice("up", "--kafka-port", "0", "--clickhouse-port", "0")
    processes = []
    try:
        status = json.loads(me.juice("status", "--json"))
        assert ":" in status["kafka"]
        assert status["clickhouse"].startswith("http://")
        me.juice("migrate")
        processes = [me.start("worker"), me.start("sink")]
        me.juice("replay", str(tmp_path / "events.ndjson"))
        me.juice("drain")
        rows = me.select(
            status["clickhouse"],
            "SELECT account, direction, kind, toUInt32(sum(events)) FROM juice.account_panes GROUP BY account, direction, kind",
        )
        assert Counter({(account, direction, kind): n for account, direction, kind, n in rows}) == want
        ((events,),) = me.select(status["clickhouse"], "SELECT toUInt32(count()) FROM juice.events")
        assert events == 3_000
        for table in ("account_scores", "cascades", "ties", "mayors", "campaign_standings", "rewards", "dead_letters"):
            me.select(status["clickhouse"], f"SELECT * FROM juice.{table} LIMIT 1")
        me.juice("audit")
    finally:
        for process in processes:
            process.terminate()
        codes = [process.wait(30) for process in processes]
        me.juice("down", "--wipe")
    assert codes == [0, 0]
