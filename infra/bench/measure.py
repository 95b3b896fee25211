"""One run of one peer: its process started, timed, watched and ended, its counts held against the truth.

What is timed: from the moment a first part of the work is done (the peer has started, joined, warmed up)
until the counts of all records are complete and as durable as this peer makes them. What is reported per
second is records of the topic, those that nobody receives included. CPU time is user and system time of the
process and all its descendants between the same two moments.
"""

from __future__ import annotations

import queue
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from infra import clock
from infra.bench.peer import PACKAGE_ROOT, Peer
from infra.bench.programs.task import Task
from infra.bench.verdict import Verdict, compare, read_counts
from infra.bench.workload import Counts

WARM: Final = 0.25
"""The part of the work that is not timed."""
SILENCE_S: Final = 90.0
"""A peer that says nothing for so long has stalled."""
WEIGH_S: Final = 0.25
"""Memory is looked at this often."""


class PeerFailed(Exception):
    """The peer did not do the work; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What one run of one peer gave."""

    records: float
    """Records of the topic in the timed part."""
    seconds: float
    cpu_seconds: float
    memory: int
    """Largest resident set seen, in bytes, of all its processes together."""
    verdict: Verdict | None
    """None for one that leaves no counts."""

    @property
    def rate(self) -> float:
        """Records per second."""
        return self.records / self.seconds

    @property
    def rate_per_cpu(self) -> float:
        """Records per CPU second."""
        return self.records / self.cpu_seconds if self.cpu_seconds else 0.0


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the protocol, and the CPU seconds spent by then."""

    what: str
    counted: int
    at: float
    cpu: float


def measure(
    peer: Peer,
    *,
    broker: str,
    topic: str,
    partitions: int,
    records: int,
    truth: Counts,
    shuffle: bool,
    name: str,
    patience: float,
    clickhouse: str = "",
    also: int | None = None,
    advance: Callable[[float], None] = lambda part: None,
) -> Run:
    """Run `peer` once over the `records` of `topic`; `advance` is told how much of the work is done, 0 to 1.

    `also` is the pid of a server whose CPU time and memory count as the peer's. Raises PeerFailed when the
    program ends early, stalls or takes longer than `patience` seconds; whatever happens, its processes are
    gone afterwards.
    """
    expected = sum(truth.values())
    with tempfile.TemporaryDirectory(prefix=f"{name}-") as scratch:
        library, folder, result = (Path(scratch) / part for part in ("library", "work", "counts.tsv"))
        library.mkdir()
        folder.mkdir()
        (library / "infra").symlink_to(PACKAGE_ROOT)
        task = Task(
            broker=broker,
            topic=topic,
            partitions=partitions,
            records=records,
            expected=expected,
            shuffle=shuffle,
            name=name,
            folder=str(folder),
            result=str(result),
            clickhouse=clickhouse,
        )
        errors = Path(scratch) / "stderr"
        with errors.open("wb") as stderr:
            process = psutil.Popen(
                peer.command(task, library),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
            )
        watch = _Watch(process, also, expected, patience, advance)
        try:
            begin, end = watch.follow()
        except PeerFailed as failure:
            said = deque(errors.read_text("utf-8", "replace").splitlines(), maxlen=5)
            raise PeerFailed("\n".join([str(failure), *said])) from None
        finally:
            watch.end()
        verdict = compare(truth, read_counts(result)) if peer.counts else None
    return Run(
        records=(end.counted - begin.counted) * records / expected,
        seconds=end.at - begin.at,
        cpu_seconds=end.cpu - begin.cpu,
        memory=watch.memory,
        verdict=verdict,
    )


_NOTHING: Final = _Line("", 0, 0.0, 0.0)


class _Watch:
    """Follows a program's lines; a thread reads them, so that CPU time is taken the moment they arrive."""

    def __init__(
        self,
        process: psutil.Popen,
        also: int | None,
        expected: int,
        patience: float,
        advance: Callable[[float], None],
    ) -> None:
        self.memory = 0
        self._process = process
        self._also = psutil.Process(also) if also else None
        self._expected = expected
        self._patience = patience
        self._advance = advance
        self._known: set[psutil.Process] = set()
        self._lines: queue.Queue[_Line | None] = queue.Queue()
        self._lock = threading.Lock()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def follow(self) -> tuple[_Line, _Line]:
        """Return the first line after the warm-up and the last one, once the program has ended well."""
        first = begin = end = None
        started = spoken = weighed = clock.monotonic()
        while True:
            try:
                line = self._lines.get(timeout=0.25)
            except queue.Empty:
                # A child that was left behind may keep the pipe open.
                line = _NOTHING if self._process.poll() is None else None
            now = clock.monotonic()
            if now - started > self._patience:
                raise PeerFailed(f"took longer than {self._patience:.0f} s {self._far(begin)}")
            if now - spoken > SILENCE_S:
                raise PeerFailed(f"stalled {self._far(begin)}")
            if now - weighed > WEIGH_S:
                self.memory, weighed = max(self.memory, self._resident()), now
            if line is None:
                break
            if line is _NOTHING:
                continue
            spoken = now
            self._advance(min(line.counted / self._expected, 1.0))
            if line.what == "wait":
                continue
            first = first or line
            if line.what == "done":
                end = line
            elif begin is None and line.counted >= self._expected * WARM:
                begin = line
        status = self._process.wait(timeout=10)
        if end is None or status != 0:
            raise PeerFailed(f"ended with status {status} {self._far(begin)}")
        # Little work for one that goes in large steps: it is timed from its start, not warmed up.
        if begin is None or begin.counted == end.counted:
            begin = first
        if begin is None or begin.counted == end.counted:
            raise PeerFailed("did all of the work in one step, which cannot be timed")
        return begin, end

    def end(self) -> None:
        """Leave none of its processes behind."""
        self._family()
        for member in self._known:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        psutil.wait_procs(self._known, timeout=10)
        self._reader.join(10)
        self._process.stdout.close()

    def _far(self, begin: _Line | None) -> str:
        return "while it worked" if begin else "before it was warm"

    def _read(self) -> None:
        for raw in self._process.stdout:
            words = raw.decode("utf-8", "replace").split()
            if len(words) == 4 and words[0] == "BENCH":
                self._lines.put(_Line(words[1], int(words[2]), float(words[3]), self._cpu()))
        self._lines.put(None)

    def _family(self) -> list[psutil.Process]:
        """Return its processes, and remember them: one whose parent goes is found no other way."""
        with self._lock, suppress(psutil.NoSuchProcess):
            self._known.update([self._process, *self._process.children(recursive=True)])
        with self._lock:
            return [*self._known, *([self._also] if self._also else [])]

    def _resident(self) -> int:
        """Resident bytes of the family now."""
        total = 0
        for process in self._family():
            try:
                total += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return total

    def _cpu(self) -> float:
        """CPU seconds of the family so far, those of children that have ended included.

        Who has ended, and was not waited for yet, still says what it has spent.
        """
        spent = 0.0
        for process in self._family():
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            ended = times.children_user + times.children_system if process.pid == self._process.pid else 0.0
            spent += times.user + times.system + ended
        return spent
