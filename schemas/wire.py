"""Messages between the stages: msgpack arrays, written and read only by ourselves.

Each carries, in band, what its receiver must know of time, so that everything downstream is a function of the log and
not of scheduling. Fields are only ever appended, so that a new version reads what an old one sent.
"""

from __future__ import annotations

from typing import Final, Generic, TypeVar

import msgspec

from schemas.fact import Brief, Fact

F = TypeVar("F", covariant=True)

UNHEARD: Final = -(1 << 62)
"""Watermark of a source that has not been heard of: it holds everybody back."""


class Claim(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A decoded event that claims its id.

    `offset` and `appended` (ms) are its record's in the source partition, `fact` is its encoded fact, which accept keeps
    and passes on as it is, `row` its encoded `events` row, `undo_of` the id it takes back, if it is an undo. `behind`,
    unless 0, is by how many ms it is late: it may only be a duplicate.
    """

    offset: int
    appended: int
    fact: msgspec.Raw
    row: bytes
    undo_of: str = ""
    behind: int = 0


class Order(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An accepted undo on its way to where the event it takes back is kept. `time`, in event ms, and `undo`, its id, are the
    undo's; an older version did not send the id.
    """

    offset: int
    time: int
    undo_of: str
    undo: str = ""


class Erasure(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A request to forget `account` and to keep it out, or with `lifted` to let it in again.

    Where others' results depend on there having been somebody, `stand_in` takes the account's place. A rebuild, which does
    not know names any more, keeps out by `mark`, the fingerprint, alone.
    """

    account: str
    stand_in: str
    lifted: bool = False
    mark: bytes = b""


class Decoded(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Ingest → accept: the claims of one batch of source partition `source`, offsets [begin, end), for one partition.

    `time` is the largest event time seen in the source so far, `watermark` that less the allowed lateness (both ms).
    `appended` is when Kafka had the newest of its records; with `silent`, up to when the source is known to have had no
    more (both ms, wall clock). Without claims it is a tick: only time passes. Accept partitions send orders to each
    other in the same form; their `source` is -1 less their number and their `watermark` promises that no order with an
    earlier time will follow. A message with `erasures` holds nothing else.
    """

    source: int
    begin: int
    end: int
    time: int
    watermark: int
    claims: tuple[Claim, ...] = ()
    orders: tuple[Order, ...] = ()
    appended: int = 0
    silent: bool = False
    erasures: tuple[Erasure, ...] = ()


class Routed(msgspec.Struct, Generic[F], frozen=True, array_like=True, gc=False):
    """Accept → accumulate: facts of accept partition `source`, offsets [begin, end) of its input, for one partition.

    `facts` are (offset, keys, fact), the fact as whoever reads it wants it, or encoded still: `keys` are those of the fact's
    subjects that live in the receiving partition, each a subject's code followed by its key. `time` is stream time as accept
    knows it; no fact with a time below `floor` will follow from this source (both ms). A message with `erasures` holds nothing
    else: no fact that names one of these accounts will follow from this source.
    """

    source: int
    begin: int
    end: int
    time: int
    floor: int
    facts: tuple[tuple[int, tuple[str, ...], F], ...] = ()
    erasures: tuple[Erasure, ...] = ()


encode = msgspec.msgpack.Encoder().encode
decode_fact = msgspec.msgpack.Decoder(Fact).decode
decode_brief = msgspec.msgpack.Decoder(Brief).decode
"""Only what counting needs of a fact, at half the price."""
decode_decoded = msgspec.msgpack.Decoder(Decoded).decode
decode_routed = msgspec.msgpack.Decoder(Routed[Fact]).decode
decode_routed_briefly = msgspec.msgpack.Decoder(Routed[Brief]).decode


def raw_fact(fact: Fact) -> msgspec.Raw:
    """Return the fact encoded."""
    return msgspec.Raw(encode(fact))
