"""Tags: hashtags that rise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Final

import msgspec

from schemas.fact import Fact
from streams.measures.cascade.names import number_of
from streams.measures.rising import BUCKET, NEEDED, SLOTS, Rise, Rising, people
from streams.subject import HOUR, MINUTE, NEVER, RELEASE, Due, Now, Rows, Subject

FORMAT: Final = 1
SETTLING: Final = 2 * HOUR
"""How long after (event ms) to ask again whether a tag can be released that has no open bucket."""
_PER_MINUTE: Final = MINUTE / BUCKET


class Bucket(msgspec.Struct, array_like=True):
    """Who used a tag in a bucket: slot of the account's hash → net uses; and the most people seen in it so
    far.
    """

    slots: dict[int, int] = {}
    most: float = 0.0

    @property
    def people(self) -> float:
        """Return how many used it. Uses below 0 are of those whose undo came first, or has no name any more."""
        return people(sum(uses > 0 for uses in self.slots.values()))


class Tag(msgspec.Struct, array_like=True):
    """The state: what is settled, and the buckets that may still change."""

    at: int = 0
    level: float = 0.0
    rise: Rise | None = None
    open: dict[int, Bucket] = {}
    told: dict[int, int] = {}
    """Rises that the outside was told of, by the bucket in which they began → the end that it was told, 0 for none."""


class Tags(Subject[Tag]):
    """A hashtag (casefolded, without its sign) and the people who use it, of late and before.

    Every action with the tag counts that is one of its actor (`given`), an account once per bucket of five minutes. See
    `streams.measures.rising` for when a tag rises. While a fact for a bucket may still come, its count is
    open; what is said of now is computed from the settled baseline and the open counts, so it does not depend
    on the order in which facts came or keys were looked at. A rise has a stable id, its tag and the bucket in
    which it began; when a late fact or an undo moves or takes away that beginning, the row of the old one is
    withdrawn. The outside is told when a rise begins, when it ends, and when it is withdrawn.

    Released when all is settled, no rise is on, and the baseline is too low to matter.
    """

    name: ClassVar[str] = "tags"
    code: ClassVar[str] = "h"

    def keys(self, fact: Fact) -> Iterable[str]:
        """Return the tags; what is no action, since it is on oneself or names nobody where it should, is no use of them."""
        return fact.tags if fact.given else ()

    def empty(self, key: str) -> Tag:
        """Return a tag that nobody used."""
        return Tag()

    def load(self, key: str, raw: bytes) -> Tag:
        """Return the state in `raw`."""
        if raw[0] != FORMAT:
            raise ValueError(f"not the state of a tag: format {raw[0]}")
        return _decode(raw[1:])

    def dump(self, state: Tag) -> bytes:
        """Return the state as msgpack."""
        return bytes((FORMAT,)) + _encode(state)

    def fold(self, key: str, state: Tag, facts: Sequence[Fact], rows: Rows) -> None:
        """Note who used the tag when, and only then what was undone: a worker that died may have said what was between."""
        self._note(state, [fact for fact in facts if fact.sign > 0])
        self._note(state, [fact for fact in facts if fact.sign < 0])

    @staticmethod
    def _note(state: Tag, facts: Sequence[Fact]) -> None:
        touched = set()
        for fact in facts:
            number = fact.time // BUCKET
            touched.add(number)
            bucket = state.open.get(number)
            if bucket is None:
                bucket = state.open[number] = Bucket({})
            slot = number_of(fact.actor) % SLOTS
            uses = bucket.slots.get(slot, 0) + fact.sign
            if uses:
                bucket.slots[slot] = uses
            else:
                del bucket.slots[slot]
        for number in touched:
            bucket = state.open[number]
            bucket.most = max(bucket.most, bucket.people)

    def present(self, key: str, state: Tag, now: Now, rows: Rows) -> int | Due:
        """Say the rises that are on or may still change; settle what cannot."""
        current, settled = now.time // BUCKET, now.floor // BUCKET
        rising = Rising(state.at, state.level, state.rise)
        counts = [(number, state.open[number].people) for number in sorted(state.open)]
        counts = [(number, count) for number, count in counts if count]
        rises = rising.over([c for c in counts if c[0] < settled], until=settled)
        ahead = rising.copy()
        rises += ahead.over([c for c in counts if c[0] >= settled], until=max(current, settled))
        seen = {rise.began: rise for rise in rises}
        for number, bucket in state.open.items():
            if number not in seen and bucket.most >= NEEDED:
                withdrawn = _row(key, Rise(number, 0.0, ended=number), now, shown=False)
                (rows.add if state.told.pop(number, None) is None else rows.tell)("trends", withdrawn)
        for rise in seen.values():
            news = state.told.get(rise.began) != rise.ended
            state.told[rise.began] = rise.ended
            (rows.tell if news else rows.add)("trends", _row(key, rise, now, shown=True))

        for number in [number for number in state.open if number < settled]:
            del state.open[number]
        state.at, state.level, state.rise = rising.at, rising.level, rising.rise
        on = None if rising.rise is None else rising.rise.began
        state.told = {began: ended for began, ended in state.told.items() if began >= settled or began == on}
        soon = NEVER if ahead.rise is None else (current + 1) * BUCKET
        if state.open:
            return Due(time=soon, floor=(min(state.open) + 1) * BUCKET)
        if state.rise is None and not rising.before(settled):
            return RELEASE
        return min(soon, now.time + SETTLING)


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Tag).decode


def _row(tag: str, rise: Rise, now: Now, *, shown: bool) -> tuple[object, ...]:
    began = rise.began * BUCKET // 1000
    return (
        f"tag:{tag}:{began}",
        "tag",
        tag,
        began if shown else 0,
        rise.ended * BUCKET // 1000 if rise.ended else None,
        round(rise.z, 3),
        round(rise.rate * _PER_MINUTE, 3),
        round(rise.baseline * _PER_MINUTE, 3),
        round(rise.size),
        None,
        now.time // 1000,
    )
