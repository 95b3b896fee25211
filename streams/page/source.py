"""Questions to ClickHouse, and their answers for as long as the data stays the same."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import Any, Final

from infra.database import ClickHouseError, Client, check_schema, connect, one_line
from infra.settings import Settings, SettingsError
from streams.campaigns.queries import Query
from streams.page import queries

Row = dict[str, Any]
Ask = Callable[[Query], list[Row]]

LIMITS: Final = {"readonly": 2, "max_execution_time": 10}
"""Nothing can be written through the page, and no question may keep ClickHouse busy for long (seconds)."""
KEPT: Final = 512
"""Answers kept; a page asks some five for each reader and window."""


class Unavailable(Exception):
    """There is no answer now, and there may be one later; the message is one line for the reader."""


class Source:
    """ClickHouse as the page sees it: connects when asked, again after every failure, and only reads."""

    def __init__(self, settings: Settings, *, timeout: float) -> None:
        """`timeout` is how long an answer may take, in seconds."""
        self.database = settings.database
        self._settings, self._timeout = settings, timeout
        self._client: Client | None = None
        self._lock = Lock()

    def ask(self, query: Query) -> list[Row]:
        """Return the rows of an answer; raise Unavailable when ClickHouse is away, refuses, or lacks our schema."""
        try:
            result = self._connected().query(query.sql, parameters=query.parameters, settings=LIMITS)
        except SettingsError as error:
            raise Unavailable(str(error)) from None
        except (ClickHouseError, OSError) as error:
            self._client = None
            raise Unavailable(f"ClickHouse: {one_line(error)}") from None
        return [dict(zip(result.column_names, row, strict=True)) for row in result.result_rows]

    def _connected(self) -> Client:
        if (client := self._client) is not None:
            return client
        with self._lock:
            if (client := self._client) is None:  # or somebody else has connected meanwhile
                client = connect(self._settings, timeout=self._timeout)
                check_schema(client, self.database)
                self._client = client
        return client

    def version(self) -> int:
        """Return a number that changes with the data; raise Unavailable."""
        return int(self.ask(queries.version(self.database))[0]["version"])


class Answers:
    """Answers of one version of the data: many readers who ask the same cost one question."""

    def __init__(self, ask: Ask) -> None:
        """`ask` is who knows."""
        self._ask, self._lock = ask, Lock()
        self._version: object = None
        self._kept: dict[tuple[str, str], Future[list[Row]]] = {}

    def begin(self, version: object) -> None:
        """Forget everything when this is another version; with None nothing is kept until there is one."""
        with self._lock:
            if version != self._version:
                self._version, self._kept = version, {}

    def ask(self, query: Query) -> list[Row]:
        """Return the rows of an answer, kept or fresh; raise what `ask` raises, which is not kept."""
        key = (query.sql, repr(query.parameters))
        with self._lock:
            if self._version is None:
                kept: dict[tuple[str, str], Future[list[Row]]] = {}
            else:
                kept = self._kept
            found = kept.get(key)
            if found is None:
                mine: Future[list[Row]] = Future()
                if len(kept) >= KEPT:
                    kept.pop(next(iter(kept)))
                kept[key] = mine
        if found is not None:
            return found.result()
        try:
            rows = self._ask(query)
        except BaseException as error:
            with self._lock:
                kept.pop(key, None)
            mine.set_exception(error)
            raise
        mine.set_result(rows)
        return rows
