"""The lookout: a thread beside the sink that looks at the pipeline from outside and tells telemetry.

It shares no client with the sink and never stops it: a look that fails is counted, and the next comes in its time.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from threading import Event, Thread
from typing import Any, Final

import structlog
from clickhouse_connect.driver.client import Client

from infra import telemetry
from infra.clock import monotonic, wall
from infra.kafka import admin_client, reader
from infra.settings import Settings
from sinks.answers import QUESTIONS, Question, ask
from sinks.lag import Follower, look

log = structlog.get_logger("juice")

LAG_EVERY: Final = 10.0
ASK_EVERY: Final = 30.0
SHARE: Final = 20.0
"""A look waits this many times as long as it took: the lookout takes at most a twentieth of anybody's time."""


@dataclass(slots=True)
class Look:
    """Something to look at again and again."""

    name: str
    every: float
    do: Callable[[], None]
    due: float = 0.0
    failures: int = field(default=0)
    """In a row."""


class Lookout:
    """The looks of one sink process, in one thread."""

    def __init__(
        self, settings: Settings, kafka: str, connect: Callable[[], Client], followers: list[Follower]
    ) -> None:
        self.settings, self.kafka, self.followers = settings, kafka, followers
        self._connect = connect
        self._clients = ExitStack()
        self._reading: tuple[Any, Any] | None = None
        self._client: Client | None = None
        self.looks = [
            Look("lag", LAG_EVERY, self._lag),
            *(Look(question.name, ASK_EVERY, partial(self._ask, question)) for question in QUESTIONS),
        ]
        telemetry.looks(each.name for each in self.looks)

    def start(self, stop: Event) -> Thread:
        """Look until `stop`, in a daemon thread."""
        thread = Thread(target=self.run, args=(stop,), name="lookout", daemon=True)
        thread.start()
        return thread

    def run(self, stop: Event) -> None:
        """Look until `stop` is set."""
        while not stop.is_set():
            for each in self.looks:
                if each.due <= monotonic() and not stop.is_set():
                    self.once(each)
            stop.wait(max(min(each.due for each in self.looks) - monotonic(), 0.1))
        self._forget()

    def once(self, each: Look) -> None:
        """Look once. Whatever goes wrong is counted, said once, and ends nothing."""
        started = monotonic()
        try:
            each.do()
        except Exception as error:
            telemetry.look_failed(each.name)
            each.failures += 1
            if each.failures == 2:  # one may be a group that the broker only makes just now
                log.warning("look failed", look=each.name, error=f"{error.__class__.__name__}: {error}"[:300])
            self._forget()
        else:
            telemetry.looked(each.name, wall(), monotonic() - started)
            each.failures = 0
        each.due = monotonic() + max(each.every, SHARE * (monotonic() - started))

    def _lag(self) -> None:
        if self._reading is None:
            consumer = self._clients.enter_context(reader(self.settings, self.kafka))
            admin = self._clients.enter_context(admin_client(self.settings, self.kafka))
            self._reading = (consumer, admin)
        telemetry.group_lag(look(*self._reading, self.followers))

    def _ask(self, question: Question) -> None:
        if self._client is None:
            self._client = self._connect()
        telemetry.answered(ask(self._client, self.settings.database, question))

    def _forget(self) -> None:
        """Close all clients; the next look makes new ones."""
        self._reading = self._client = None
        try:
            self._clients.close()
        except Exception as error:
            log.debug("closing the lookout's clients", error=str(error))
