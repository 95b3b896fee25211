"""What the tests of this folder share: facts from events, a run of a subject, the data given."""

from __future__ import annotations

import gzip
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from schemas.decode import decode
from schemas.fact import Fact, fact_of
from schemas.rows.table import Table
from streams.subject import MINUTE, RELEASE, Now, Rows, Subject
from tests.data import real

FOREVER = Now(time=1 << 50, floor=0)


def given_events(name: str) -> Iterator[dict[str, Any]]:
    """Yield the events of a given file as plain objects, for oracles that must not use our own decoding."""
    with gzip.open(real(f"{name}.ndjson.gz")) as lines:
        yield from map(msgspec.json.decode, lines)


def plain_facts(events: Iterable[dict[str, Any]]) -> Iterator[Fact]:
    """Yield the facts of events that are well formed."""
    for event in events:
        decoded = decode(msgspec.json.encode(event))
        assert isinstance(decoded, tuple), decoded
        yield fact_of(*decoded)


def end_of(facts: Sequence[Fact]) -> int:
    """Return the end of the newest minute of `facts`."""
    return (max(fact.time for fact in facts) // MINUTE + 1) * MINUTE


def run(
    subject: Subject[Any],
    batches: Iterable[Sequence[Fact]],
    now: Now,
    *,
    store: bool = False,
    between: Now | None = None,
) -> Rows:
    """Fold `batches` one after the other and present every key as of `now`; return the rows.

    `store`: states are dumped and loaded after every batch. `between`: keys are presented after every batch
    too.
    """
    states: dict[str, Any] = {}
    rows = Rows()
    for batch in batches:
        by_key: dict[str, list[Fact]] = defaultdict(list)
        for fact in batch:
            for key in subject.keys(fact):
                by_key[key].append(fact)
        for key, facts in by_key.items():
            state = states[key] if key in states else subject.empty(key)
            subject.fold(key, state, facts, rows)
            if between is not None:
                subject.present(key, state, between, rows)
            states[key] = subject.load(key, subject.dump(state)) if store else state
    for key in sorted(states):
        subject.present(key, states[key], now, rows)
    return rows


def shown(rows: Rows, table: Table) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Return what a reader of `table` sees: the last row per key, without those that say that nothing is
    there.
    """
    seen: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows.by_table.get(table.name, ()):
        assert len(row) == len(table.columns), (table.name, len(row), len(table.columns))
        named = dict(zip(table.names, row, strict=True))
        seen[tuple(named[column] for column in table.key)] = named
    condition = compile(table.live or "True", table.name, "eval")
    return {key: row for key, row in seen.items() if eval(condition, {"__builtins__": {}}, row)}


def released(subject: Subject[Any], facts: Sequence[Fact], now: Now) -> bool:
    """Say whether every key of `facts` is released as of `now`."""
    keys = {key for fact in facts for key in subject.keys(fact)}
    for key in keys:
        state = subject.empty(key)
        subject.fold(key, state, [fact for fact in facts if key in subject.keys(fact)], Rows())
        if subject.present(key, state, now, Rows()) != RELEASE:
            return False
    return True
