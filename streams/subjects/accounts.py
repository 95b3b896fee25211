"""Accounts: what each received and gave, from and to how many, and what follows from it.

The state has two parts. What every fact touches is decoded: the minute panes, and the encounters that can still
change. All else is `settled`, bytes that are carried along unread until `present` needs them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Final

import msgspec

from schemas.event import KINDS
from schemas.fact import POST, Fact
from streams.subject import DAY, HOUR, MINUTE, RELEASE, Now, Rows, Subject
from streams.windows.panes import (
    DIRECTIONS,
    GIVEN,
    KEPT_DAYS,
    KLASS_BITS,
    MINUTES_PER_DAY,
    MINUTES_PER_HOUR,
    PROMO,
    SLOT_BITS,
    SLOT_MASK,
    Panes,
    drop,
    roll,
)

FORMAT: Final = b"\x01"
"""First byte of a dumped state."""


class Settled(msgspec.Struct, array_like=True, omit_defaults=True):
    """What no fact can change any more."""

    hours: Panes = {}
    days: Panes = {}


class Account(msgspec.Struct, array_like=True, omit_defaults=True):
    """What is kept of one account."""

    minutes: Panes = {}
    settled: bytes = b""


_decode = msgspec.msgpack.Decoder(Account).decode
_encode = msgspec.msgpack.Encoder().encode
_decode_settled = msgspec.msgpack.Decoder(Settled).decode

_PANE: Final = tuple(
    (DIRECTIONS[code >> 4], KINDS[code & 15]) if code & 15 < len(KINDS) else None for code in range(32)
)
"""Direction and kind of a slot without its class, None for marks."""


class Accounts(Subject[Account]):
    """Everything measured of one account; the key is the account.

    Says `account_panes` at each fold.
    """

    name: ClassVar[str] = "accounts"
    code: ClassVar[str] = "a"

    def keys(self, fact: Fact) -> Iterable[str]:
        """Return the actor, where it gave anything, and the receivers, each once."""
        receivers = fact.receivers
        if not receivers:
            return (fact.actor,) if fact.given else ()
        if len(receivers) == 1:
            return (fact.actor, receivers[0])
        return (fact.actor, *dict.fromkeys(receivers))

    def empty(self, key: str) -> Account:
        """Return an account nothing is known of."""
        return Account({}, b"")

    def load(self, key: str, raw: bytes) -> Account:
        """Return the account that `dump` wrote."""
        if raw[:1] != FORMAT:
            raise ValueError(f"account state of unknown format {raw[:1]!r}")
        return _decode(memoryview(raw)[1:])

    def dump(self, state: Account) -> bytes:
        """Return the account as bytes."""
        return FORMAT + _encode(state)

    def fold(self, key: str, state: Account, facts: Sequence[Fact], rows: Rows) -> None:
        """Add `facts`, and say the `account_panes` rows that they change."""
        minutes = state.minutes
        touched: set[int] = set()
        for fact in facts:
            pane = fact.time // MINUTE << SLOT_BITS | fact.kind << KLASS_BITS | fact.klass
            if fact.actor == key:
                pane |= GIVEN
                number = fact.given
                if fact.promo and fact.kind == POST:
                    _add(minutes, pane & ~SLOT_MASK | PROMO, fact.sign)
            else:
                number = fact.receivers.count(key)
            if number:
                touched.add(pane >> KLASS_BITS)
                _add(minutes, pane, number if fact.sign > 0 else -number)
        if touched:
            say = rows.by_table.setdefault("account_panes", [])
            for pane in touched:
                sort = _PANE[pane & 31]
                if sort is not None:
                    earned = minutes.get(pane << 2, 0)
                    disclosed = minutes.get(pane << 2 | 1, 0)
                    undisclosed = minutes.get(pane << 2 | 2, 0)
                    incentivised = disclosed + undisclosed
                    say.append(
                        (key, (pane >> 5) * 60, *sort, earned + incentivised, incentivised, undisclosed)
                    )

    def present(self, key: str, state: Account, now: Now, rows: Rows) -> int:
        """Roll panes up as time passes; return when the next can be, RELEASE when nothing is left."""
        settled = _decode_settled(state.settled) if state.settled else Settled({}, {})
        minute, floor = now.time // MINUTE, now.floor // MINUTE
        hour, day = -(-now.time // HOUR), -(-now.time // DAY)
        roll(state.minutes, settled.hours, MINUTES_PER_HOUR, min(floor, minute - 60))
        roll(settled.hours, settled.days, 24, min(floor // MINUTES_PER_HOUR, hour - 7 * 24))
        drop(settled.days, day - KEPT_DAYS)
        state.settled = _encode(settled) if settled.hours or settled.days else b""
        if not state.minutes and not state.settled:
            return RELEASE
        return now.time + HOUR


def _add(panes: Panes, pane: int, number: int) -> None:
    count = panes.get(pane, 0) + number
    if count:
        panes[pane] = count
    else:
        del panes[pane]
