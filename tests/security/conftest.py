"""The closed stack of these tests, with everything on it that juice runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.harness import Running
from tests.security.world import Closed, closed_stack

EVENTS = 300


def event(number: int) -> bytes:
    """Return an event: somebody of seven likes a post."""
    at = 1_700_000_000_000 + number * 1_000
    said = {"id": f"e{number}", "type": "like", "time": at, "actor": f"a{number % 7}", "object": "o"}
    return json.dumps({**said, "object_author": "b"}).encode()


@dataclass(frozen=True)
class Life:
    """An installation through which events have gone, its processes running, each as the user of its role."""

    here: Closed
    worker: Running
    sink: Running
    page: Running

    @property
    def processes(self) -> tuple[Running, ...]:
        """Return all three."""
        return self.worker, self.sink, self.page


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """One stack that asks who everybody is, a worker, a sink and a page on it, and some events through them."""
    with closed_stack(tmp_path_factory.mktemp("closed")) as here:
        found = Life(
            here,
            here.start("worker", **here.login("worker")),
            here.start("sink", **here.login("sink")),
            here.start("serve", **here.login("reader"), serve_port="0"),
        )
        file = here.folder / "events.ndjson"
        file.write_bytes(b"\n".join([b"no JSON", *map(event, range(EVENTS))]) + b"\n")
        sent = here.juice("replay", str(file), **here.login("producer"))
        assert sent.returncode == 0, sent.stderr
        here.feed([b"not JSON"])
        left = here.drain(120)
        assert left is None, f"{left}\n{here.logs()}"
        yield found
