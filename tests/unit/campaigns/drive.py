"""Drives subjects as the accumulate agent does, in memory, so that tests see rows as ClickHouse would show
them."""

from __future__ import annotations

import gzip
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from schemas.decode import Rejected, decode
from schemas.fact import Fact, fact_of
from schemas.rows.campaigns import CAMPAIGN_TABLES
from streams.subject import DAY, HOUR, MINUTE, RELEASE, Due, Now, Rows, Subject
from tests.data import real

TABLES = {table.name: table for table in CAMPAIGN_TABLES}
LIVE: dict[str, Callable[[dict[str, Any]], Any]] = {
    "": lambda row: True,
    "titles != []": lambda row: row["titles"],
    "points > 0 or disclosed > 0 or undisclosed > 0": lambda row: (
        row["points"] or row["disclosed"] or row["undisclosed"]
    ),
    "members > 0 or refused > 0": lambda row: row["members"] or row["refused"],
    "stands": lambda row: row["stands"],
    "sponsor != ''": lambda row: row["sponsor"],
    "count > 0": lambda row: row["count"],
    "reason != 'void'": lambda row: row["reason"] != "void",
}
"""What the conditions of the tables mean here."""
LAG = HOUR + 15 * MINUTE
"""How far the floor is behind the newest event with the default settings."""
ALL_EARLIER = 400 * 365 * DAY
"""A lag within which nothing is ever late."""


def facts_of(name: str) -> list[Fact]:
    """Return the facts of a data set, in the order of its file."""
    found = []
    with gzip.open(real(f"{name}.ndjson.gz")) as lines:
        for line in lines:
            decoded = decode(line.strip())
            assert not isinstance(decoded, Rejected)
            found.append(fact_of(*decoded))
    return found


class Drive:
    """One partition of the accumulate stage: keys, states as bytes, due times, and the rows that stand."""

    def __init__(self, *subjects: Subject[Any], lag: int = LAG) -> None:
        self.subjects = {subject.name: subject for subject in subjects}
        self.lag = lag
        self.states: dict[tuple[str, str], bytes] = {}
        self.dues: dict[tuple[str, str], Due] = {}
        self.rows: dict[str, dict[tuple[Any, ...], tuple[Any, ...]]] = defaultdict(dict)
        self.counts: Counter[str] = Counter()
        self.newest = 0

    def feed(self, facts: Sequence[Fact], chunk: int = 100) -> Drive:
        """Take in `facts`, `chunk` at a time, and present after each."""
        for start in range(0, len(facts), chunk):
            part = facts[start : start + chunk]
            self.newest = max(self.newest, *(fact.time for fact in part))
            touched: dict[tuple[str, str], list[Fact]] = defaultdict(list)
            for fact in part:
                for name, subject in self.subjects.items():
                    for key in subject.keys(fact):
                        touched[name, key].append(fact)
            self._turn(touched)
        return self._finish()

    def pass_to(self, time: int) -> Drive:
        """Let event time pass to `time` and the floor follow, as far as anything is due."""
        self.newest = max(self.newest, time)
        for _ in range(1_000):
            if not any(self._ripe(due) for due in self.dues.values()):
                break
            self._turn({})
            self.newest += MINUTE
        return self

    def present_all(self) -> Drive:
        """Present every key, as after a reload of the rules."""
        self._turn(dict.fromkeys(self.states, ()))
        return self._finish()

    def _finish(self) -> Drive:
        """Present again what had more to say."""
        while any(self._ripe(due) for due in self.dues.values()):
            self._turn({})
        return self

    @property
    def now(self) -> Now:
        """Return stream time."""
        return Now((self.newest // MINUTE + 1) * MINUTE, self.newest - self.lag)

    def _ripe(self, due: Due) -> bool:
        return due.time <= self.now.time or due.floor <= self.now.floor

    def live(self, table: str) -> list[dict[str, Any]]:
        """Return the rows that the table's view shows, as dicts."""
        names = TABLES[table].names
        shown = LIVE[TABLES[table].live]
        return [row for row in (dict(zip(names, row, strict=True)) for row in self.rows[table].values()) if shown(row)]

    def _turn(self, touched: dict[tuple[str, str], Any]) -> None:
        """Fold and present what is touched, present what is due; through bytes each time."""
        now = self.now
        due = [key for key, at in self.dues.items() if self._ripe(at) and key not in touched]
        rows = Rows()
        for (name, key), facts in touched.items():
            if facts:
                state = self._state(name, key)
                self.subjects[name].fold(key, state, facts, rows)
                self.states[name, key] = self.subjects[name].dump(state)
        beside = Beside(self.subjects, self.states)
        for name, key in (*touched, *due):
            subject, state = self.subjects[name], self._state(name, key)
            if subject.looks:
                subject.look(key, state, now, beside)
            at = subject.present(key, state, now, rows)
            del self.states[name, key]
            self.dues.pop((name, key), None)
            if at != RELEASE:
                self.states[name, key] = subject.dump(state)
                self.dues[name, key] = Due.of(at)
        self._keep(rows)

    def _state(self, name: str, key: str) -> Any:
        raw = self.states.get((name, key))
        return self.subjects[name].empty(key) if raw is None else self.subjects[name].load(key, raw)

    def _keep(self, rows: Rows) -> None:
        """Keep the newest row of each key, as ReplacingMergeTree does."""
        for table, said in rows.by_table.items():
            spec = TABLES[table]
            at = [spec.names.index(name) for name in spec.key]
            for row in said:
                assert len(row) == len(spec.columns), table
                self.counts[table] += 1
                self.rows[table][tuple(row[i] for i in at)] = row


class Beside:
    """What a subject may look at: the states of one partition, by the names of subjects and their keys."""

    def __init__(self, subjects: Mapping[str, Subject[Any]], states: Mapping[tuple[str, str], bytes]) -> None:
        self._states = {(subjects[name].code + key).encode(): raw for (name, key), raw in states.items()}

    def keys(self, prefix: bytes) -> list[bytes]:
        """Return the keys that begin with `prefix`."""
        return [key for key in self._states if key.startswith(prefix)]

    def get(self, key: bytes) -> bytes | None:
        """Return the state of a key."""
        return self._states.get(key)


def fact(id: str, kind: int, time: int, actor: str, **rest: Any) -> Fact:
    """Return a fact, fields by name."""
    return Fact(id=id, kind=kind, time=time, actor=actor, **rest)


def undone(fact: Fact) -> Fact:
    """Return the fact that takes `fact` back."""
    return msgspec.structs.replace(fact, sign=-1)


def titles(drive: Drive) -> list[tuple[str, str, int, int, int | None]]:
    """Return all titles said: venue, account, days, since, until."""
    return sorted((row["venue"], *title) for row in drive.live("venue_titles") for title in row["titles"])


def standings(drive: Drive, campaign: str) -> list[tuple[str, int, int]]:
    """Return account, points and rank as the view `campaign_standings` computes them, by rank, the
    disqualified last.
    """
    parts: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in drive.live("campaign_points"):
        if row["campaign"] == campaign:
            parts[row["account"]].append(row)
    ranked = sorted(
        (
            any(row["disqualified"] for row in rows),
            -points,
            not any(row["title"] for row in rows),
            max(row["reached"] or 0 for row in rows),
            account,
        )
        for account, rows in parts.items()
        if (points := sum(row["points"] for row in rows))
    )
    return [(account, -points, 0 if out else rank) for rank, (out, points, _, _, account) in enumerate(ranked, start=1)]
