"""What goes to a broker is put together once.

aiokafka encodes a request from the inside out, and joins the bytes anew at each level: six times for what a batch holds. Half a
megabyte at a time comes from the system page by page, so that this was a tenth of what a worker spends. Here the pieces of all
levels are joined together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from aiokafka.protocol.api import Request
from aiokafka.protocol.types import Array, Bytes, Int32, Schema


class Joined:
    """A request for aiokafka's client to send, encoded so. It must be one that the broker answers.

    Neither it nor what it prepares is part of a cycle: batches would stay until those are looked for.
    """

    def __init__(self, request: Request[Any]) -> None:
        self._request = request

    def prepare(self, versions: dict[int, tuple[int, int]]) -> Any:
        """Return the request in the newest version that the broker knows too."""
        struct: Any = self._request.prepare(versions)
        values = [struct.get_item(name) for name in struct.SCHEMA.names]
        struct.encode = partial(encoded, struct.SCHEMA, values)
        return struct


def encoded(schema: Schema, values: Sequence[Any]) -> bytes:
    """Return what `schema.encode` returns for `values`."""
    return b"".join(_pieces(schema, values))


def _pieces(kind: Any, value: Any) -> Iterator[bytes]:
    if isinstance(kind, Schema):
        for field, item in zip(kind.fields, value, strict=True):
            yield from _pieces(field, item)
    elif type(kind) is Array and value is not None:  # not those with another kind of length
        yield Int32.encode(len(value))
        for item in value:
            yield from _pieces(kind.array_of, item)
    elif kind is Bytes and value is not None:
        yield Int32.encode(len(value))
        yield value
    else:
        yield kind.encode(value)
