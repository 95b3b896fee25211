"""Server-sent events: one stream that tells every open page when the data changed, or that ClickHouse is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Final

import msgspec
from starlette.concurrency import run_in_threadpool

from infra.database import one_line
from streams.page.source import Unavailable

EVERY: Final = 1.0
"""Seconds between two looks at ClickHouse, however many pages are open."""
PATIENCE: Final = 4.0
"""Seconds after which a ClickHouse that does not answer counts as away."""
SIGN_OF_LIFE: Final = 15.0
"""Seconds of silence after which a comment is sent, so that proxies and dead connections are noticed."""


@dataclass(frozen=True, slots=True)
class State:
    """What pages are told: `version` of the data (0 before any was seen), is ClickHouse `up`, if not what is wrong."""

    version: int
    up: bool
    error: str = ""


class Beat:
    """Looks once per second for everybody, and wakes those who wait when anything is new."""

    def __init__(self, look: Callable[[], int], changed: Callable[[int | None], None]) -> None:
        """`look` returns the version or raises Unavailable, in a thread; `changed` is told it, None while away."""
        self.state = State(0, up=False, error="not asked yet")
        self._look, self._changed = look, changed
        self._news = asyncio.Condition()

    async def run(self) -> None:
        """Look for ever; a look that hangs is left to end, and no second one is started beside it."""
        while True:
            look = asyncio.ensure_future(run_in_threadpool(self._look))
            done, _ = await asyncio.wait([look], timeout=PATIENCE)
            if not done:
                await self._tell(State(self.state.version, up=False, error="ClickHouse: does not answer"))
            try:
                await self._tell(State(await look, up=True))
            except Unavailable as error:
                await self._tell(State(self.state.version, up=False, error=str(error)))
            except Exception as error:  # a fault of ours: pages say so, and we look again
                await self._tell(State(self.state.version, up=False, error=f"the page: {one_line(error)}"))
            await asyncio.sleep(EVERY)

    async def _tell(self, state: State) -> None:
        if state == self.state:
            return
        self._changed(state.version if state.up else None)
        async with self._news:
            self.state = state
            self._news.notify_all()

    async def follow(self) -> AsyncIterator[bytes]:
        """Yield the state now and whenever it changes, as a browser's EventSource reads it."""
        yield b"retry: 2000\n\n"
        told: State | None = None
        while True:
            if self.state != told:
                told = self.state
                yield b"event: state\ndata: " + msgspec.json.encode(asdict(told)) + b"\n\n"
            seen = told
            async with self._news:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait_for(lambda: self.state != seen), SIGN_OF_LIFE)  # noqa: B023
            if self.state == told:
                yield b": still here\n\n"
