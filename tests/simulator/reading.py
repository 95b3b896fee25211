"""What a record says, by the rules of the contract, with the standard library and nothing of the product."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

KINDS: Final = (
    *("post", "reply", "mention", "like", "share", "quote", "click", "recommend"),
    *("referral", "tag", "follow", "unfollow", "checkin", "undo"),
)
FAR: Final = 4_102_444_800_000
"""2100-01-01T00:00Z: no clock that reads a simulated log is near it, so that what lies beyond is `future`."""
AUTHOR_RECEIVES: Final = frozenset(("reply", "like", "share", "quote", "click"))
TARGETS_RECEIVE: Final = frozenset(("mention", "tag", "recommend", "follow", "unfollow", "referral"))
DISCLOSING: Final = frozenset(("ad", "sponsored"))
"""Of the hashtags that disclose, those that the simulator writes."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339: Final = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d):(\d\d)(\.\d+)?([Zz]|[+-]\d\d:?\d\d)", re.ASCII)
_HASHTAG: Final = re.compile(r"(?:^|\s)#(\w+)")
_MENTION: Final = re.compile(r"(?:^|\s)@([A-Za-z0-9_]+)")


class Read(NamedTuple):
    """An event as it counts.

    `time` in epoch ms; `given`: how many actions of the actor's it is; `klass`: 0 earned, 1 incentivised,
    2 incentivised and not disclosed; `said`: all that it says, as it says it.
    """

    id: str
    kind: str
    time: int
    actor: str
    receivers: list[str]
    given: int
    klass: int
    said: dict[str, Any]


def read(raw: bytes) -> Read | str:
    """Return what `raw` says, or the reason for which it cannot be used."""
    if len(raw) > 1 << 20:
        return "too_large"
    try:
        said = _json(raw.decode())
        if b"\\u" in raw:
            json.dumps(said, ensure_ascii=False).encode()  # half a surrogate pair is no character
        if raw.count(b"[") + raw.count(b"{") > 64 and _depth(said) > 64:
            return "malformed"
    except (ValueError, RecursionError):
        return "malformed"
    if not isinstance(said, dict):
        return "invalid"
    kind = said.get("type")
    if isinstance(kind, str) and kind not in KINDS:
        return "unknown_type"
    for field, required in _REQUIRED.items():
        if not required(said.get(field)):
            return "invalid"
    for field, value in said.items():
        if value is not None and (fits := _OPTIONAL.get(field)) is not None and not fits(value):
            return "invalid"
    time = _epoch_ms(said["time"])
    if time is None or time < 0:
        return "invalid"
    if time >= FAR:
        return "future"
    if kind == "undo" and not said.get("undo_of"):
        return "invalid"
    receivers, given = _deed(said)
    return Read(said["id"], said["type"], time, said["actor"], receivers, given, _klass(said), said)


def same(one: Read, other: Read) -> bool:
    """Return whether two events say the same in all that the schema knows."""
    return one[:-1] == other[:-1] and all(one.said.get(field) == other.said.get(field) for field in _OPTIONAL)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _integer(digits: str) -> int:
    """Return an integer; of more digits than Python likes to read, one that is as far beyond all limits."""
    return int(digits[:40])


_json: Final[Callable[[str], Any]] = json.JSONDecoder(parse_constant=_refuse, parse_int=_integer).decode


def _depth(value: object) -> int:
    if isinstance(value, dict | list):
        return 1 + max(map(_depth, value.values() if isinstance(value, dict) else value), default=0)
    return 0


def _epoch_ms(time: int | str) -> int | None:
    """Return the whole milliseconds since 1970, what is left over cut off; a leap second is the one after it."""
    if isinstance(time, int):
        return time
    if (said := _RFC3339.fullmatch(time)) is None:
        return None
    day, minute, second, fraction, offset = said.groups()
    leap = second == "60"
    try:
        since = datetime.fromisoformat(f"{day}T{minute}:{'59' if leap else second}{offset.upper()}") - _EPOCH
    except ValueError:
        return None
    seconds = since.days * 86_400 + since.seconds + leap
    if leap and seconds % 86_400:
        return None
    return seconds * 1000 + int((fraction or ".0")[1:4].ljust(3, "0"))


def _deed(said: dict[str, Any]) -> tuple[list[str], int]:
    """Return who receives it, and how many given actions it is. Nobody gives to themselves."""
    kind, actor = said["type"], said["actor"]
    if kind in AUTHOR_RECEIVES:
        author = said.get("object_author")
        if author == actor:
            return [], 0
        return [author] if author else [], 1
    if kind in TARGETS_RECEIVE:
        targets = said.get("targets") or []
        if not targets and kind in ("mention", "tag"):  # then those whom the text names, each once
            targets = list(dict.fromkeys(_MENTION.findall(said.get("text") or "")))
        others = [target for target in targets if target != actor]
        return others, len(others)
    return [], int(kind != "undo")


def _klass(said: dict[str, Any]) -> int:
    if (said.get("incentive") or "none") == "none" and not said.get("campaign"):
        return 0
    tags = said.get("hashtags")
    if tags is None:
        tags = _HASHTAG.findall(said.get("text") or "")
    return 1 if said.get("disclosed") or any(tag.lstrip("#").lower() in DISCLOSING for tag in tags) else 2


def _words(least: int, most: int) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and least <= len(value) <= most


def _whole(value: object) -> bool:
    return type(value) is int and 0 <= value <= 10**12


def _list(most: int, fits: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and len(value) <= most and all(map(fits, value))


def _one_of(*values: str) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and value in values


_REQUIRED: Final[dict[str, Callable[[object], bool]]] = {
    "type": _one_of(*KINDS),
    "id": _words(1, 512),
    "actor": _words(1, 512),
    "time": lambda value: type(value) in (int, str),
}
_NAMES: Final = (
    *("network", "object", "object_author", "root", "parent"),
    *("lang", "venue", "campaign", "undo_of"),
)
_OPTIONAL: Final[dict[str, Callable[[object], bool]]] = {
    **dict.fromkeys(_NAMES, _words(0, 512)),
    **dict.fromkeys(("actor_followers", "actor_following"), _whole),
    **dict.fromkeys(("disclosed", "promo"), lambda value: type(value) is bool),
    "text": _words(0, 65_536),
    "targets": _list(1000, _words(1, 512)),
    "hashtags": _list(256, _words(1, 512)),
    "urls": _list(256, _words(0, 4096)),
    "media": _list(256, _one_of("photo", "video", "audio")),
    "incentive": _one_of("none", "sweepstake", "reward", "paid"),
}
