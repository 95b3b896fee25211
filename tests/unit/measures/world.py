"""A small world to try account measures in: things happen, time passes, and one reads what an analyst
would."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from schemas.event import Event
from schemas.fact import Fact, fact_of
from streams.measures.account.catalogue import ACCOUNT_SCORES
from streams.measures.account.measure import WINDOW_NAMES
from streams.measures.account.settings import DEFAULTS, ScoreSettings
from streams.subject import DAY, HOUR, MINUTE, RELEASE, Due, Now, Rows
from streams.subjects.accounts import Accounts

NOON = 1_341_144_000_000
"""A Sunday at noon, UTC, in epoch milliseconds."""
NOWHERE = 0
"""A floor that settles nothing."""

Row = dict[str, Any]


def act(kind: str, actor: str, target: str = "", *, at: int = NOON, **more: Any) -> Fact:
    """Return the fact of `actor` doing `kind` to `target` (author or target, as the kind has it)."""
    to: dict[str, Any] = {}
    if kind in ("mention", "tag", "recommend", "follow", "unfollow", "referral"):
        to["targets"] = (target,)
    elif kind not in ("post", "checkin"):
        to["object_author"] = target
    event = Event(id=f"{actor} {kind} {target} {at} {more}", type=kind, time=at, actor=actor, **{**to, **more})
    return fact_of(event, at)


class World:
    """Accounts, kept as bytes between any two things that happen."""

    def __init__(self, *, settings: ScoreSettings = DEFAULTS) -> None:
        self.accounts = Accounts(settings=settings)
        self.stored: dict[str, bytes] = {}
        self.due: dict[str, int] = {}
        self.rows: dict[tuple[str, str], Row] = {}
        self.panes: dict[tuple[Any, ...], tuple[int, int, int]] = {}
        self.said = 0

    def happen(self, *facts: Fact) -> None:
        """Let things happen."""
        groups: dict[str, list[Fact]] = defaultdict(list)
        for fact in facts:
            for key in self.accounts.keys(fact):
                groups[key].append(fact)
        for key, group in groups.items():
            state = self._state(key)
            rows = Rows()
            self.accounts.fold(key, state, group, rows)
            self.stored[key] = self.accounts.dump(state)
            self._take(rows)

    def look(self, at: int, *, floor: int = NOWHERE, only: str = "") -> None:
        """Present all accounts (or one) as of `at`."""
        states = [(key, self._state(key)) for key in ([only] if only else self.stored)]
        rows = Rows()
        dues = self.accounts.present_many(states, Now(at, floor), rows)
        self._take(rows)
        for (key, state), due in zip(states, dues, strict=True):
            if due == RELEASE:
                del self.stored[key]
                self.due.pop(key, None)
            else:
                self.stored[key] = self.accounts.dump(state)
                self.due[key] = Due.of(due).time

    def row(self, account: str, window: str = "30d") -> Row | None:
        """Return the row that an analyst sees, None without one."""
        row = self.rows.get((account, window))
        return row if row is not None and row["actions"] > 0 else None

    def read(self, account: str, window: str = "30d") -> Row:
        """Return the row that an analyst sees, which must be there."""
        row = self.row(account, window)
        assert row is not None, f"no row of {account} in {window}"
        return row

    def _state(self, key: str) -> Any:
        raw = self.stored.get(key)
        return self.accounts.empty(key) if raw is None else self.accounts.load(key, raw)

    def _take(self, rows: Rows) -> None:
        for values in rows.listed().get("account_scores", ()):
            self.said += 1
            for window in WINDOW_NAMES:
                self.rows.pop((values[0], window), None)
            for shown in ACCOUNT_SCORES.shown(values):
                row = dict(zip(ACCOUNT_SCORES.names, shown, strict=True))
                self.rows[row["account"], row["window"]] = row
        for account, pane, direction, kind, *counts in rows.by_table.get("account_panes", ()):
            self.panes[account, pane, direction, kind] = tuple(counts)


def minute_after(*facts: Fact) -> int:
    """Return the end of the minute of the latest fact: the moment at which all of them are seen."""
    return (max(fact.time for fact in facts) // MINUTE + 1) * MINUTE


__all__ = ["DAY", "HOUR", "MINUTE", "NOON", "World", "act", "minute_after"]
