"""Forgetting an account: what accept lets through of it, and what accumulate drops.

A request comes in every partition of `juice.decoded`. From there on accept, which keeps a fingerprint of the account with
its progress for ever, takes the name out of every claim, also out of what waits for an undo, and passes the request on
behind the last fact that had the name. When every accept partition has, accumulate drops the keys that are the account's, or
lets those go on under a stand-in that decide about others, and puts the stand-in where a state of others names it. What
others received and gave stays as it was, so every count of theirs stays right.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import msgspec

from schemas.fact import Fact
from schemas.rows import TABLES
from schemas.text import mentions
from schemas.wire import Claim, Erasure, decode_fact, raw_fact
from streams.agents.agenda import HEADER
from streams.engine.progress import PROGRESS
from streams.subject import Subject

_NAMES: Final = TABLES["events"].names
_TEXT: Final = _NAMES.index("text")
_HANDLE: Final = re.compile(r"[@＠]([\w.@-]*\w)")
"""What networks other than Twitter call a handle: with dots, hyphens and the name of a server."""
_SIGNS: Final = b"@", "＠".encode()
_ALWAYS: Final = {"raw": ""}
_OWN: Final = {"actor_followers": None, "actor_following": None, "text": "", "urls": ()}
"""What an event says of the erased account itself, beside its name."""
_OWN_SHARE: Final = {"object": "", "root": "", "parent": ""}
"""And a share of its own post, which counts in no cascade: without names nothing else would tell it from one that does."""


@lru_cache(maxsize=1 << 12)
def fingerprint(account: str) -> bytes:
    """Return 16 bytes that stand for a name in the list of the erased. The name is not in them, but who knows it can tell."""
    return blake2b(account.encode(), digest_size=16, person=b"juice erasure").digest()


@lru_cache(maxsize=1 << 12)
def _spoken(name: str) -> bytes:
    """Return the same for a name in words, where people write it in capitals or not."""
    return blake2b(name.casefold().encode(), digest_size=16, person=b"juice handle").digest()


def marks_of(account: str) -> set[bytes]:
    """Return what is kept of an erased account."""
    return {fingerprint(account), _spoken(account)}


def marks_in(request: Erasure) -> set[bytes]:
    """Return the marks that a request is about: those of its account, or the one that a rebuild carries over."""
    return {request.mark} if request.mark else marks_of(request.account)


class Named(NamedTuple):
    """Who of the erased is in a claim."""

    accounts: frozenset[str]
    """That act or receive."""
    words: frozenset[str]
    """As its words have them."""


def named(claim: Claim, erased: Container[bytes]) -> Named:
    """Return who of the `erased`, marks as of `marks_of`, is in a claim."""
    fact = decode_fact(claim.fact)
    accounts = frozenset(n for n in (fact.actor, fact.author, *fact.receivers) if n and fingerprint(n) in erased)
    if not any(sign in claim.row for sign in _SIGNS):
        return Named(accounts, frozenset())
    text = msgspec.json.decode(claim.row)[_TEXT]
    called = {*mentions(text), *_HANDLE.findall(text)}
    # Who was erased by an older version has no mark for words.
    return Named(accounts, frozenset(n for n in called if _spoken(n) in erased or fingerprint(n) in erased))


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


def claim_without(claim: Claim, who: Named) -> Claim:
    """Return the claim, its `events` row included, without these names, and without any words that hold one."""
    gone = who.accounts
    row = dict(zip((*_NAMES, "version"), msgspec.json.decode(claim.row), strict=True)) | _ALWAYS
    if row["actor"] in gone:
        row |= _OWN
        if row["object_author"] == row["actor"] and row["type"] in ("share", "quote"):
            row |= _OWN_SHARE
    elif any(name.casefold() in row["text"].casefold() for name in gone | who.words):
        row["text"] = ""
    for name in ("actor", "object_author"):
        row[name] = "" if row[name] in gone else row[name]
    for name in ("targets", "mentioned"):
        row[name] = ["" if each in gone else each for each in row[name]]
    encoded = msgspec.json.encode(list(row.values()))
    return msgspec.structs.replace(claim, fact=raw_fact(without(decode_fact(claim.fact), gone)), row=encoded)


class Erased(NamedTuple):
    """The keys that an erasure concerns."""

    gone: list[bytes]
    fresh: list[bytes]
    """Under which some of those go on without the name."""
    changed: list[bytes]
    """Of others, who knew the name."""


def erase(
    entries: Mapping[bytes, bytes],
    writes: dict[bytes, bytes | None],
    subjects: Mapping[str, Subject[Any]],
    erasure: Erasure,
    fence: int,
) -> Erased:
    """Add to `writes` what forgets an account in a partition; return the keys. What is left must be said again.

    `entries` are what is stored, `writes` what this batch makes of them.
    """
    account, stand_in = erasure.account, erasure.stand_in
    name = account.encode()
    erased = Erased([], [], [])
    for key in [*iter(entries), *(key for key in writes if key not in entries)]:
        raw = writes[key] if key in writes else entries[key]
        if key == PROGRESS or raw is None or (name not in key and name not in raw):
            continue
        subject, own = subjects.get(chr(key[0])), key[1:].decode()
        if subject is None:  # not chosen any more, so nobody knows what of it is the account's
            writes[key] = None
            continue
        if name in key and subject.about(own, account):
            writes.pop(key, None)
            if (heir := subject.heir(own, account, stand_in)) is not None:
                fresh = (subject.code + heir).encode()
                if fresh not in entries:  # else this comes again after a crash, and what was counted anew since is less
                    erased.fresh.append(fresh)
                    writes[fresh] = _without(subject, raw, erasure, fence)
            erased.gone.append(key)
            writes[key] = None  # behind its heir: who dies between the two has both, and not neither
        elif name in raw and (value := _without(subject, raw, erasure, fence)) is not None:
            erased.changed.append(key)
            writes[key] = value
    return erased


def _without(subject: Subject[Any], raw: bytes, erasure: Erasure, fence: int) -> bytes | None:
    """Return a stored value with the stand-in in the account's place, to be said again; None where it keeps no names."""
    kept = subject.without(raw[HEADER.size :], erasure.account, erasure.stand_in)
    return None if kept is None else HEADER.pack(max(HEADER.unpack_from(raw)[0], fence), 0) + kept
