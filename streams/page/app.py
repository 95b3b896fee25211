"""The routes of the page. All is GET, answers are JSON, and what a reader sends gets into SQL as a parameter only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.settings import Settings
from streams.page.answers import Absent, Asked, Page
from streams.page.events import Beat
from streams.page.source import Answers, Source, Unavailable

STATIC: Final = Path(str(files("streams.page"))) / "static"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-cache",
}
READERS: Final = 200
"""Open pages at once; each holds a connection."""


def create(settings: Settings) -> Starlette:
    """Return the app. It starts without ClickHouse, and says so until ClickHouse is there."""
    source, watch = Source(settings, timeout=12), Source(settings, timeout=3)
    answers = Answers(source.ask)
    beat = Beat(watch.version, answers.begin)
    page = Page(settings.database, answers.ask)
    readers = 0

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(beat.run())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def events(_: Request) -> Response:
        nonlocal readers
        if readers >= READERS:
            return _json({"error": "too many open pages"}, 503)

        async def stream() -> AsyncIterator[bytes]:
            nonlocal readers
            readers += 1
            try:
                async for chunk in beat.follow():
                    yield chunk
            finally:
                readers -= 1

        return StreamingResponse(stream(), media_type="text/event-stream", headers={"x-accel-buffering": "no"})

    async def index(_: Request) -> Response:
        return FileResponse(STATIC / "index.html")

    local = settings.metrics_host in ("127.0.0.1", "localhost")
    return Starlette(
        routes=[
            Route("/", index, methods=["GET"]),
            Route("/events", events, methods=["GET"]),
            *(Route(f"/api/{name}", _answer(ask), methods=["GET"]) for name, ask in page.routes.items()),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[
            Middleware(Headers),
            # A page of somebody else's whose name was pointed at this machine must not read what is here.
            Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"] if local else ["*"]),
            Middleware(GZipMiddleware, minimum_size=1_000),
        ],
        lifespan=lifespan,
    )


def _answer(ask: Callable[[Asked], Any]) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint: 200 with the answer, 400 for what cannot be asked, 404 for the unknown, 503 while away."""

    async def endpoint(request: Request) -> Response:
        try:
            return _json(await run_in_threadpool(ask, request.query_params))
        except Absent as error:
            return _json({"error": str(error)}, 404)
        except ValueError as error:
            return _json({"error": str(error)}, 400)
        except Unavailable as error:
            return _json({"error": str(error)}, 503)

    return endpoint


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(_in_utc(value)), status, media_type="application/json")


def _in_utc(value: Any) -> Any:
    """Return the value with the zone said in every time: the client leaves it out where it is UTC."""
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    if isinstance(value, dict):
        return {name: _in_utc(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_in_utc(inner) for inner in value]
    return value


class Headers:
    """Puts the security headers on every response, refusals and streams included; a fault of our own has none to protect."""

    def __init__(self, app: ASGIApp) -> None:
        """`app` is what answers."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the headers added."""

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *((k.encode(), v.encode()) for k, v in HEADERS.items())]
            await send(message)

        await self._app(scope, receive, dressed if scope["type"] == "http" else send)
