"""Forgetting an account: what accept lets through of it, and what accumulate drops.

A request comes in every partition of `juice.decoded`. From there on accept, which keeps a fingerprint of the account with
its progress for ever, takes the name out of every claim, also out of what waits for an undo, and passes the request on
behind the last fact that had the name. Accumulate then drops the keys that are the account's and puts a stand-in where a
state of others names it. What others received and gave stays as it was, so every count of theirs stays right.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

import msgspec

from schemas.fact import Fact
from schemas.rows import TABLES
from schemas.text import mentions
from schemas.wire import Claim, Erasure
from streams.agents.agenda import HEADER
from streams.engine.progress import PROGRESS
from streams.subject import Subject

_NAMES: Final = TABLES["events"].names
_TEXT: Final = _NAMES.index("text")
_HANDLE: Final = re.compile(r"[@＠]([\w.@-]*\w)")
"""What networks other than Twitter call a handle: with dots, hyphens and the name of a server."""
_ALWAYS: Final = {"raw": ""}
_OWN: Final = {"actor_followers": None, "actor_following": None, "text": "", "urls": ()}
"""What an event says of the erased account itself, beside its name."""


@lru_cache(maxsize=1 << 12)
def fingerprint(account: str) -> bytes:
    """Return 16 bytes that stand for a name in the list of the erased; the name cannot be read from them."""
    return blake2b(account.encode(), digest_size=16, person=b"juice erasure").digest()


def names(claim: Claim, erased: Container[bytes]) -> frozenset[str]:
    """Return the accounts that a claim names, its words included, and that are erased."""
    fact = claim.fact
    named = {fact.actor, fact.author, *fact.receivers}
    if b"@" in claim.row:
        text = msgspec.json.decode(claim.row)[_TEXT]
        named.update(mentions(text), _HANDLE.findall(text))
    return frozenset(name for name in named if name and fingerprint(name) in erased)


def without(fact: Fact, gone: frozenset[str]) -> Fact:
    """Return the fact without these names. `given` stays: what others gave they gave."""
    own = fact.actor in gone
    return msgspec.structs.replace(
        fact,
        actor="" if own else fact.actor,
        author="" if fact.author in gone else fact.author,
        receivers=tuple(name for name in fact.receivers if name not in gone),
        text_hash=0 if own else fact.text_hash,
        followers=-1 if own else fact.followers,
        following=-1 if own else fact.following,
    )


def claim_without(claim: Claim, gone: frozenset[str]) -> Claim:
    """Return the claim, its `events` row included, without these names, and without any words that hold one."""
    row = dict(zip((*_NAMES, "version"), msgspec.json.decode(claim.row), strict=True)) | _ALWAYS
    if row["actor"] in gone:
        row |= _OWN
    elif any(name.casefold() in row["text"].casefold() for name in gone):
        row["text"] = ""
    for name in ("actor", "object_author"):
        row[name] = "" if row[name] in gone else row[name]
    for name in ("targets", "mentioned"):
        row[name] = ["" if each in gone else each for each in row[name]]
    encoded = msgspec.json.encode(list(row.values()))
    return msgspec.structs.replace(claim, fact=without(claim.fact, gone), row=encoded)


def erase(
    entries: Mapping[bytes, bytes],
    writes: dict[bytes, bytes | None],
    subjects: Mapping[str, Subject[Any]],
    erasure: Erasure,
    fence: int,
) -> tuple[list[bytes], list[bytes]]:
    """Add to `writes` what forgets an account in a partition; return the keys that go, and those to be said again.

    `entries` are what is stored, `writes` what this batch makes of them.
    """
    name = erasure.account.encode()
    gone, changed = [], []
    for key in [*entries, *(key for key in writes if key not in entries)]:
        raw = writes[key] if key in writes else entries[key]
        if key == PROGRESS or raw is None:
            continue
        if name in key and subjects[chr(key[0])].about(key[1:].decode(), erasure.account):
            gone.append(key)
            writes[key] = None
        elif name in raw:
            known = HEADER.unpack_from(raw)[0]
            fresh = subjects[chr(key[0])].without(raw[HEADER.size :], erasure.account, erasure.stand_in)
            if fresh is not None:
                changed.append(key)
                writes[key] = HEADER.pack(max(known, fence), 0) + fresh
    return gone, changed
