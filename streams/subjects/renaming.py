"""Another name in a stored state, without knowing what the state is."""

from __future__ import annotations

from typing import Any

import msgspec


def renamed(raw: bytes, old: str, new: str) -> bytes:
    """Return msgpack with every string `old`, keys of maps included, made `new`.

    >>> msgspec.msgpack.decode(renamed(msgspec.msgpack.encode({"ada": [1, "ada", ["bob"]]}), "ada", "x"))
    {'x': [1, 'x', ['bob']]}
    >>> msgspec.msgpack.decode(renamed(msgspec.msgpack.encode({("ada", 1): 2}), "ada", "x"))
    {('x', 1): 2}
    """
    return msgspec.msgpack.encode(_renamed(msgspec.msgpack.decode(raw, strict=False), old, new))


def _renamed(value: Any, old: str, new: str) -> Any:
    if isinstance(value, str):
        return new if value == old else value
    if isinstance(value, dict):
        return {_renamed(key, old, new): _renamed(each, old, new) for key, each in value.items()}
    if isinstance(value, (list, tuple)):  # a key of a map is a tuple, and must stay one
        return type(value)(_renamed(each, old, new) for each in value)
    return value
