"""Holds what ClickHouse says against the oracle. Every difference is a line that a person can follow up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Final

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.simulator.oracle import Oracle, Outcome
from tests.simulator.reading import Read, read

MOST: Final = 10
"""Differences of one table that are spelled out."""
SAMPLE: Final = 2_000
"""Accepted events whose every column is looked at."""


def differences(client: Client, database: str, oracle: Oracle, *, tables: Iterable[str] = ()) -> list[str]:
    """Return where `database` differs from `oracle`, a line each; nothing when it is right.

    `tables`: those of CHECKS to look at (default: all). Everything the log says must be visible by now.
    """
    look = _Look(client, database)
    found: list[str] = []
    for table in tables or CHECKS:
        try:
            lines = list(CHECKS[table](look, oracle))
        except DatabaseError as error:
            lines = [f"cannot be read: {str(error).splitlines()[0]}"]
        found += [f"{table}: {line}" for line in lines[:MOST]]
        if len(lines) > MOST:
            found.append(f"{table}: and {len(lines) - MOST:,} more")
    return found


class _Look:
    """Queries as rows, in blocks, so that a large table needs no memory."""

    def __init__(self, client: Client, database: str) -> None:
        self._client, self._database = client, database

    def __call__(self, query: str) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query that names tables as `{db:Identifier}.table`."""
        with self._client.query_row_block_stream(query, parameters={"db": self._database}) as blocks:
            yield from chain.from_iterable(blocks)


def _events(look: _Look, oracle: Oracle) -> Iterator[str]:
    """Exactly the accepted are there, each once, with the bytes of the record they are said to come from."""
    fits = frozenset((Outcome.ACCEPTED, Outcome.EITHER))
    query = "SELECT partition, offset, '', CRC32(raw) FROM {db:Identifier}.events"
    yield from _places(look(query), oracle, fits, required=lambda outcome: outcome == Outcome.ACCEPTED)
    count, ids = next(look("SELECT count(), uniqExact(id) FROM {db:Identifier}.events"))
    if not count == ids == oracle.accepted:
        yield f"{count:,} rows with {ids:,} ids; {oracle.accepted:,} ids were accepted"
    columns = ", ".join(_COLUMNS)
    table = "{db:Identifier}.events"
    query = f"SELECT raw, {columns} FROM {table} ORDER BY cityHash64(id) LIMIT {SAMPLE}"
    for raw, *row in look(query):
        event = read(raw.encode())
        assert isinstance(event, Read)
        for column, is_, should in zip(_COLUMNS, row, _columns_of(event), strict=True):
            if (list(is_) if isinstance(is_, tuple) else is_) != should:
                yield f"{event.id!r}: {column} is {is_!r}, should be {should!r}"


_NAMES: Final = (
    *("network", "object", "object_author", "root", "parent"),
    *("text", "lang", "venue", "campaign", "undo_of"),
)
_COLUMNS: Final = (
    *("id", "type", "toUnixTimestamp64Milli(time)", "actor", "actor_followers", "actor_following"),
    *("targets", "hashtags", "media", "urls", "incentive", "disclosed", "promo"),
    *_NAMES,
)


def _columns_of(event: Read) -> tuple[object, ...]:
    said = event.said
    return (
        *(event.id, event.kind, event.time, event.actor),
        *(said.get(field) for field in ("actor_followers", "actor_following")),
        *(said.get(field) or [] for field in ("targets", "hashtags", "media", "urls")),
        *(said.get("incentive") or "none", bool(said.get("disclosed")), bool(said.get("promo"))),
        *(said.get(field) or "" for field in _NAMES),
    )


def _dead_letters(look: _Look, oracle: Oracle) -> Iterator[str]:
    """Every record that could not be used is there, with its reason and its bytes."""
    query = "SELECT partition, offset, reason, CRC32(base64Decode(record)) FROM {db:Identifier}.dead_letters"
    fits = frozenset(outcome for outcome in Outcome if outcome.dead or outcome == Outcome.LATE_COPY)
    yield from _places(look(query), oracle, fits, required=lambda outcome: outcome.dead)


def _places(
    rows: Iterable[tuple[Any, ...]],
    oracle: Oracle,
    fits: frozenset[Outcome],
    *,
    required: Callable[[Outcome], bool],
) -> Iterator[str]:
    """Compare rows of (partition, offset, reason, CRC-32 of the record) with what became of the records."""
    seen = [bytearray(len(outcomes)) for outcomes in oracle.outcomes]
    for partition, offset, reason, crc in rows:
        place = f"{partition}:{offset}"
        if partition >= len(seen) or offset >= len(seen[partition]):
            yield f"{place} is there, but not in the log"
            continue
        outcome = Outcome(oracle.outcomes[partition][offset])
        if outcome not in fits or (reason and reason != outcome.reason):
            yield f"{place} is there{' as ' + reason if reason else ''}, should be {outcome.name.lower()}"
        elif seen[partition][offset]:
            yield f"{place} is there twice"
        elif crc != oracle.sums[partition][offset]:
            yield f"{place} is not what was sent"
        seen[partition][offset] = 1
    for partition, outcomes in enumerate(oracle.outcomes):
        for offset, code in enumerate(outcomes):
            if not seen[partition][offset] and required(Outcome(code)):
                yield f"{partition}:{offset} is missing, should be {Outcome(code).name.lower()}"


def _conservation(look: _Look, oracle: Oracle) -> Iterator[str]:
    """Every record read is accounted for, by partition, and a letter is there for each dead one."""
    rows = look(
        "SELECT source_partition, read, accepted, duplicates, dead_letters, residue FROM {db:Identifier}.conservation"
    )
    said = {row[0]: row[1:] for row in rows}
    letters = dict(look("SELECT partition, count() FROM {db:Identifier}.dead_letters GROUP BY partition"))
    for partition, outcomes in enumerate(oracle.outcomes):
        least = sum(Outcome(code).dead for code in outcomes)
        most = least + outcomes.count(Outcome.LATE_COPY)
        taken, accepted, duplicates, dead, residue = said.get(partition, (0, 0, 0, 0, 0))
        if (taken, residue) != (len(outcomes), 0) or accepted + duplicates + dead != taken:
            yield (
                f"{partition}: of {taken:,} records read, {accepted:,} are accepted, {duplicates:,} "
                f"duplicates, {dead:,} dead, {residue:,} unaccounted for; {len(outcomes):,} were sent"
            )
        if not least <= dead <= most or dead != letters.get(partition, 0):
            yield (
                f"{partition}: {dead:,} dead and {letters.get(partition, 0):,} dead letters, "
                f"should be {least:,}" + (f" to {most:,}" if most > least else "")
            )
    if (accepted := sum(row[1] for row in said.values())) != oracle.accepted:
        yield f"{accepted:,} accepted, should be {oracle.accepted:,}"


def _account_panes(look: _Look, oracle: Oracle) -> Iterator[str]:
    """Every pane holds what a recount of the accepted and not undone finds, and no other pane is there."""
    tally = oracle.tally
    rows = look(
        "SELECT account, intDiv(toUnixTimestamp(pane), 60), direction, kind, "
        "events, incentivised, undisclosed FROM {db:Identifier}.account_panes"
    )
    found = ((_known(tally.pane_key(*row[:4]), row[:4]), tally.pack(*row[4:])) for row in rows)
    yield from _compare(found, tally.panes, tally.name_of_pane, tally.unpack)


def _known(key: int, said: tuple[Any, ...]) -> int | tuple[Any, ...]:
    """Return the key, or what the row says where the oracle has no key for it."""
    return said if key < 0 else key


def _ties(look: _Look, oracle: Oracle) -> Iterator[str]:
    """Every ordered pair has what a recount finds, day by day."""
    tally = oracle.tally
    rows = look("SELECT source, target, toInt32(day), events FROM {db:Identifier}.ties")
    found = ((_known(tally.tie_key(*row[:3]), row[:3]), row[3]) for row in rows)
    yield from _compare(found, tally.ties, tally.name_of_tie, int)


def _cascades(look: _Look, oracle: Oracle) -> Iterator[str]:
    """Every shared post has its size and shape. (Chains of tags are not looked at.)"""
    table = "{db:Identifier}.cascades"
    query = f"SELECT root, size, depth, breadth FROM {table} WHERE NOT startsWith(root, 'meme-')"
    tally = oracle.tally
    should = {root: tuple(tally.shape(root)) for root, shares in tally.cascades.items() if shares}
    yield from _compare(((row[0], tuple(row[1:])) for row in look(query)), should, str, tuple)


def _compare(
    found: Iterable[tuple[Any, Any]],
    should: Mapping[Any, Any],
    name: Callable[[Any], object],
    show: Callable[[Any], object],
) -> Iterator[str]:
    """Compare (key, value) pairs with what they should be; a value of 0 is the same as none."""
    seen = set()
    for key, value in found:
        if key in seen:
            yield f"{name(key)} is there twice"
        seen.add(key)
        if value != (want := should.get(key, 0)):
            yield f"{name(key)} is {show(value)}, should be {show(want) if want else 'absent'}"
    for key, want in should.items():
        if want and key not in seen:
            yield f"{name(key)} is absent, should be {show(want)}"


CHECKS: Final[Mapping[str, Callable[[_Look, Oracle], Iterator[str]]]] = {
    "conservation": _conservation,
    "events": _events,
    "dead_letters": _dead_letters,
    "account_panes": _account_panes,
    "ties": _ties,
    "cascades": _cascades,
}
"""What can be looked at, by table or view."""
