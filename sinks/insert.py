"""Inserting a block until it is in: the same block, under the same token, however often."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from threading import Event, local
from typing import Final

import structlog
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_when_event_set,
    wait_exponential_jitter,
)

from infra import telemetry
from infra.database import DatabaseUnreachable, one_line
from sinks.block import Block

log = structlog.get_logger("juice")

TRANSIENT: Final = frozenset({159, 160, 164, 202, 203, 209, 210, 236, 241, 242, 243, 252, 279, 319, 394, 439, 473, 999})
"""ClickHouse error codes that pass: time-outs, memory, too many parts or queries, read-only for a while, shut-down."""


LOCKED_OUT: Final = frozenset({192, 193, 194, 497, 516})
"""And those that say that we may not, whatever we ask: no such user, wrong password, not granted, not let in."""


class RowsRefused(Exception):
    """ClickHouse answered, and will not take these rows: a fault between versions, not of the data."""


class LockedOut(Exception):
    """ClickHouse lets us in no more, or not into this table: a person has to mend it."""


def passes(error: BaseException) -> bool:
    """Tell whether an insert that failed so is worth trying again."""
    if isinstance(error, DatabaseError) and answered(error):
        return says(error, TRANSIENT)
    if isinstance(error, DatabaseUnreachable):
        return not says(error, LOCKED_OUT)
    return isinstance(error, (ClickHouseError, OSError))


def says(error: BaseException, codes: Collection[int]) -> bool:
    """Tell whether ClickHouse gave one of these codes."""
    return any(f"Code: {code}." in str(error) or f"error code {code}" in str(error) for code in codes)


def answered(error: Exception) -> bool:
    """Tell whether ClickHouse itself answered: an error without a code is the connection's, whatever the driver calls it."""
    return "Code:" in str(error) or "error code" in str(error)


class Inserter:
    """Inserts blocks with one client for each thread; keeps trying while ClickHouse is away."""

    def __init__(self, connect: Callable[[], Client], database: str, stop: Event) -> None:
        self._connect, self.database, self._stop = connect, database, stop
        self._own = local()
        self._retrying = Retrying(  # one for all: each leaves a cycle behind
            retry=retry_if_exception(passes),
            wait=wait_exponential_jitter(multiplier=0.2, max=10, jitter=0.5),
            stop=stop_when_event_set(stop),
            before_sleep=self._failed,
            sleep=self._pause,
        )

    def insert(self, block: Block) -> None:
        """Return when `block` is in ClickHouse; raise RowsRefused, LockedOut, or tenacity.RetryError when told to stop."""
        try:
            for attempt in self._retrying:
                with attempt:
                    self._once(block)
        except (DatabaseError, DatabaseUnreachable) as error:
            if says(error, LOCKED_OUT):
                raise LockedOut(f"ClickHouse does not let us write {block.table}: {one_line(error)}") from error
            raise RowsRefused(f"ClickHouse refuses {block.rows} rows of {block.table}: {one_line(error)}") from error

    def _pause(self, seconds: float) -> None:
        self._stop.wait(seconds)

    def _once(self, block: Block) -> None:
        client: Client | None = getattr(self._own, "client", None)
        if client is None:
            client = self._own.client = self._connect()
        form, _, compression = block.form.partition(" ")
        try:
            client.raw_insert(
                f"{self.database}.{block.table}_store",
                column_names=list(block.columns),
                insert_block=block.body,
                fmt=form,
                compression=compression or None,
                settings={
                    "insert_deduplicate": 1,
                    "insert_deduplication_token": block.token,
                    "async_insert": 0,
                    "optimize_on_insert": 0,  # a quarter of the work of an insert, for versions that reading drops anyway
                    "wait_end_of_query": 1,
                    "max_partitions_per_insert_block": 0,
                    "date_time_input_format": "basic",
                },
            )
        except Exception:
            self._own.client = None
            raise

    def _failed(self, state: RetryCallState) -> None:
        telemetry.insert_failed()
        error = state.outcome.exception() if state.outcome else None
        level = logging.WARNING if state.attempt_number > 1 else logging.INFO
        log.log(
            level,
            "insert failed, trying again",
            attempt=state.attempt_number,
            error=one_line(error) if isinstance(error, Exception) else "",
        )
