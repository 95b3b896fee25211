"""Names that must be the same in every run: keys of campaign subjects, ids of rewards."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

SEP: Final = "\0"
"""Parts key from key. Ids of campaigns cannot hold it; names of accounts and venues can, so they come last
or first, and are cut off from the campaign's side."""


def reward_id(campaign: str, account: str, kind: str, *which: object) -> str:
    """Return the id of the reward of `kind` to `account`; `which` tells apart several of one kind.

    The same in every run, so a reward that is said again is the same reward. 32 hexadecimal digits of
    BLAKE2b over the parts with their lengths, so that no two different lists of parts are the same bytes.

    >>> reward_id("c", "ann", "contest") == reward_id("c", "ann", "contest")
    True
    >>> reward_id("c", "ann", "contest") == reward_id("ca", "nn", "contest")
    False
    """
    parts = (campaign, account, kind, *map(str, which))
    digest = blake2b(digest_size=16)
    for part in parts:
        raw = part.encode()
        digest.update(len(raw).to_bytes(4, "big") + raw)
    return digest.hexdigest()


def short_hash(text: str) -> int:
    """Return 63 bits that stand for `text` in sets of things already counted.

    Two of a million different texts coincide with probability 5e-8.
    """
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 1
