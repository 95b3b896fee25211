"""The ledger alone: what each account received and gave, by minute, and nothing that follows from it.

For who wants counts and no scores, at a fraction of the work; it takes the place of `Accounts`, which counts as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

import msgspec

from schemas.fact import Brief
from streams.subject import MINUTE, RELEASE, Due, Now, Rows, Subject
from streams.subjects.pane_rows import say_panes
from streams.windows.panes import GIVEN, KLASS_BITS, SLOT_BITS, Panes, add, drop

FORMAT = b"\x01"

_decode = msgspec.msgpack.Decoder(dict[int, int]).decode
_encode = msgspec.msgpack.Encoder().encode


class Ledger(Subject[Panes]):
    """Minute panes of an account; the key is the account. Says `account_panes` at each fold.

    A minute is kept as long as a fact for it may come; its rows stay in ClickHouse.
    """

    name: ClassVar[str] = "ledger"
    code: ClassVar[str] = "l"
    light: ClassVar[bool] = True
    brief: ClassVar[bool] = True

    def keys(self, fact: Brief) -> Iterable[str]:
        """Return the actor, where it gave anything, and the receivers, each once."""
        receivers = fact.receivers
        if not receivers:
            return (fact.actor,) if fact.given else ()
        if len(receivers) == 1:
            return fact.actor, receivers[0]
        return dict.fromkeys((fact.actor, *receivers))

    def empty(self, key: str) -> Panes:
        """Return no panes."""
        return {}

    def load(self, key: str, raw: bytes) -> Panes:
        """Return the panes in `raw`."""
        if raw[:1] != FORMAT:
            raise ValueError(f"ledger of unknown format {raw[:1]!r}")
        return _decode(memoryview(raw)[1:])

    def dump(self, state: Panes) -> bytes:
        """Return the panes as bytes, 6 each."""
        return FORMAT + _encode(state)

    def fold(self, key: str, state: Panes, facts: Sequence[Brief], rows: Rows) -> None:
        """Count the facts, say their panes."""
        touched: set[int] = set()
        for fact in facts:
            slot = fact.kind << KLASS_BITS | fact.klass
            if fact.actor == key:
                slot |= GIVEN
                number = fact.given
            else:
                number = fact.receivers.count(key)
            if number:
                pane = fact.time // MINUTE << SLOT_BITS | slot
                touched.add(pane >> KLASS_BITS)
                add(state, pane, fact.sign * number)
        say_panes(key, state, touched, rows)

    def present(self, key: str, state: Panes, now: Now, rows: Rows) -> int | Due:
        """Forget the minutes that can change no more; they have been said. Look again when the latest is one of them."""
        drop(state, now.floor // MINUTE)
        return Due(floor=((max(state) >> SLOT_BITS) + 1) * MINUTE) if state else RELEASE
