"""Another name in a stored state.

Only where there are names: an account may be called like a month, or like the id of a reward.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def renamed(raw: bytes, old: str, new: str) -> bytes:
    """Return msgpack, all strings of which are names, with every `old`, keys of maps included, made `new`.

    >>> msgspec.msgpack.decode(renamed(msgspec.msgpack.encode({"ada": [1, "ada", ["bob"]]}), "ada", "x"))
    {'x': [1, 'x', ['bob']]}
    >>> msgspec.msgpack.decode(renamed(msgspec.msgpack.encode({("ada", 1): 2}), "ada", "x"))
    {('x', 1): 2}
    """
    return msgspec.msgpack.encode(_renamed(msgspec.msgpack.decode(raw, strict=False), old, new))


def renamed_key(named: Mapping[str, T], old: str, new: str) -> dict[str, T]:
    """Return a mapping from names with `new` in the place of `old`.

    >>> renamed_key({"ada": "ada", "bob": "x"}, "ada", "y")
    {'y': 'ada', 'bob': 'x'}
    """
    return {new if name == old else name: value for name, value in named.items()}


def _renamed(value: Any, old: str, new: str) -> Any:
    if isinstance(value, str):
        return new if value == old else value
    if isinstance(value, dict):
        return {_renamed(key, old, new): _renamed(each, old, new) for key, each in value.items()}
    if isinstance(value, (list, tuple)):  # a key of a map is a tuple, and must stay one
        return type(value)(_renamed(each, old, new) for each in value)
    return value
