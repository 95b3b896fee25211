"""A user's mistake is one clear line that says what to do, and a non-zero exit; never a stack trace."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.database import connect
from infra.kafka import ends, reader
from infra.stack import StackInfo
from schemas.decode import Reason, Rejected
from streams.agents.ingest import dead_letter
from streams.engine.faults import Exit
from streams.replay.publish import Publisher
from tests.harness import Installation, installation

WITHOUT_A_BROKER = ("migrate", "worker", "sink", "drain", "dead-letters")
"""Commands that wait some seconds for a broker."""


def juice(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command with these settings and no others."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("JUICE_")}
    command = [sys.executable, "-m", "streams.cli", *arguments]
    return subprocess.run(
        command,
        env={**inherited, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def said(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line it said; fail when there are more, or it ended well."""
    assert done.returncode not in (0, 1), done.stdout + done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("juice: ") and "warning" not in line]
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    return lines[0]


@pytest.fixture(scope="module")
def waited(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, subprocess.CompletedProcess[str]]:
    """Run them where no broker answers, at the same time, so that one wait is enough."""
    nowhere = {"JUICE_KAFKA": "127.0.0.1:1", "JUICE_CLICKHOUSE": "http://127.0.0.1:1"}
    home = str(tmp_path_factory.mktemp("nowhere"))
    with ThreadPoolExecutor(len(WITHOUT_A_BROKER)) as pool:
        done = pool.map(lambda command: juice(command, JUICE_HOME=home, **nowhere), WITHOUT_A_BROKER)
        return dict(zip(WITHOUT_A_BROKER, done, strict=True))


@pytest.mark.parametrize("command", WITHOUT_A_BROKER)
def test_a_broker_that_does_not_answer(waited: Mapping[str, subprocess.CompletedProcess[str]], command: str) -> None:
    """The address is named; a sink ends as one that may be started again, since it says nothing of a mistake."""
    assert "127.0.0.1:1" in said(waited[command])
    assert (waited[command].returncode == Exit.UNAVAILABLE) == (command == "sink")


@pytest.mark.parametrize("command", ["migrate", "worker", "sink", "audit", "drain", "top"])
def test_no_stack_and_no_setting(command: str, tmp_path: Path) -> None:
    """What to set or run is said."""
    line = said(juice(command, JUICE_HOME=str(tmp_path)))
    assert "juice up" in line


def test_a_wrong_setting(tmp_path: Path) -> None:
    """The variable is named, by every command that reads settings."""
    assert "JUICE_LATENESS" in said(juice("worker", JUICE_LATENESS="soon", JUICE_HOME=str(tmp_path)))
    assert "crash point" in said(juice("worker", JUICE_CRASH_AT="nowhere", JUICE_HOME=str(tmp_path)))


def test_an_address_of_another_machine(stack: StackInfo, tmp_path: Path) -> None:
    """Who would listen there says so, and is not started again."""
    with installation(stack, tmp_path) as here:
        for command in ("worker", "sink", "serve"):
            done = juice(command, **{**here.environ, "JUICE_METRICS_HOST": "192.0.2.1"})
            assert said(done) == "juice: JUICE_METRICS_HOST: 192.0.2.1 is no address of this machine"
            assert done.returncode == Exit.USAGE


def test_topics_that_were_not_migrated(stack: StackInfo, tmp_path: Path) -> None:
    """A worker without topics says to run migrate."""
    line = said(juice("worker", JUICE_KAFKA=stack.kafka, JUICE_NAMESPACE="never.", JUICE_HOME=str(tmp_path)))
    assert "juice migrate" in line


def test_nobody_is_there_to_be_asked(stack: StackInfo, tmp_path: Path) -> None:
    """What cannot be undone is not done without a word where standard input is no terminal."""
    with installation(stack, tmp_path) as here:
        letter = dead_letter(here.names, Rejected(Reason.LATE, "because"), 0, 0, b"{}", 17)
        with Publisher(here.settings, stack.kafka, here.names.dead_letters) as publisher:
            publisher.send(0, letter.value or b"")
            publisher.finish()
        for command in (("forget", "88", "--timeout", "1"), ("rebuild",), ("dead-letters", "--replay")):
            assert said(juice(*command, **here.environ)).endswith(" needs --yes where nobody can be asked")
        with reader(here.settings, stack.kafka) as consumer:
            for topic in (here.names.events, here.names.decoded):
                assert set(ends(consumer, topic).values()) == {0}


def test_draining_what_is_not_there(stack: StackInfo, tmp_path: Path) -> None:
    """A drain of a namespace that nobody migrated names the topic that is missing, and what to run."""
    environ = {"JUICE_KAFKA": stack.kafka, "JUICE_NAMESPACE": "never.", "JUICE_HOME": str(tmp_path)}
    assert "there is no topic never.social.events; run `juice migrate`" in said(juice("drain", **environ))


def test_a_schema_that_is_missing_or_newer(stack: StackInfo, tmp_path: Path) -> None:
    """The sink and the audit refuse to work on a schema they do not know, and say which side to bring up."""
    environ = {"JUICE_KAFKA": stack.kafka, "JUICE_CLICKHOUSE": stack.clickhouse, "JUICE_HOME": str(tmp_path)}
    for command in ("sink", "audit"):
        assert "juice migrate" in said(juice(command, JUICE_DATABASE="never_made", **environ))
    with installation(stack, tmp_path) as here:
        _be_newer(here)
        for command in ("sink", "audit", "migrate"):
            assert "newer" in said(juice(command, **here.environ))


def _be_newer(here: Installation) -> None:
    client = connect(here.settings)
    client.insert(f"{here.settings.database}.migrations", [[9_999, "from the future"]], column_names=["number", "name"])


def test_partitions_that_do_not_fit(stack: StackInfo, tmp_path: Path) -> None:
    """A worker whose setting does not fit the topics says both numbers."""
    with installation(stack, tmp_path) as here:
        line = said(juice("worker", **{**here.environ, "JUICE_PARTITIONS": "5"}))
        assert "5" in line
        assert "4" in line


def test_partitions_are_as_they_were_made(stack: StackInfo, tmp_path: Path) -> None:
    """A migration takes none away and says so, refuses to go on where a setting does not fit, and wants one at least."""
    with installation(stack, tmp_path) as here:
        for none in ("0", "-3"):
            done = juice("migrate", "--sources", none, **here.environ)
            assert (done.returncode, "--sources" in done.stderr) == (2, True)
        fewer = juice("migrate", "--sources", "1", **here.environ)
        assert fewer.returncode == 0
        assert "keeps its 4 partitions, which are never taken away" in fewer.stdout
        line = said(juice("migrate", **{**here.environ, "JUICE_PARTITIONS": "5"}))
        assert line.startswith(f"juice: JUICE_PARTITIONS is 5, but {here.names.decoded} has 4")


def test_a_period_that_ends_before_it_begins(tmp_path: Path) -> None:
    """Influence is not held against what came before it."""
    for period in (("2012-07-04", "2012-07-03"), ("2012-07-04", "2012-07-04")):
        assert "SPLIT must be before UNTIL" in said(juice("validate", *period, JUICE_HOME=str(tmp_path)))


@pytest.mark.parametrize("command", ["up", "status", "down"])
def test_a_home_that_can_be_none(tmp_path: Path, command: str) -> None:
    """A folder that cannot be made, or is a file, is named, by a command that needs it."""
    file = tmp_path / "file"
    file.touch()
    for home in ("/proc/zz", str(file)):
        done = juice(command, JUICE_HOME=home)
        if command == "up" or done.returncode not in (0, 1):
            assert said(done).startswith(f"juice: cannot use {home}")
        assert "Traceback" not in done.stderr


def test_a_measure_that_the_database_does_not_know_yet(stack: StackInfo, tmp_path: Path) -> None:
    """A sink newer than the schema names the column and what to run, before any row is refused."""
    with installation(stack, tmp_path) as here:
        store = f"{here.environ['JUICE_DATABASE']}.account_scores_store"
        connect(here.settings).command(f"ALTER TABLE {store} DROP COLUMN `h_index`")
        line = said(juice("sink", **here.environ))
        assert f"{store} lacks columns: " in line
        assert "h_index" in line
        assert "juice migrate" in line
        assert juice("migrate", **here.environ).returncode == 0
        here.start("sink")
        assert here.drain() is None, here.logs()


def test_campaign_rules_that_are_wrong(stack: StackInfo, tmp_path: Path) -> None:
    """A worker names the file and the line."""
    rules = tmp_path / "rules.toml"
    rules.write_text('[[campaign]]\nid = "x"\nkind = "contst"\n')
    done = juice("worker", JUICE_KAFKA=stack.kafka, JUICE_CAMPAIGNS=str(rules), JUICE_HOME=str(tmp_path))
    assert done.returncode == 2
    assert f"{rules}:" in done.stderr
    assert "Traceback" not in done.stderr
