"""Events that flow while a fault happens, sent by a process of its own: the proxies need all of the one they are in."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import count
from types import TracebackType
from typing import Self

from infra.settings import load
from tests.harness import Installation, append

JULY = 1_341_100_800_000
REWARDED = 50
"""One event of so many is somebody's first photo, and earns a reward."""
APART = 250
"""Milliseconds of event time from one event to the next."""
FLOWING = "flowing"


def event(number: int) -> bytes:
    """Return an event: a like, a share, a mention or, now and then, a photo of somebody new."""
    said: dict[str, object] = {"id": f"e{number}", "time": JULY + number * APART, "actor": f"a{number % 17}"}
    if number % REWARDED == 0:
        said |= {"actor": f"entrant{number}", "type": "post", "object": f"photo{number}", "media": ["photo"]}
        said |= {"text": "#juice"}
    elif number % 3 == 0:
        said |= {"type": "share", "object": f"p{number % 5}", "object_author": f"b{number % 7}"}
    else:
        said |= {"type": "like", "object": f"p{number % 5}", "object_author": f"b{number % 7}"}
    return json.dumps(said).encode()


class Flow:
    """`rate` events a second, beginning with that of number `first`, from when it is entered until it is left."""

    def __init__(self, here: Installation, first: int, rate: float) -> None:
        self.sent = 0
        """How many Kafka has, once it is left."""
        command = [sys.executable, "-m", "tests.faults.flow", str(first), str(rate)]
        self._process = subprocess.Popen(
            command, env=here.env(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip() == FLOWING, "no event could be sent"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        said, _ = self._process.communicate()
        assert self._process.returncode == 0, "not every event could be sent"
        self.sent = int(said)


def main() -> None:
    """Send events until there is nothing more to read; say when they flow, and how many there were."""
    first, rate = int(sys.argv[1]), float(sys.argv[2])
    over = threading.Event()

    def records() -> Iterator[bytes]:
        for number in count(first):
            if number - first == int(rate / 2):
                print(FLOWING, flush=True)
            if over.is_set():
                return
            yield event(number)

    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    settings = load(os.environ)
    print(asyncio.run(append(settings, settings.kafka, records(), rate=rate)))


if __name__ == "__main__":
    main()
