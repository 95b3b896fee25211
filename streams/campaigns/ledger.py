"""Rewards as they are said: each by its stable id, once, and once more when it is lost. Pure.

What is said follows from what stands now, never from the order in which it came about: a claim that does not
hold is said to be lost even if it may never have been said to be won, because a crash between saying and
remembering would otherwise leave a reward that nobody takes back. Where it was never won, the reason is
`void`, and `rewards` in ClickHouse does not show it; on the topic it is a loss of an id nobody knows.
"""

from __future__ import annotations

from typing import Final

import msgspec

from streams.campaigns.ids import reward_id
from streams.campaigns.rule import Rule
from streams.subject import Rows

STANDS: Final = ""
UNDONE: Final = "undone"
"""Every event that earned it was undone."""
OVERTAKEN: Final = "overtaken"
"""An event that came late, but happened earlier, takes its place."""
DISQUALIFIED: Final = "disqualified"
"""The rules name the account as disqualified."""
VOID: Final = "void"
"""It was never won."""


class Ledger(msgspec.Struct, array_like=True, omit_defaults=True):
    """What has been said: reward id → [won once?, time it was for, reason]."""

    said: dict[str, tuple[bool, int, str]] = {}

    def forget(self, floor: int) -> None:
        """Forget losses of before `floor`, for claims that will not be looked at again."""
        final = (STANDS, DISQUALIFIED)
        self.said = {id: said for id, said in self.said.items() if said[1] >= floor or said[2] in final}

    def say(
        self,
        rule: Rule,
        account: str,
        which: tuple[str, ...],
        at: int,
        reason: str,
        rows: Rows,
        shown: str = "",
        id: str = "",
    ) -> None:
        """Say that `account` has the reward for `which` since `at` (ms), or lost it for `reason`; not twice
        the same.

        `shown` is what people read instead of `which`, `id` the one the reward has if not that of the two.
        """
        if account in rule.disqualified and reason == STANDS:
            reason = DISQUALIFIED
        id = id or reward_id(rule.id, account, rule.kind, *which)
        before = self.said.get(id)
        won = reason == STANDS or (before is not None and before[0])
        if not won:
            reason = VOID
        if before != (won, at, reason):
            self.said[id] = (won, at, reason)
            say_reward(rule, account, which, shown or "/".join(which), at, reason, rows, id)


def say_reward(
    rule: Rule, account: str, which: tuple[str, ...], shown: str, at: int, reason: str, rows: Rows, id: str = ""
) -> None:
    """Say a reward as it is now. A loss is dated like the reward: what is taken back counts as never having
    been.
    """
    id = id or reward_id(rule.id, account, rule.kind, *which)
    lost = None if reason == STANDS else at
    rows.tell("rewards", (id, rule.id, account, rule.kind, at, lost, reason, shown, rule.prize))
