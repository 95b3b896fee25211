"""Replay without Kafka: reading files, finding and moving times, order, pace, what is left out."""

from __future__ import annotations

import gzip
import io
import json
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.decode import MAX_TIME, decode
from streams.replay import lines as lines_module
from streams.replay.events import UNKNOWN, Broken, Timed, in_order, instant, parse_instant, shifted, time_of
from streams.replay.lines import Lines, ReplayError
from streams.replay.order import Order
from streams.replay.pace import Pace
from streams.replay.run import Plan, Progress, Run

DAY = 86_400_000
JULY = 1_341_100_800_000  # 2012-07-01T00:00:00Z


def event(number: int, time: int | str, **more: Any) -> bytes:
    """Return the line of an event."""
    return json.dumps({"id": f"e{number}", "type": "post", "time": time, "actor": "ada", **more}).encode()


def written(path: Path, *lines: bytes, end: bytes = b"\n") -> str:
    """Write lines to a file and return its path."""
    path.write_bytes(end.join(lines) + end)
    return str(path)


class Sent:
    """A sender that keeps what it is given, and acknowledges it at once."""

    def __init__(self, stop_at: int = -1) -> None:
        self.records: list[tuple[int, bytes]] = []
        self.acknowledged = 0
        self.stop_at = stop_at

    def send(self, partition: int, value: bytes) -> None:
        """Keep a record; act out a Ctrl-C at the one asked for."""
        if len(self.records) == self.stop_at:
            raise KeyboardInterrupt
        self.records.append((partition, value))
        self.acknowledged += 1

    @property
    def times(self) -> list[int]:
        """Return the event times of what was sent, in its order."""
        return [time_of(value) for _, value in self.records]

    @property
    def ids(self) -> list[str]:
        """Return the event ids of what was sent, in its order."""
        return [json.loads(value)["id"] for _, value in self.records]


class Clock:
    """A clock that only pauses move on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now

    def pause(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


def replayed(
    paths: Sequence[str],
    sent: Sent,
    *,
    stdin: bytes = b"",
    speed: float | None = None,
    rebase_to: int | None = None,
    sort: bool = False,
    limit: int | None = None,
    partitions: int = 2,
    held: dict[int, int] | None = None,
    clock: Clock | None = None,
) -> tuple[Run, list[str], list[Progress]]:
    """Replay files to `sent`; return the run, the warnings and the progress that was reported."""
    warnings: list[str] = []
    told: list[Progress] = []
    clock = clock or Clock()
    run = Run(
        Lines(paths, io.BytesIO(stdin)),
        sent,
        Order(held or {}, partitions=partitions, lateness=15 * 60_000),
        plan=Plan(speed=speed, rebase_to=rebase_to, sort=sort, limit=limit),
        progress=told.append,
        warn=warnings.append,
        clock=clock,
        pause=clock.pause,
    )
    run.send()
    return run, warnings, told


# Reading


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_lines_come_as_they_stand(tmp_path: Path, packed: bool, end: bytes) -> None:
    """Plain and gzip files, whatever their names, give the same lines, numbered, and no empty ones."""
    content = end.join([b"\xef\xbb\xbfone", b"", b" two\t", b"   ", b"three"])
    path = tmp_path / "events"
    path.write_bytes(gzip.compress(content) if packed else content)
    lines = Lines([str(path)])
    assert [(lines.number, line) for line in lines] == [(1, b"one"), (3, b"two"), (5, b"three")]
    assert lines.fraction() == 1.0
    assert list(lines) == [b"one", b"two", b"three"]


def test_standard_input_may_be_gzip_and_stands_among_files(tmp_path: Path) -> None:
    """`-` is read where it is named, packed or not."""
    path = written(tmp_path / "a", b"1", b"2")
    for content in (b"x\ny", gzip.compress(b"x\ny")):
        lines = Lines([path, "-", path], io.BytesIO(content))
        assert [(lines.path, line) for line in lines] == [
            (path, b"1"),
            (path, b"2"),
            ("-", b"x"),
            ("-", b"y"),
            (path, b"1"),
            (path, b"2"),
        ]
        assert lines.fraction() is None
        assert not lines.rereadable


def test_a_line_that_is_too_long_costs_nothing_but_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line over the limit is reported, whatever its length; those beside it and just at it are sent."""
    limit = 200
    monkeypatch.setattr(lines_module, "MAX_LINE", limit)
    monkeypatch.setattr("streams.replay.events.MAX_LINE", limit)
    fits = event(1, JULY, text="")
    fits = event(1, JULY, text="x" * (limit - len(fits)))
    assert len(fits) == limit
    path = written(tmp_path / "a", fits, b"[" * (limit + 1), b"[" * (5 * limit + 3), event(2, JULY), b"[" * limit * 2)
    sent = Sent()
    run, warnings, _ = replayed([path], sent)
    assert sent.ids == ["e1", "e2"]
    assert run.broken == 3
    assert [warning.split(":")[-3] for warning in warnings] == ["2", "3", "5"]


def test_what_cannot_be_read_is_said_at_once(tmp_path: Path) -> None:
    """A missing file and a folder are found before anything is sent, in one line that names them."""
    for path, why in ((tmp_path / "none", "no such file"), (tmp_path, "is a directory")):
        with pytest.raises(ReplayError, match=why) as raised:
            Lines([str(path)])
        assert str(path) in str(raised.value)
        assert "\n" not in str(raised.value)


def test_damaged_gzip_is_said_with_the_line_it_reached(tmp_path: Path) -> None:
    """A gzip file that was cut off gives the lines before the cut, and then says where that was."""
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"\n".join(b"%d" % (7919 * n) for n in range(20_000)))[:-20_000])
    lines = Lines([str(path)])
    read = []
    with pytest.raises(ReplayError, match="damaged gzip") as raised:
        read.extend(lines)
    assert read == [b"%d" % (7919 * n) for n in range(len(read) - 1)] + read[-1:]
    assert len(read) > 100
    assert f"after line {lines.number}:" in str(raised.value)
    path.write_bytes(b"\x1f\x8b this is something else")
    with pytest.raises(ReplayError, match="damaged gzip"):
        list(Lines([str(path)]))


def test_a_named_pipe_is_read_once(tmp_path: Path) -> None:
    """A pipe is not opened before its turn, for its writer would lose its reader."""
    import os

    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.write_bytes(b"one\ntwo\n"))
    writer.start()
    assert list(Lines([str(path)])) == [b"one", b"two"]
    writer.join()


# Times


@given(
    time=st.integers(0, MAX_TIME) | st.integers(0, MAX_TIME).map(instant),
    offset=st.integers(-14 * 60, 14 * 60),
    text=st.text(max_size=20),
)
def test_the_time_of_a_line_is_what_the_pipeline_finds(time: int | str, offset: int, text: str) -> None:
    """For any event the pipeline accepts, replay reads the very time the pipeline reads."""
    if isinstance(time, str):
        at = datetime.fromisoformat(time).astimezone(timezone(timedelta(minutes=offset)))
        time = at.isoformat()
    for ascii_only in (True, False):
        said = {"id": "1", "type": "post", "time": time, "actor": "x", "text": text}
        line = json.dumps(said, ensure_ascii=ascii_only).encode(errors="replace")
        found = decode(line)
        assert isinstance(found, tuple)
        assert time_of(line) == found[1]


@pytest.mark.parametrize("said", ["2016-12-31T23:59:60Z", "2012-07-01T02:00:00+0200", "2012-07-01T00:00:00.0009999Z"])
def test_times_out_of_the_ordinary_are_understood(said: str) -> None:
    """What only the pipeline's slow way reads, replay reads as well, and the same."""
    found = decode(event(1, said))
    assert isinstance(found, tuple)
    assert time_of(event(1, said)) == found[1]


def test_a_line_may_be_json_and_yet_say_no_time() -> None:
    """JSON without a time that could be used has an unknown one; what is not JSON in UTF-8 is broken."""
    for line in (b"{}", b"[]", b"3", b'{"time":"noon"}', event(1, -1), event(1, "9999-01-01T00:00:00Z")):
        assert time_of(line) == UNKNOWN
    for line in (b"{", b"no", b'{"time":1}x', b'{"time":1,"text":"\xff"}', b"[" * 100_000, b'{"a":NaN}'):
        with pytest.raises(Broken):
            time_of(line)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(
    fields=st.dictionaries(st.text().filter(lambda name: name != "time"), json_values, max_size=5),
    place=st.integers(0, 5),
    time=st.integers(DAY, MAX_TIME - DAY),
    by=st.integers(-DAY, DAY),
    as_text=st.booleans(),
)
def test_moving_a_time_leaves_all_else_alone(
    fields: dict[str, Any], place: int, time: int, by: int, as_text: bool
) -> None:
    """A moved time keeps its JSON type; the other fields, known or not, stay as they are, in their order."""
    items = list(fields.items())
    items.insert(place, ("time", instant(time) if as_text else time))
    moved = shifted(Timed(time, json.dumps(dict(items)).encode()), by)
    found = json.loads(moved.line)
    assert moved.time == time + by == time_of(moved.line)
    assert isinstance(found["time"], str if as_text else int)
    del found["time"]
    assert list(found.items()) == list(fields.items())


def test_moving_a_time_keeps_the_bytes_of_other_fields() -> None:
    """Numbers keep the way they were written, and large ones their digits."""
    line = b'{"a":1.50,"time" : "2012-07-01T00:00:00Z","b":[1e5, 12345678901234567890123456],"c":"\\u00e9"}'
    assert shifted(Timed(JULY, line), 1).line == (
        b'{"a":1.50,"time":"2012-07-01T00:00:00.001Z","b":[1e5, 12345678901234567890123456],"c":"\\u00e9"}'
    )


@pytest.mark.parametrize(("by", "why"), [(-JULY - 1, "before 1970"), (MAX_TIME, "after 2105")])
def test_a_time_is_not_moved_out_of_range(by: int, why: str) -> None:
    """An event that would leave the range that can be stored is broken, and says so."""
    with pytest.raises(Broken, match=why):
        shifted(Timed(JULY, event(1, JULY)), by)


def test_a_user_writes_times_in_three_ways() -> None:
    """`now`, RFC 3339 and epoch milliseconds are understood; anything else is refused with what to write."""
    assert parse_instant("now", now=12.345) == 12_345
    assert parse_instant("2012-07-01T02:00:00+02:00", now=0) == JULY
    assert parse_instant(" 2012-07-01 00:00:00Z ", now=0) == JULY
    assert parse_instant(str(JULY), now=0) == JULY
    for text in ("yesterday", "2012-07-01", "2012-07-01T00:00:00", "12.5", "-5", '"', str(MAX_TIME + 1)):
        with pytest.raises(ValueError, match=r"write now|from 1970"):
            parse_instant(text, now=0)


@given(st.integers(0, MAX_TIME))
def test_an_instant_written_is_the_instant_read(time: int) -> None:
    """Epoch ms survive being written as RFC 3339."""
    assert datetime.fromisoformat(instant(time)) == datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=time)
    assert parse_instant(instant(time), now=0) == time


# Order and pace


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 100) | st.just(UNKNOWN)), max_size=50),
    st.dictionaries(st.integers(0, 2), st.integers(0, 60)),
)
def test_late_is_what_a_recount_finds_late(events: list[tuple[int, int]], held: dict[int, int]) -> None:
    """An event is late if a newer one, in its partition and before it, is newer by more than is allowed."""
    lateness = 20
    order = Order(held, partitions=3, lateness=lateness)
    for index, (partition, time) in enumerate(events):
        before = [t for p, t in events[:index] if p == partition and t != UNKNOWN]
        held_there = [held[partition]] if partition in held else []
        late = time != UNKNOWN and any(newer - time > lateness for newer in before + held_there)
        assert order.late(partition, time) == late
        if late:
            assert order.out_of_order(partition, time) == any(newer - time > lateness for newer in before)


@given(st.lists(st.integers(0, 5)))
def test_sorting_is_by_time_and_stable(times: list[int]) -> None:
    """Events come by time, and those of one time in the order they came in."""
    events = [Timed(time, b"%d" % index) for index, time in enumerate(times)]
    found = in_order(events)
    assert [(e.time, int(e.line)) for e in found] == sorted((e.time, int(e.line)) for e in events)


@pytest.mark.parametrize("speed", [0.5, 1, 60])
def test_events_are_as_far_apart_as_they_happened(speed: float) -> None:
    """An event is due when the time since the first one, over the speed, has passed; older ones at once."""
    pace = Pace(speed)
    assert pace.left(JULY, 50.0) == 0
    assert pace.left(JULY + 60_000, 50.0) == pytest.approx(60 / speed)
    assert pace.left(JULY + 60_000, 50.0 + 60 / speed) == pytest.approx(0)
    assert pace.left(JULY - DAY, 51.0) < 0


# All together


def test_lines_are_sent_as_they_are_partition_by_partition_in_order(tmp_path: Path) -> None:
    """Without a change of time, each line goes out byte for byte, to the partitions in turn."""
    lines = [event(n, JULY + n, odd={"n": n}) for n in range(7)]
    first = written(tmp_path / "a", *lines[:4])
    second = written(tmp_path / "b", *lines[4:])
    sent = Sent()
    run, warnings, told = replayed([first, second], sent, partitions=3)
    assert sent.records == [(n % 3, line) for n, line in enumerate(lines)]
    assert (run.earliest, run.latest, run.broken, run.late, warnings) == (JULY, JULY + 6, 0, 0, [])
    assert {progress.phase for progress in told} == {"sending"}


def test_broken_lines_are_named_counted_and_left_out(tmp_path: Path) -> None:
    """What is not JSON is left out, with file and number; JSON that is no event, the pipeline judges."""
    path = written(tmp_path / "a", event(1, JULY), b"{", b"", b"[]", b'{"id":"e2"}', event(3, JULY), b"\xff")
    sent = Sent()
    run, warnings, _ = replayed([path], sent)
    assert [value for _, value in sent.records] == [event(1, JULY), b"[]", b'{"id":"e2"}', event(3, JULY)]
    assert run.broken == 2
    assert [warning.startswith(f"{path}:{n}: left out: not ") for warning, n in zip(warnings, (2, 7), strict=True)]
    assert run.reached == f"{path}:7"


def test_where_times_matter_lines_without_one_are_broken(tmp_path: Path) -> None:
    """Sorted, paced or moved, a line must say when its event happened."""
    path = written(tmp_path / "a", event(2, JULY), b'{"id":"x"}', event(1, "noon"), event(3, JULY + 5))
    for wish in ({"sort": True}, {"speed": 1000.0}, {"rebase_to": JULY}):
        sent = Sent()
        run, warnings, _ = replayed([path], sent, **wish)  # type: ignore[arg-type]
        assert sent.ids == ["e2", "e3"]
        assert run.broken == 2
        assert f"{path}:2: left out:" in warnings[0]
        assert f"{path}:3: left out: `time`" in warnings[1]


def test_a_flood_of_broken_lines_is_not_a_flood_of_words(tmp_path: Path) -> None:
    """After some reports broken lines are only counted, and that is said."""
    path = written(tmp_path / "a", *[b"{"] * 500, event(1, JULY))
    sent = Sent()
    run, warnings, _ = replayed([path], sent)
    assert run.broken == 500
    assert len(warnings) == 21
    assert "counted" in warnings[-1]
    assert sent.ids == ["e1"]


def test_sort_brings_files_together_by_time(tmp_path: Path) -> None:
    """All files come as one, by time; a limit takes the earliest."""
    first = written(tmp_path / "a", event(1, JULY + 10), event(2, JULY + 30), event(3, JULY + 50))
    second = written(tmp_path / "b", event(4, JULY + 20), event(5, instant(JULY)), event(6, JULY + 30))
    sent = Sent()
    run, warnings, told = replayed([first, second], sent, sort=True)
    assert sent.ids == ["e5", "e1", "e4", "e2", "e6", "e3"]
    assert run.late == 0
    assert warnings == []
    assert [progress.phase for progress in told] == ["reading", "sending"]
    sent = Sent()
    replayed([first, second], sent, sort=True, limit=2)
    assert sent.ids == ["e5", "e1"]


def test_late_events_are_foreseen_and_warned_of_once(tmp_path: Path) -> None:
    """Events further behind than allowed are counted; one warning says where it began and what helps."""
    times = [0, 60, 50, 20, 70, 10]  # minutes; allowed are 15
    path = written(tmp_path / "a", *(event(n, JULY + 60_000 * t) for n, t in enumerate(times)))
    run, warnings, _ = replayed([path], Sent(), partitions=1)
    assert run.late == 2
    assert len(warnings) == 1
    assert warnings[0].startswith(f"{path}:4: not in time order")
    assert "--sort" in warnings[0]
    run, warnings, _ = replayed([path], Sent(), sort=True, partitions=1)
    assert (run.late, warnings) == (0, [])


def test_what_the_topic_holds_counts_for_lateness(tmp_path: Path) -> None:
    """Events older than what is in the topic already will be late, sorted or not, and that is said."""
    path = written(tmp_path / "a", event(1, JULY), event(2, JULY))
    run, warnings, _ = replayed([path], Sent(), held={0: JULY + DAY}, sort=True)
    assert run.late == 1
    assert len(warnings) == 1
    assert instant(JULY + DAY) in warnings[0]


@pytest.mark.parametrize(("speed", "lands"), [(None, "latest"), (60.0, "latest"), (1.0, "first"), (0.5, "first")])
@pytest.mark.parametrize("source", ["file", "stdin", "sorted"])
def test_times_land_where_they_shall(tmp_path: Path, speed: float | None, lands: str, source: str) -> None:
    """At the pace of the clock the first event lands on the time given, faster the latest; all move alike."""
    times = [JULY + 7_000, JULY + 9_000, JULY + 3_000]
    content = [event(n, time) for n, time in enumerate(times)]
    path = written(tmp_path / "a", *content)
    target = JULY + 1000 * DAY
    sent = Sent()
    run, _, _ = replayed(
        ["-"] if source == "stdin" else [path],
        sent,
        stdin=b"\n".join(content),
        speed=speed,
        rebase_to=target,
        sort=source == "sorted",
    )
    order = sorted(times) if source == "sorted" else times
    anchor = order[0] if lands == "first" else max(times)
    assert sent.times == [time - anchor + target for time in order]
    assert run.shift == target - anchor


def test_a_limit_is_of_events_that_are_sent(tmp_path: Path) -> None:
    """Broken lines do not count towards the limit, and the latest event is that of the ones sent."""
    path = written(tmp_path / "a", b"{", event(1, JULY), b"{", event(2, JULY + 5), event(3, JULY + DAY))
    sent = Sent()
    run, warnings, _ = replayed([path], sent, rebase_to=JULY + DAY, limit=2)
    assert sent.times == [JULY + DAY - 5, JULY + DAY]
    assert run.broken == len(warnings) == 2


def test_a_paced_replay_takes_the_time_the_events_took(tmp_path: Path) -> None:
    """At speed 60 an hour takes a minute, and progress is told while waiting."""
    path = written(tmp_path / "a", *(event(n, JULY + n * 20 * 60_000) for n in (0, 1, 3)))
    clock = Clock()
    started = clock.now
    sent = Sent()
    _, _, told = replayed([path], sent, speed=60, clock=clock)
    assert clock.now - started == pytest.approx(60, abs=0.01)
    assert [progress.at for progress in told][:2] == [UNKNOWN, JULY]
    assert len(told) > 500


def test_an_interruption_leaves_true_counts(tmp_path: Path) -> None:
    """After Ctrl-C the run knows what it gave away and which line it had come to."""
    path = written(tmp_path / "a", *(event(n, JULY + n) for n in range(10)))
    sent = Sent(stop_at=4)
    warnings: list[str] = []
    run = Run(
        Lines([path]),
        sent,
        Order({}, partitions=1, lateness=0),
        plan=Plan(speed=None, rebase_to=None, sort=False, limit=None),
        progress=lambda _: None,
        warn=warnings.append,
        clock=Clock(),
        pause=lambda _: None,
    )
    with pytest.raises(KeyboardInterrupt):
        run.send()
    assert (run.given, run.reached) == (4, f"{path}:5")
