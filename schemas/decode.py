"""Bytes of a record in, a social event or a named refusal out. Total: no bytes make it raise.

Two ways lead to the same answer. The short one is a single typed decode and a few comparisons, and takes what
is surely right. All else goes through `_examine`, which looks at one field after the other, is the definition
of what is accepted, and can say what is wrong. So producers who write `null` for what they do not know, or
leap seconds, are heard as well, only more slowly.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Final, get_type_hints

import msgspec
from msgspec import Raw

from schemas.event import KIND_CODE, MAX_RECORD_BYTES, Event

MAX_DEPTH: Final = 64
"""Arrays and objects nested in each other; the schema itself needs 2. A fixed number, because what the
decoder could bear depends on its caller's stack, and the same record must meet the same answer everywhere."""
MAX_TIME: Final = 4_291_747_199_999
"""2105-12-31T23:59:59.999Z in epoch ms: the end of the last full year that a ClickHouse DateTime can hold."""
MAX_DETAIL: Final = 300


class Reason(StrEnum):
    """Why a record could not be used: the closed list, on dead letters and in telemetry.

    - `malformed`: not JSON in UTF-8 (nothing at all, unpaired surrogates, NaN, deeper than MAX_DEPTH);
    - `invalid`: JSON, but not an event of schema v1; the detail names the field;
    - `unknown_type`: an event of a `type` this version does not know;
    - `too_large`: longer than MAX_RECORD_BYTES, not looked into;
    - `future`: happens further ahead of the wall clock than allowed, or after MAX_TIME;
    - `late`: happened further behind its partition's watermark than allowed.

    `decode` judges all but `late` and the wall clock, which take knowing the time.
    """

    MALFORMED = "malformed"
    INVALID = "invalid"
    UNKNOWN_TYPE = "unknown_type"
    TOO_LARGE = "too_large"
    FUTURE = "future"
    LATE = "late"


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """A record that cannot be used. `detail` is for people: printable, one line, at most MAX_DETAIL long."""

    reason: Reason
    detail: str


def rejected(reason: Reason, detail: str) -> Rejected:
    """Return a refusal with `detail` made printable and short, whatever it quotes."""
    detail = detail[: MAX_DETAIL + 1]
    if not detail.isprintable():
        detail = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in detail)
    if len(detail) > MAX_DETAIL:
        detail = detail[: MAX_DETAIL - 1] + "…"
    return Rejected(reason, detail)


_DAY: Final = 86_400_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_event = msgspec.json.Decoder(Event).decode
_whole = msgspec.json.Decoder(Raw).decode
_object = msgspec.json.Decoder(dict[str, Raw]).decode
_text = msgspec.json.Decoder(str).decode
_instant = msgspec.json.Decoder(int | str).decode
_field: Final = {
    name: msgspec.json.Decoder(hint).decode for name, hint in get_type_hints(Event, include_extras=True).items()
}
_REQUIRED: Final = tuple(field.name for field in msgspec.structs.fields(Event) if field.required)


def decode(raw: bytes | None) -> tuple[Event, int] | Rejected:
    """Return the event in `raw` with its time in epoch ms (fractions cut, not rounded), or why there is none.

    Use this time, not `event.time`, which is the time as the decoder found it.
    """
    if not raw:
        return Rejected(Reason.MALFORMED, "no value" if raw is None else "empty value")
    if len(raw) > MAX_RECORD_BYTES:
        return Rejected(Reason.TOO_LARGE, f"{len(raw)} bytes; at most {MAX_RECORD_BYTES} are read")
    try:
        text = raw.decode()  # all of it: the decoder skips over fields it does not know
        event = _event(raw)
    except (ValueError, RecursionError):  # UnicodeDecodeError and msgspec's errors are ValueErrors
        return _examine(raw)
    time = event.time
    if not isinstance(time, int):
        # The decoder rounds to microseconds; where that may have lifted the milliseconds, look closely.
        if time.microsecond % 1000 == 0 and "999" in text:
            return _examine(raw)
        since = time - _EPOCH
        time = since.days * _DAY + since.seconds * 1000 + since.microseconds // 1000
    if 0 <= time <= MAX_TIME and _shallow(text) and (event.type != "undo" or event.undo_of):
        return event, time
    return _examine(raw)


def _examine(raw: bytes) -> tuple[Event, int] | Rejected:
    """Return what `decode` returns, slowly: malformed first, then the type, then field by field."""
    text = ""
    try:
        text = raw.decode()
        if not _shallow(text) and _depth(raw) > MAX_DEPTH:
            return Rejected(Reason.MALFORMED, f"nested more than {MAX_DEPTH} deep")
        _whole(raw)
        fields = _object(raw)
    except UnicodeDecodeError as error:
        return rejected(Reason.MALFORMED, f"not UTF-8: byte 0x{raw[error.start]:02x} at {error.start}")
    except msgspec.ValidationError as error:
        return rejected(Reason.INVALID, str(error))
    except msgspec.DecodeError as error:
        lone = next(filter(None, _ESCAPE.findall(text)), "")
        said = f"unpaired surrogate {lone}" if lone else str(error).removeprefix("JSON is malformed: ")
        return rejected(Reason.MALFORMED, f"not JSON: {said}")

    values: dict[str, Any] = {}
    name = "type"
    try:
        if name in fields and (kind := _text(fields[name])) not in KIND_CODE:
            return rejected(Reason.UNKNOWN_TYPE, f"`type`: {kind[:MAX_DETAIL]!r} is not known")
        for name in _REQUIRED:
            if name not in fields:
                return Rejected(Reason.INVALID, f"`{name}`: missing")
        for name, value in fields.items():
            if name in _field and (name in _REQUIRED or bytes(value) != b"null"):
                values[name] = _epoch_ms(value) if name == "time" else _field[name](value)
    except ValueError as error:
        return rejected(Reason.INVALID, f"`{name}`: {str(error).replace(' - at `$', ' - at `' + name)}")

    event = Event(**values)
    time: int = values["time"]
    if time < 0:
        return Rejected(Reason.INVALID, "`time`: before 1970")
    if time > MAX_TIME:
        return Rejected(Reason.FUTURE, "`time`: after 2105, the last year that can be stored")
    if event.type == "undo" and not event.undo_of:
        return Rejected(Reason.INVALID, "`undo_of`: missing, an undo must say what it takes back")
    return event, time


_RFC3339: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ]([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(?:\.(\d+))?"
    r"(?:[Zz]|([+-])([01]\d|2[0-3]):?([0-5]\d))",
    re.ASCII,
)


def _epoch_ms(value: Raw) -> int:
    """Return the instant written in `value`, in epoch ms, possibly out of range; ValueError if it is none.

    RFC 3339 (the colon of the offset may be missing), or an integer. A leap second, which an epoch cannot
    tell, counts as the second after it.
    """
    try:
        said = _instant(value)
    except msgspec.ValidationError:
        digits = bytes(value)
        if digits.removeprefix(b"-").isdigit():  # more of them than the decoder takes
            return -1 if digits.startswith(b"-") else MAX_TIME + 1
        raise
    if isinstance(said, int):
        return said
    match = _RFC3339.fullmatch(said)
    if match is None:
        raise ValueError(f"{said[:80]!r} is not an RFC 3339 time with an offset")
    day, hours, minutes, seconds, fraction, sign, offset_hours, offset_minutes = match.groups()
    if day.startswith("0000"):  # a year of RFC 3339, but none of Python's
        return -1
    days = date.fromisoformat(day).toordinal() - _EPOCH.toordinal()
    time = days * _DAY + (int(hours) * 3600 + int(minutes) * 60 + int(seconds)) * 1000
    if sign:
        offset = (int(offset_hours) * 60 + int(offset_minutes)) * 60_000
        time += offset if sign == "-" else -offset
    if seconds == "60" and time % _DAY:
        raise ValueError(f"{said[:80]!r} is no leap second")
    return time + int((fraction or "0")[:3].ljust(3, "0"))


def _shallow(text: str) -> bool:
    """Return whether `text` holds too few brackets to nest too deep; most events hold none but their own."""
    if "[" not in text and text.find("{", 1) < 0:
        return True
    return text.count("[") + text.count("{") <= MAX_DEPTH


_STRING: Final = re.compile(rb'"(?:[^"\\]+|\\.)*"?', re.DOTALL)
_NO_BRACKET: Final = re.compile(rb"[^\[\]{}]+")


def _depth(raw: bytes) -> int:
    """Return how deep arrays and objects are nested in `raw`, JSON or not; beyond MAX_DEPTH, just more."""
    depth = deepest = 0
    for bracket in _NO_BRACKET.sub(b"", _STRING.sub(b"", raw)):
        if bracket in b"]}":
            depth -= 1
            continue
        depth += 1
        if depth > deepest:
            deepest = depth
            if deepest > MAX_DEPTH:
                break
    return deepest


_ESCAPE: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair
    r"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"  # one without the other
    r"|\\."
)
