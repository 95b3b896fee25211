"""The folder of one local stack (`JUICE_HOME`): where things lie, and what is remembered of the processes.

.juice/
├── stack.json          what was started: ports, pids (written atomically)
├── stack.lock          held while somebody starts or stops
├── logs/               kafka-1.log, clickhouse.log, …
├── kafka/1/            server.properties, data/
└── clickhouse/         config.xml, users.xml, data/

The folder is its owner's alone, and so is each file that may hold a password, in whatever folder that lies.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from infra import clock
from infra.stack.errors import StackBusy, StackError
from infra.stack.state import State


@dataclass(frozen=True)
class Home:
    """Paths below the folder of one stack. Nothing is created until it is needed."""

    path: Path

    @classmethod
    def at(cls, path: Path | str) -> Home:
        """The home at `path`, made absolute so that children with another working directory find it."""
        return cls(Path(path).expanduser().absolute())

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def clickhouse(self) -> Path:
        return self.path / "clickhouse"

    def kafka(self, node: int) -> Path:
        return self.path / "kafka" / str(node)

    def log(self, service: str) -> Path:
        """Where what the server of that name prints is appended."""
        return self.logs / f"{service}.log"

    @property
    def _state(self) -> Path:
        return self.path / "stack.json"

    def load(self) -> State | None:
        """What is remembered, None when nothing was ever started here. A file we cannot read is an error."""
        try:
            return msgspec.json.decode(self._state.read_bytes(), type=State)
        except FileNotFoundError:
            return None
        except msgspec.MsgspecError as error:
            raise StackError(f"{self._state} is not readable ({error}); remove {self.path} to start afresh") from error

    def make(self) -> None:
        """Make the folder, for its owner alone; one that is there keeps the rights it has."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.mkdir(mode=0o700, exist_ok=True)

    def save(self, state: State) -> None:
        """Replace the state file in one step, so that a crash leaves the old or the new one."""
        self.make()
        fresh = self._state.with_suffix(f".{os.getpid()}.tmp")
        write_private(fresh, msgspec.json.format(msgspec.json.encode(state), indent=2))
        fresh.replace(self._state)

    def wipe(self) -> None:
        """Remove what the servers wrote here and all memory of them; nothing else that lies in the folder."""
        for folder in (self.logs, self.clickhouse, self.path / "kafka"):
            shutil.rmtree(folder, ignore_errors=True)
        self._state.unlink(missing_ok=True)

    @contextlib.contextmanager
    def locked(self, *, patience: float = 300.0) -> Iterator[None]:
        """Hold the folder's lock; it goes away with its holder, so a crash leaves none behind.

        Raises StackBusy after `patience` seconds.
        """
        self.make()
        with (self.path / "stack.lock").open("a") as file:
            deadline = clock.monotonic() + patience
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if clock.monotonic() > deadline:
                        raise StackBusy(
                            f"another command has been busy with {self.path} for {patience:.0f} s; "
                            "wait for it or end it"
                        ) from None
                    time.sleep(0.05)
            yield


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, also where it was there and others might."""
    with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(content)
