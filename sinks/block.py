"""A block: what one insert holds, and the token under which ClickHouse knows it again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Annotated, Final

import msgspec

from schemas.rows import BY_ROW, TABLES, encode_rows, join_rows


@dataclass(slots=True)
class Block:
    """Rows of one table from consecutive messages of some partitions. Messages say their columns and their format themselves, so
    a sink need not know what a newer worker measures; the rows of one block have the same.
    """

    table: str
    columns: tuple[str, ...]
    form: str = BY_ROW
    """ClickHouse's format, and behind a space how each part is compressed, if it is."""
    parts: list[bytes] = field(default_factory=list)
    rows: int = 0
    size: int = 0
    """Bytes of the rows as they came, compressed or not."""
    oldest: int = 0
    """When Kafka had the oldest event in it, ms; 0 if its messages do not say."""
    ranges: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)

    def add(self, topic: str, partition: int, offset: int, value: bytes, rows: int, appended: int) -> None:
        """Add the rows of one message."""
        self.parts.append(value)
        self.rows += rows
        self.size += len(value)
        if appended:
            self.oldest = min(self.oldest or appended, appended)
        first, _ = self.ranges.get((topic, partition), (offset, offset))
        self.ranges[topic, partition] = (first, offset)

    @property
    def body(self) -> bytes:
        """Return the rows in their format."""
        return join_rows(self.parts) if self.form == BY_ROW else b"".join(self.parts)

    @property
    def token(self) -> str:
        """Return `table:topic:partition:first-last…`, shortened by a hash: the same block always has the same."""
        named = sorted(
            f"{topic}:{partition}:{first}-{last}" for (topic, partition), (first, last) in self.ranges.items()
        )
        return f"{self.table}:{blake2b('|'.join(named).encode(), digest_size=16).hexdigest()}"


LETTER_COLUMNS: Final = (*TABLES["dead_letters"].names, "version")


class _Letter(msgspec.Struct, frozen=True):
    """A dead letter as its row has it: fields of the names and types of the columns, in their order."""

    reason: str
    detail: str
    topic: str
    partition: Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)]
    offset: Annotated[int, msgspec.Meta(ge=0)]
    record: str
    at: Annotated[int, msgspec.Meta(ge=0)]


_letter = msgspec.json.Decoder(_Letter).decode


def letter_row(letter: bytes, version: int) -> bytes:
    """Return the encoded row of a dead letter, as it is on its topic; raise msgspec.DecodeError for what is none."""
    return encode_rows([(*msgspec.structs.astuple(_letter(letter)), version)])


def filled(blocks: Iterable[Block]) -> list[Block]:
    """Return the blocks with rows, events first: they have come the longest way."""
    return sorted((b for b in blocks if b.rows), key=lambda b: b.table != "events")
