"""A way between a client and a server that a test can make slow, cut, or keep answers on; with TLS if it is to end it.

It runs on an event loop of its own in a thread. Every fault is counted where it happens, so that a test can show that
it did.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Coroutine
from contextlib import AbstractContextManager, suppress
from typing import Any, Self


class Proxy(AbstractContextManager["Proxy"]):
    """Listens on a free port of loopback and passes bytes to `port` there, both ways."""

    def __init__(
        self, behind: int, *, context: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        """`context` makes it speak TLS to clients; to `behind` goes what they said, in the clear.

        `host` may be another address of loopback, where the same `port` is free.
        """
        self.behind, self.host, self.port, self._context = behind, host, port, context
        self.slow = 0.0
        """Seconds that each piece of either direction waits."""
        self.lose = b""
        """While set: a request with these bytes in it reaches the server, and its answer nobody."""
        self.closed = False
        """While set: whoever connects is turned away."""
        self.passed = self.unreachable = self.slowed = self.lost = self.turned_away = self.cuts = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._call(self._listen())
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def cut(self) -> int:
        """Break every connection there is; return how many there were."""
        return self._call(self._cut())

    def _call(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, self.host, self.port, ssl=self._context, limit=1 << 20)

    async def _stop(self) -> None:
        self._server.close()
        await self._cut()

    async def _cut(self) -> int:
        found = list(self._writers)
        for writer in found:
            writer.transport.abort()
        self.cuts += len(found) // 2
        return len(found) // 2

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.closed:
            self.turned_away += 1
            writer.transport.abort()
            return
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.behind, limit=1 << 20)
        except OSError:
            self.unreachable += 1
            writer.transport.abort()
            return
        doomed = asyncio.Event()
        ends = {writer, there_writer}
        self._writers |= ends
        ways = [
            asyncio.ensure_future(self._pass(reader, there_writer, doomed, asked=True)),
            asyncio.ensure_future(self._pass(there_reader, writer, doomed, asked=False)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for end in ends:
            end.transport.abort() if doomed.is_set() else end.close()
        self._writers -= ends

    async def _pass(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, doomed: asyncio.Event, *, asked: bool
    ) -> None:
        with suppress(OSError, ssl.SSLError):
            while piece := await source.read(1 << 16):
                if asked and self.lose and self.lose in piece:
                    doomed.set()
                elif not asked and doomed.is_set():
                    self.lost += 1
                    return
                if self.slow:
                    self.slowed += 1
                    await asyncio.sleep(self.slow)
                sink.write(piece)
                await sink.drain()
                self.passed += 1
