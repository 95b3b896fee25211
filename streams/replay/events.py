"""Lines as events on a time line: when they happened, moved in time, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import Meta, Raw

from schemas.decode import MAX_TIME, Reason, decode
from streams.replay.lines import MAX_LINE, Lines

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


class _Stamp(msgspec.Struct, gc=False):
    time: Annotated[datetime, Meta(tz=True)] | int


_stamp = msgspec.json.Decoder(_Stamp).decode
_object = msgspec.json.Decoder(dict[str, Raw]).decode
_instant = msgspec.json.Decoder(Annotated[datetime, Meta(tz=True)]).decode
_encode = msgspec.json.Encoder().encode

UNKNOWN: Final = -1
"""Time of a line that is JSON but says no time that could be used."""


class Timed(NamedTuple):
    """A line and when its event happened, in epoch ms, or UNKNOWN."""

    time: int
    line: bytes


class Broken(Exception):
    """A line that cannot be used; the message says why."""


def time_of(line: bytes) -> int:
    """Return when the event on `line` happened, in epoch ms, or UNKNOWN; raise Broken if the line is no JSON.

    No more is decoded than the time, unless the line is out of the ordinary.
    """
    try:
        time = _stamp(line).time
        if not line.isascii():
            line.decode()  # the decoder passes over what it need not look at
    except (ValueError, RecursionError):
        return _examine(line)
    if isinstance(time, int):
        ms = time
    elif time.microsecond % 1000 == 0 and b"999" in line and isinstance(found := decode(line), tuple):
        ms = found[1]  # the decoder rounds to microseconds, the pipeline cuts
    else:
        ms = _epoch_ms(time)
    return ms if 0 <= ms <= MAX_TIME else UNKNOWN


def _epoch_ms(time: datetime) -> int:
    return (time - _EPOCH) // _MILLISECOND


def _examine(line: bytes) -> int:
    """Return what `time_of` returns, slowly, by the pipeline's own judgement."""
    found = decode(line)
    if isinstance(found, tuple):
        return found[1]
    if found.reason is Reason.MALFORMED:
        raise Broken(found.detail)
    return UNKNOWN


def read(lines: Lines, *, timed: bool, broken: Callable[[str], None]) -> Iterator[Timed]:
    """Yield the lines that can be sent; tell `broken` why each of the others cannot.

    With `timed`, a line must say when its event happened. Without, it need only be JSON: what else is wrong
    with it is for the pipeline to say, on a dead letter.
    """
    for line in lines:
        if len(line) > MAX_LINE:
            broken(f"longer than {MAX_LINE >> 20} MiB")
            continue
        try:
            time = time_of(line)
        except Broken as why:
            broken(str(why))
            continue
        if timed and time == UNKNOWN:
            found = decode(line)
            broken("no time that could be used" if isinstance(found, tuple) else found.detail)
            continue
        yield Timed(time, line)


def in_order(events: Iterable[Timed]) -> list[Timed]:
    """Return `events` by time; those of the same time stay as they came. Holds all of them in memory."""
    return sorted(events, key=itemgetter(0))


def shifted(event: Timed, by: int) -> Timed:
    """Return `event` with its time moved by `by` ms; its other fields keep their bytes and their order.

    An integer time stays one. Any other is written in RFC 3339 with milliseconds, in UTC.
    Raises Broken when the result is before 1970 or after 2105, which no event may be.
    """
    time = event.time + by
    if not 0 <= time <= MAX_TIME:
        raise Broken(f"its time would move to {'before 1970' if time < 0 else 'after 2105'}")
    fields: dict[str, Any] = _object(event.line)
    text = bytes(fields["time"]).startswith(b'"')
    fields["time"] = instant(time) if text else time
    return Timed(time, _encode(fields))


def instant(time: int) -> str:
    """Return epoch ms as RFC 3339."""
    return (_EPOCH + timedelta(milliseconds=time)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_instant(text: str, *, now: float) -> int:
    """Return what a user wrote as epoch ms: `now` (seconds since the epoch), RFC 3339, or epoch ms.

    Raises ValueError, with what to write, for anything else.
    """
    text = text.strip()
    if text == "now":
        return int(now * 1000)
    try:
        time = int(text) if text.isdecimal() else _epoch_ms(_instant(_encode(text.replace(" ", "T"))))
    except ValueError:
        raise ValueError("write now, or 2024-05-01T12:00:00Z, or epoch milliseconds") from None
    if not 0 <= time <= MAX_TIME:
        raise ValueError("it must be from 1970 to 2105")
    return time
