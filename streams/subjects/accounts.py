"""Accounts: what each received and gave, from and to how many, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, Final

from schemas.fact import CASCADING, FOLLOW, POST, UNFOLLOW, UNKNOWN, Fact, passed_on
from streams.measures.account.settings import DEFAULTS, ScoreSettings
from streams.runs import runs
from streams.subject import DAY, HOUR, MINUTE, MINUTES_PER_HOUR, RELEASE, Due, Now, Rows, Subject
from streams.subjects.account_journal import HASH_BITS, SHARED, hash_of_name, older, pack
from streams.subjects.account_open import Look, Open
from streams.subjects.account_rows import say
from streams.subjects.account_settle import closed, settle
from streams.subjects.account_state import Account, dump, keep, load, observe, opened, sample, settled_of
from streams.subjects.pane_rows import say_panes
from streams.windows.panes import GIVEN, KLASS_BITS, PROMO, SLOT_BITS, add

TIDY_BEYOND: Final = 8192
"""Bytes by which a journal may grow, beyond doubling, before it is tidied in a fold."""

JOURNALS: Final = 256 * 1024
"""Bytes of journals that are read at a time: an entry takes a few times as many while it is, and a hub has a million."""

_AUDIENCE: Final = frozenset({FOLLOW, UNFOLLOW})


class Accounts(Subject[Account]):
    """Everything measured of one account; the key is the account.

    Says `account_panes` at each fold, and `account_scores`, all windows in one row, when one of them changes.
    Exceptions to the law of undo: what an undone event said of its actor's followers stays said; and beyond CAPACITY
    people, somebody who took everything back may have left the sample smaller than it need be.

    60 days after the last action, received or given, an account is forgotten, its tenure included.
    """

    name: ClassVar[str] = "accounts"
    code: ClassVar[str] = "a"
    patience: int = 7 * DAY

    def __init__(self, *, settings: ScoreSettings = DEFAULTS) -> None:
        """`settings` of the scores."""
        self.settings = settings
        self._open = Open()

    def keys(self, fact: Fact) -> Iterable[str]:
        """Return the actor, where it gave anything, and the receivers, each once."""
        receivers = fact.receivers
        if not receivers:
            return (fact.actor,) if fact.given else ()
        if len(receivers) == 1:
            return (fact.actor, receivers[0])
        return (fact.actor, *dict.fromkeys(receivers))

    def about(self, key: str, account: str) -> bool:
        """Tell whether it is this account."""
        return key == account

    def empty(self, key: str) -> Account:
        """Return an account nothing is known of."""
        return Account({}, b"", 0, {}, {}, 0, b"")

    def load(self, key: str, raw: bytes) -> Account:
        """Return the account that `dump` wrote."""
        return load(raw)

    def dump(self, state: Account) -> bytes:
        """Return the account as bytes."""
        return dump(state)

    def fold(self, key: str, state: Account, facts: Sequence[Fact], rows: Rows) -> None:
        """Add `facts`, and say the `account_panes` rows that they change."""
        minutes = state.minutes
        levels = state.levels
        beyond = HASH_BITS
        touched: set[int] = set()
        met = []
        for fact in facts:
            minute = fact.time // MINUTE
            kind, sign = fact.kind, fact.sign
            slot = kind << KLASS_BITS | fact.klass
            if levels:
                beyond = HASH_BITS - levels.get(minute // MINUTES_PER_HOUR, 0)
            if fact.actor == key:
                slot |= GIVEN
                number = fact.given
                if kind != UNFOLLOW:
                    for receiver in fact.receivers:
                        who = hash_of_name(receiver)
                        if not who >> beyond:
                            met.append(pack(minute, slot, who, sign, UNKNOWN))
                if fact.promo and kind == POST:
                    add(minutes, minute << SLOT_BITS | PROMO, sign)
                if fact.followers >= 0:
                    observe(state.audience, fact.network, fact.time, fact.followers, fact.following)
            else:
                number = fact.receivers.count(key)
                if number and kind not in _AUDIENCE:
                    who = hash_of_name(fact.actor)
                    if not who >> beyond:
                        met.append(pack(minute, slot, who, sign * number, fact.followers))
                    if kind in CASCADING and (post := passed_on(fact)):
                        met.append(pack(minute, SHARED, hash_of_name(post), sign * number, UNKNOWN))
            if number:
                pane = minute << SLOT_BITS | slot
                touched.add(pane >> KLASS_BITS)
                add(minutes, pane, sign * number)
        if not touched:
            return
        state.said = 0
        if met:
            state.journal += b"".join(met)
            if len(state.journal) > 2 * state.tidied + TIDY_BEYOND:
                (found,) = opened([state])
                keep(state, found)
        say_panes(key, minutes, touched, rows)

    def forget(self) -> None:
        """Keep nothing of accounts but their states."""
        self._open.forget()

    def present(self, key: str, state: Account, now: Now, rows: Rows) -> int | Due:
        """Settle what is past, say the rows of windows that changed, and return when the next one will."""
        return self.present_many([(key, state)], now, rows)[0]

    def present_many(self, items: Sequence[tuple[str, Account]], now: Now, rows: Rows) -> list[int | Due]:
        """Do so for several accounts together."""
        dues: list[int | Due] = []
        for some in runs(items, _journal, JOURNALS):
            dues += self._present_run(some, now, rows)
        return dues

    def _present_run(self, items: Sequence[tuple[str, Account]], now: Now, rows: Rows) -> Iterator[int | Due]:
        minute, floor = now.time // MINUTE, now.floor // MINUTE
        looks = []
        journals = [(state.journal, state.tidied) for _, state in items]
        several = opened([state for _, state in items])
        pasts = older(several, closed(minute, floor))
        for (key, state), found, past, journal in zip(items, several, pasts, journals, strict=True):
            settled = settled_of(state)
            sample(state, settled, found)
            found = settle(state, settled, found, past, minute, floor, self.settings)
            keep(state, found)
            looks.append(Look(key, state, settled, found, *journal))
        for look, due in zip(looks, say(looks, minute, rows, self._open, self.settings), strict=True):
            if not (look.account.minutes or look.settled.hours or look.settled.days):
                yield RELEASE
            elif due and due * MINUTE <= now.time:  # of what is over, and cannot be settled yet
                yield Due(floor=max(now.floor // HOUR + 1, 0) * HOUR)
            else:
                yield due * MINUTE if due else now.time + DAY


def _journal(item: tuple[str, Account]) -> int:
    return len(item[1].journal)
