"""The events of a workload spelled as JSON, fast: templates of bytes with fixed places for digits, filled by
numpy.

Every record is valid JSON of exactly `record_bytes` bytes; `text` takes up what the other fields leave.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from infra.bench.workload import KINDS, Events, Ints, Kind, Workload

Bytes = NDArray[np.uint8]

CHUNK: Final = 20_000
"""Events spelled at once: 20 MB of 1 KB records."""

# A field is a letter repeated to its width: I id, T time, A actor, R receiver, P post, F followers.
_HEAD = (
    '{"id":"eIIIIIIIIIIII","type":"%s","time":TTTTTTTTTTTTT,"actor":"uAAAAAAA","network":"bluesky",'
    '"actor_followers":FFFFFF,'
)
_ON_POST = '"object":"pPPPPPPPPP","object_author":"uRRRRRRR",'
_TAIL: Final[dict[Kind, str]] = {
    "like": _ON_POST,
    "follow": '"targets":["uRRRRRRR"],',
    "post": '"object":"pPPPPPPPPP",',
    "share": _ON_POST + '"root":"pPPPPPPPPP",',
    "mention": '"object":"pPPPPPPPPP","targets":["uRRRRRRR"],',
    "reply": _ON_POST + '"root":"pPPPPPPPPP","parent":"pPPPPPPPPP",',
}
_FIELDS: Final = {"I": 12, "T": 13, "A": 7, "R": 7, "P": 9, "F": 6}

_TEXT: Final = """people who give first are heard later and the ones that only ask are not so we share
what we know with friends #coffee #music #opensource #running #photography today after work in the city
where everyone meets #weekend"""


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one partition, in order; `keys` and `values` are equally long."""

    partition: int
    keys: list[bytes]
    values: list[bytes]


def batches(workload: Workload, events: Events) -> Iterator[Batch]:
    """Yield all records of `events`, chunk by chunk and within a chunk by partition.

    Raises ValueError when `record_bytes` is too small for the fields.
    """
    layouts = [_Layout.of(kind, workload.record_bytes) for kind in KINDS]
    for begin in range(0, workload.records, CHUNK):
        chunk = slice(begin, min(begin + CHUNK, workload.records))
        rows = _spell(layouts, events, chunk, workload.record_bytes)
        names = _names(events.key[chunk])
        partitions = events.partition[chunk]
        for partition in range(workload.partitions):
            where = np.flatnonzero(partitions == partition)
            if len(where):
                yield Batch(partition, _slices(names[where]), _slices(rows[where]))


@dataclass(frozen=True, slots=True)
class _Layout:
    """One kind's record: the template, where each field's digits are, and the texts that fill it up."""

    template: Bytes
    places: tuple[tuple[str, int], ...]
    text: slice
    texts: Bytes

    @classmethod
    def of(cls, kind: Kind, size: int) -> _Layout:
        marked = _HEAD + _TAIL[kind] + '"text":"%s"}'
        room = size - len(marked % (kind, ""))
        if room < 0:
            raise ValueError(f"record_bytes must be at least {size - room} for a {kind}")
        places = []
        for letter, width in _FIELDS.items():
            at = -1
            while (at := marked.find(letter * width, at + 1)) >= 0:
                places.append((letter, at + len(kind) - 2 if at > marked.index("%s") else at))
        template = np.frombuffer((marked % (kind, "-" * room)).encode(), np.uint8)
        return cls(template, tuple(places), slice(size - 2 - room, size - 2), _texts(room))


def _texts(length: int) -> Bytes:
    """Return 64 different texts of `length` bytes, shape (64, length)."""
    rng = np.random.default_rng(length)
    texts = [" ".join(rng.choice(_TEXT.split(), size=length // 2 + 1))[:length] for _ in range(64)]
    return np.frombuffer("".join(texts).encode(), np.uint8).reshape(64, length)


def _spell(layouts: list[_Layout], events: Events, chunk: slice, size: int) -> Bytes:
    """Return the records of `chunk`, shape (events, size)."""
    kinds = events.kind[chunk]
    columns = {
        "I": np.arange(chunk.start, chunk.stop, dtype=np.int64),
        "T": events.time[chunk],
        "A": events.actor[chunk],
        "R": events.receiver[chunk],
        "P": events.post[chunk],
        "F": events.followers[chunk],
    }
    texts = events.text[chunk]
    rows = np.empty((len(kinds), size), np.uint8)
    for code, layout in enumerate(layouts):
        where = np.flatnonzero(kinds == code)
        block = np.tile(layout.template, (len(where), 1))
        block[:, layout.text] = layout.texts[texts[where]]
        spelled: dict[str, Bytes] = {}
        for letter, at in layout.places:
            if letter not in spelled:
                # A bare JSON number has no leading zeros; spaces before it are allowed.
                pad = ord(" ") if letter == "F" else ord("0")
                spelled[letter] = _digits(columns[letter][where], _FIELDS[letter], pad)
            block[:, at : at + _FIELDS[letter]] = spelled[letter]
        rows[where] = block
    return rows


def _digits(values: Ints, width: int, pad: int) -> Bytes:
    """Return `values` in decimal, right-aligned, shape (values, width)."""
    powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    quotients = values[:, None] // powers
    digits = (quotients % 10 + ord("0")).astype(np.uint8)
    digits[:, :-1][quotients[:, :-1] == 0] = pad
    return digits


def _names(accounts: Ints) -> Bytes:
    """Return account names (`workload.account_name`), shape (accounts, 8)."""
    names = np.full((len(accounts), 8), ord("u"), np.uint8)
    names[:, 1:] = _digits(accounts, 7, ord("0"))
    return names


def _slices(rows: Bytes) -> list[bytes]:
    flat, width = rows.tobytes(), rows.shape[1]
    return [flat[at : at + width] for at in range(0, len(flat), width)]
