"""`juice replay` and `juice dead-letters` on a real Kafka."""

from __future__ import annotations

import gzip
import io
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pytest
import structlog

from infra import stack as local
from infra.kafka import admin_client, ends, ensure_topics, reader
from infra.settings import Settings, SettingsError, load
from infra.stack import StackInfo
from schemas.decode import Reason, Rejected
from streams.agents.ingest import dead_letter
from streams.cli import main
from streams.cli.app import console
from streams.names import Names
from streams.replay import Progress, publish, replay_files
from streams.replay.letters import read_letters, send_again
from streams.replay.log import records
from streams.replay.publish import Publisher
from streams.topics import topic_specs
from tests.harness import installation

HIGGS = Path(str(files("infra"))) / "data" / "higgs-july-1-3.ndjson.gz"
GOWALLA = HIGGS.with_name("gowalla-10k.ndjson.gz")
PARTITIONS = 3
RUN = "from streams.cli import main; main()"


@pytest.fixture
def settings(stack: StackInfo, tmp_path: Path) -> Settings:
    """Settings with empty topics of the test's own."""
    return with_topics(stack.kafka, f"feed-{tmp_path.name}.".replace("_", "-"))


def with_topics(kafka: str, namespace: str, **more: str) -> Settings:
    """Return settings for topics that are made here."""
    found = load({"JUICE_KAFKA": kafka, "JUICE_NAMESPACE": namespace, "JUICE_PARTITIONS": "1"} | more)
    with admin_client(found, kafka) as admin:
        ensure_topics(admin, topic_specs(found, PARTITIONS), 1)
    return found


def on_topic(settings: Settings) -> list[list[bytes]]:
    """Return the records of `social.events`, by partition, as Kafka has them."""
    found: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
    with reader(settings, settings.kafka) as consumer:
        for record in records(consumer, Names.of(settings).events):
            found[record.partition].append(record.value)
    return found


def lines_of(path: Path) -> list[bytes]:
    """Return the lines of a gzip file."""
    return gzip.decompress(path.read_bytes()).splitlines()


def test_every_line_is_a_record_in_the_files_order(settings: Settings) -> None:
    """The real file is on the topic line by line, each once, its order kept in every partition."""
    told: list[Progress] = []
    summary = replay_files(settings, [str(HIGGS)], progress=told.append)
    lines = lines_of(HIGGS)
    assert on_topic(settings) == [lines[p::PARTITIONS] for p in range(PARTITIONS)]
    assert (summary.sent, summary.broken, summary.late) == (53_746, 0, 0)
    assert (summary.earliest, summary.latest) == ("2012-07-01T00:02:52.000Z", "2012-07-03T23:59:55.000Z")
    assert told[-1].sent == 53_746
    assert told[-1].fraction == 1.0
    assert [p.fraction for p in told] == sorted(p.fraction or 0 for p in told)


def test_newest_first_input_arrives_sorted(settings: Settings) -> None:
    """A file that runs backwards is foreseen to be late; sorted, it is in time order in every partition."""
    summary = replay_files(settings, [str(GOWALLA)], sort=True, limit=6_000)
    assert summary.late == 0
    for partition in on_topic(settings):
        times = [json.loads(line)["time"] for line in partition]
        assert times == sorted(times)
        assert len(times) == 2_000
    warnings: list[str] = []
    summary = replay_files(settings, [str(GOWALLA)], warn=warnings.append)
    assert summary.late > 9_000
    assert len(warnings) == 1


def test_what_the_topic_holds_is_looked_at(settings: Settings) -> None:
    """A second replay of old events is foreseen to be late; events ahead of the clock do not count for it."""
    replay_files(settings, [str(HIGGS)], limit=PARTITIONS)
    ahead = int((time.time() + 86_400) * 1000)
    replay_files(settings, [str(HIGGS)], limit=PARTITIONS, rebase_to=ahead)
    assert replay_files(settings, [str(HIGGS)], limit=PARTITIONS).late == 0
    replay_files(settings, [str(HIGGS)])
    warnings: list[str] = []
    assert replay_files(settings, [str(HIGGS)], limit=300, warn=warnings.append).late == 300
    assert "already holds events of 2012-07-03" in warnings[0]


def test_big_records_pass_and_the_publisher_holds_little(settings: Settings, tmp_path: Path) -> None:
    """A record of 10 MB passes, more than may wait at a time, between small ones and in order."""
    small, big = b'{"id":"s"}', b'{"id":"b","text":"' + b"x" * 10_000_000 + b'"}'
    content = [small, small, big, small, small, small, small]
    path = tmp_path / "a.ndjson"
    path.write_bytes(b"\n".join(content))
    assert replay_files(settings, [str(path)]).sent == 7
    assert on_topic(settings) == [content[p::PARTITIONS] for p in range(PARTITIONS)]


def test_a_paced_replay_comes_when_it_is_due(settings: Settings, tmp_path: Path) -> None:
    """At speed 1 from now, each record is appended when its moved time says it happened."""
    path = tmp_path / "a.ndjson"
    path.write_text("".join(f'{{"id":"{n}","time":{1_000_000 + 150 * n}}}\n' for n in range(10)))
    replay_files(settings, [str(path)], speed=1, rebase_to=int(time.time() * 1000))
    with reader(settings, settings.kafka) as consumer:
        found = list(records(consumer, Names.of(settings).events))
    delays = [record.timestamp - json.loads(record.value)["time"] for record in found]
    assert len(delays) == 10
    assert max(delays) - min(delays) < 1_000
    assert min(delays) >= -10


def test_an_interrupted_replay_has_sent_what_it_says(settings: Settings) -> None:
    """Ctrl-C in mid-flow: what was given is sent, nothing else, and the summary says how many and how far."""

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    summary = replay_files(settings, [str(HIGGS)], speed=600, pause=interrupt)
    found = on_topic(settings)
    assert summary.interrupted
    assert summary.stopped_at == f"{HIGGS}:{summary.sent + 1}"
    assert 0 < summary.sent == sum(map(len, found))
    assert found == [lines_of(HIGGS)[: summary.sent][p::PARTITIONS] for p in range(PARTITIONS)]


def test_damage_in_mid_file_keeps_what_came_before(settings: Settings, tmp_path: Path) -> None:
    """A gzip file that was cut off ends the replay with one line; the events before the cut are sent."""
    path = tmp_path / "cut.gz"
    path.write_bytes(HIGGS.read_bytes()[:200_000])
    with pytest.raises(SettingsError, match="damaged gzip") as raised:
        replay_files(settings, [str(path)])
    found = on_topic(settings)
    count = sum(map(len, found))
    assert f"{count:,} events were sent" in str(raised.value)
    assert 0 < count < 53_746
    assert found == [lines_of(HIGGS)[:count][p::PARTITIONS] for p in range(PARTITIONS)]


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackInfo]:
    """A stack of its own, whose broker may be killed."""
    home = tmp_path_factory.mktemp("fragile")
    try:
        yield local.up(home, kafka_port=0, clickhouse_port=0)
    finally:
        local.down(home, wipe=True)


def test_a_broker_that_is_killed_and_comes_back_costs_nothing(fragile: StackInfo) -> None:
    """The broker dies in mid-replay and starts again: every line is on the topic, once, in order."""
    settings = with_topics(fragile.kafka, "back.")
    killed = []

    def kill_once(progress: Progress) -> None:
        if progress.sent > 10_000 and not killed:
            killed.append(progress.sent)
            local.stop(fragile.home, "kafka-1", signal.SIGKILL)
            local.start(fragile.home, "kafka-1")

    summary = replay_files(settings, [str(HIGGS)], speed=50_000, progress=kill_once)
    assert killed
    assert killed[0] < summary.sent == 53_746
    assert on_topic(settings) == [lines_of(HIGGS)[p::PARTITIONS] for p in range(PARTITIONS)]


def test_a_broker_that_stays_away_is_given_up(fragile: StackInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker falls silent in mid-replay: one line says so, and how many events are sent at least."""
    settings = with_topics(fragile.kafka, "gone.")
    monkeypatch.setattr(publish, "PATIENCE", 2.0)
    frozen = []

    def freeze_once(progress: Progress) -> None:
        if progress.sent > 10_000 and not frozen:
            frozen.append(progress.sent)
            local.send(fragile.home, "kafka-1", signal.SIGSTOP)

    try:
        with pytest.raises(SettingsError, match="has not answered for 2 s; at least ") as raised:
            replay_files(settings, [str(HIGGS)], speed=50_000, progress=freeze_once)
    finally:
        local.send(fragile.home, "kafka-1", signal.SIGCONT)
    told = re.fullmatch(r"Kafka at .* at least ([0-9,]+) were sent", str(raised.value))
    assert told is not None
    assert frozen[0] <= int(told[1].replace(",", "")) <= sum(map(len, on_topic(settings)))


# The commands


class Done(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


class Juice(Protocol):
    """Runs `juice ARGUMENTS` in this process; settings are as keywords."""

    def __call__(self, *arguments: str, **settings: str) -> Done:
        """Run it."""


@pytest.fixture
def juice(stack: StackInfo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Juice]:
    """The command, run in this process, because a new one takes seconds to start."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def run(*arguments: str, **settings: str) -> Done:
        for name, value in {"kafka": stack.kafka, **settings}.items():
            monkeypatch.setenv(f"JUICE_{name.upper()}", value)
        monkeypatch.setattr(sys, "argv", ["juice", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO())
        monkeypatch.setattr(console, "width", 200)
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return Done(int(ended.value.code or 0), *capsys.readouterr())

    yield run
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_juice_replay_says_what_it_did(settings: Settings, juice: Juice, tmp_path: Path) -> None:
    """The command reports broken lines on standard error, and prints one line or one JSON object."""
    path = tmp_path / "a.ndjson"
    path.write_text('{"id":"1","time":"2012-07-01T00:00:00Z"}\n\nbroken\n{"id":"2","time":1341100801000}\n')
    done = juice("replay", str(path), namespace=settings.namespace)
    assert done.code == 0
    assert f"juice: {path}:3: left out: not JSON" in done.err
    assert done.out.startswith("2 events sent in ")
    assert done.out.endswith("of 2012-07-01T00:00:00.000Z … 2012-07-01T00:00:01.000Z, 1 broken lines left out\n")
    done = juice("replay", "--json", "--sort", str(path), namespace=settings.namespace)
    summary = json.loads(done.out)
    assert (summary["sent"], summary["broken"], summary["interrupted"]) == (2, 1, False)
    assert sum(map(len, on_topic(settings))) == 4
    path.write_text("broken\nbroken too\n")
    done = juice("replay", str(path), namespace=settings.namespace)
    assert done.code == 1
    assert done.out.startswith("0 events sent in ")


def test_what_cannot_be_done_is_one_line_and_exit_2(juice: Juice, tmp_path: Path) -> None:
    """A missing file, a wrong wish, a missing topic: each ends with one line that says what is wrong."""
    path = tmp_path / "a.ndjson"
    path.write_text("{}\n")
    missing = str(tmp_path / "none")
    for arguments, said in [
        (("replay", str(path), missing), f"{missing}: no such file"),
        (("replay", str(path), "--speed", "0"), "--speed 0: write max"),
        (("replay", str(path), "--rebase-to", "soon"), "--rebase-to soon: write now"),
        (("dead-letters", "--reason", "bad"), "--reason bad: there are malformed"),
        (("replay", str(path)), "there is no topic nowhere.social.events; run `juice migrate`"),
        (("dead-letters",), "there is no topic nowhere.social.dead-letters; run `juice migrate`"),
    ]:
        done = juice(*arguments, namespace="nowhere.")
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith(f"juice: {said}")
        assert done.err.count("\n") == 1
    done = juice("replay", str(path), kafka="127.0.0.1:1")
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[-1].startswith("juice: no broker answers at 127.0.0.1:1")


def test_ctrl_c_ends_juice_replay_with_130(settings: Settings) -> None:
    """SIGINT to a running replay: exit 130, and the number it says is the number on the topic."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, "replay", str(HIGGS), "--speed", "600", "--json"],
        env={**os.environ, "JUICE_KAFKA": settings.kafka, "JUICE_NAMESPACE": settings.namespace},
        stdout=subprocess.PIPE,
        text=True,
        # A suite that was started in the background has SIGINT ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 90
    with reader(settings, settings.kafka) as consumer:
        while not sum(ends(consumer, Names.of(settings).events).values()):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    summary = json.loads(out)
    assert process.returncode == 130
    assert summary["interrupted"]
    assert summary["sent"] == sum(map(len, on_topic(settings)))


# Dead letters


def bury(settings: Settings, letters: list[tuple[Reason, int, int, bytes]]) -> None:
    """Put dead letters on their topic, as ingest writes them."""
    names = Names.of(settings)
    with Publisher(settings, settings.kafka, names.dead_letters) as publisher:
        for reason, partition, offset, raw in letters:
            send = dead_letter(names, Rejected(reason, f"because {offset}"), partition, offset, raw, 17)
            publisher.send(0, send.value or b"")
        publisher.finish()


NASTY = [b"", b"\x00\xff\xfe", b'{"id":', "äöü 🎉".encode(), b"[" * 5_000, b'[bold]"x"[/bold]\x1b[31m']


def test_dead_letters_are_read_as_ingest_writes_them(settings: Settings) -> None:
    """Each letter comes back with its reason, origin and very bytes, newest last, filtered and limited."""
    buried = [(list(Reason)[n % 2], n % PARTITIONS, n, raw) for n, raw in enumerate(NASTY * 4)]
    bury(settings, buried)
    found = list(read_letters(settings))
    events = Names.of(settings).events
    assert [(x.reason, x.partition, x.offset, x.record) for x in found] == [tuple(x) for x in buried]
    assert {(x.topic, x.at) for x in found} == {(events, 17)}
    assert [x.detail for x in found] == [f"because {n}" for n in range(24)]
    assert all(x.glimpse(20).isprintable() and len(x.glimpse(20)) <= 20 for x in found)
    assert [x.offset for x in read_letters(settings, limit=5)] == [19, 20, 21, 22, 23]
    assert [x.offset for x in read_letters(settings, reason="invalid", limit=2)] == [21, 23]
    assert [x.offset for x in read_letters(settings, reason="malformed")] == list(range(0, 24, 2))
    assert list(read_letters(settings, reason="late")) == []


def test_what_is_no_letter_is_passed_over(settings: Settings) -> None:
    """A foreign record on the topic is reported with its place, and the letters around it are read."""
    bury(settings, [(Reason.LATE, 0, 1, b"a")])
    names = Names.of(settings)
    with Publisher(settings, settings.kafka, names.dead_letters) as publisher:
        publisher.send(0, b"who goes there?")
        publisher.finish()
    bury(settings, [(Reason.LATE, 0, 2, b"b")])
    complaints: list[str] = []
    assert [x.record for x in read_letters(settings, unreadable=complaints.append)] == [b"a", b"b"]
    assert complaints == [f"{names.dead_letters}, partition 0, offset 1: no dead letter"]


def test_letters_are_sent_again_byte_for_byte(settings: Settings) -> None:
    """Records go back to the partition they came from; letters about other topics stay where they are."""
    bury(settings, [(Reason.MALFORMED, n % PARTITIONS, n, raw) for n, raw in enumerate(NASTY)])
    letters: list[Any] = list(read_letters(settings))
    foreign = type(letters[0])("late", "", "somebody.else", 0, 0, b"x")
    cut = type(letters[0])("too_large", "", letters[0].topic, 0, 0, b"x", size=2)
    resent = send_again(settings, [*letters, foreign, cut])
    assert on_topic(settings) == [NASTY[p::PARTITIONS] for p in range(PARTITIONS)]
    assert (resent.sent, resent.foreign, resent.cut, resent.reasons) == (6, 1, 1, {"malformed": 6})


def test_juice_dead_letters_shows_and_sends(settings: Settings, juice: Juice) -> None:
    """The command shows a table or JSON lines, and sends again only what was asked for."""
    here = {"namespace": settings.namespace}
    assert juice("dead-letters", "--reason", "late", **here)[:2] == (0, "no dead letters with reason late\n")
    assert juice("dead-letters", "--replay", **here)[:2] == (0, "0 records sent again\n")
    bury(settings, [(Reason.LATE, 1, 4, b'{"id":"old"}'), (Reason.MALFORMED, 2, 5, NASTY[-1])])
    table = juice("dead-letters", **here).out
    heading, late, malformed = table.splitlines()
    place = f"{Names.of(settings).events}/1@4"
    assert heading.split() == ["reason", "detail", "topic/partition@offset", "record"]
    assert late.split() == ["late", "because", "4", place, '{"id":"old"}']
    assert malformed.split()[0] == "malformed"
    assert malformed.rstrip().endswith(r'[bold]"x"[/bold]\x1b[31m')
    lines = juice("dead-letters", "--json", **here).out.splitlines()
    assert [json.loads(line)["record"] for line in lines] == [
        "eyJpZCI6Im9sZCJ9",
        "W2JvbGRdIngiWy9ib2xkXRtbMzFt",
    ]
    done = juice("dead-letters", "--reason", "late", "--replay", "--yes", **here)
    assert done[:2] == (0, "1 records sent again: 1 late\n")
    done = juice("dead-letters", "--reason", "late", "--replay", "--yes", "--json", **here)
    assert json.loads(done.out) == {"sent": 1, "foreign": 0, "cut": 0, "reasons": {"late": 1}, "interrupted": False}
    assert on_topic(settings) == [[], [b'{"id":"old"}'] * 2, []]


def test_what_is_still_unusable_comes_back(stack: StackInfo, tmp_path: Path) -> None:
    """With a worker running, a bad record becomes a letter, and sent again a new one, of its new place."""
    with installation(stack, tmp_path) as here:
        here.start("worker")
        here.feed([b"bad", json.dumps({"id": "1", "type": "post", "time": 1, "actor": "a"}).encode()])

        def wait_for(count: int) -> list[Any]:
            deadline = time.monotonic() + 90
            while len(found := list(read_letters(here.settings))) < count:
                assert time.monotonic() < deadline, here.logs()
                time.sleep(0.2)
            return found

        (first,) = wait_for(1)
        assert (first.reason, first.record, first.partition, first.offset) == ("malformed", b"bad", 0, 0)
        assert send_again(here.settings, [first]).sent == 1
        _, second = wait_for(2)
        assert (second.reason, second.record, second.partition, second.offset) == ("malformed", b"bad", 0, 1)
