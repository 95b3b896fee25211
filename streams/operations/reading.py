"""Facts read back from ClickHouse: the same bytes through the same decoder as when they came."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from clickhouse_connect.driver.client import Client

from schemas.decode import Rejected, decode
from schemas.fact import Fact, fact_of

_SQL = """
SELECT raw FROM {db:Identifier}.events AS e
WHERE time >= {first:DateTime64(3)} AND time < {last:DateTime64(3)} AND type != 'undo'
    AND (time, id) NOT IN (SELECT time, id FROM {db:Identifier}.retractions_store)
"""


@dataclass
class Facts:
    """The facts of accepted events in [first, last) that were not taken back, in no particular order."""

    client: Client
    database: str
    first: datetime
    last: datetime
    left_out: int = 0
    """Events that were gone through and cannot be read again: somebody in them was forgotten, and with it what came."""

    def __iter__(self) -> Iterator[Fact]:
        """Go through them."""
        given = {"db": self.database, "first": self.first, "last": self.last}
        self.left_out = 0
        with self.client.query_row_block_stream(_SQL, parameters=given) as blocks:
            for block in blocks:
                for (raw,) in block:
                    decoded = decode(raw.encode())
                    if isinstance(decoded, Rejected):
                        self.left_out += 1
                    else:
                        yield fact_of(*decoded)
