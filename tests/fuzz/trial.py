"""A batch of records through ingest, accept and accumulate, and whether everything is as it must be."""

from __future__ import annotations

import base64
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Final

from schemas.decode import MAX_DETAIL, Reason
from streams.tables import ALL_TABLES
from tests.fuzz.hostile import APPENDED
from tests.fuzz.judge import Verdict, judge
from tests.pipe import Pipe
from tests.rows import rows_of

SOURCES: Final = 3
LATENESS: Final = 900_000
HORIZON: Final = 3_600_000
EVENTS: Final = {column: at for at, column in enumerate(ALL_TABLES["events"].names)}

Place = tuple[int, int]
"""Partition and offset."""


class Wrong(Exception):
    """Something is not as it must be; the message says what."""


def trial(records: Sequence[bytes | None], seed: int) -> Counter[str]:
    """Push `records` through the stages; return how many were read and what became of them.

    Raises Wrong, or whatever a stage raised.
    """
    rng = Random(seed)
    pipe = Pipe(sources=SOURCES, rng=rng, lateness=LATENESS, horizon=HORIZON)
    sent: dict[Place, bytes | None] = {}
    lengths = [0] * SOURCES
    for record in records:
        partition = rng.randrange(SOURCES)
        sent[partition, lengths[partition]] = record
        lengths[partition] += 1
        pipe.append(partition, record, APPENDED)
    pipe.run()
    return _compare(pipe, sent)


def _compare(pipe: Pipe, sent: dict[Place, bytes | None]) -> Counter[str]:
    """Hold what came out against what must come out of `sent`."""
    letters, accepted = dict(_letters(pipe)), dict(_accepted(pipe))
    verdicts = _verdicts(sent)
    duplicates = sent.keys() - letters.keys() - accepted.keys()
    if both := letters.keys() & accepted.keys():
        raise Wrong(f"{min(both)} is accepted and a dead letter")
    for place, reason in letters.items():
        expected = verdicts[place].reason
        if reason != expected:
            raise Wrong(f"{place} is dead as {reason}, must be {expected or 'none'}: {_short(sent[place])}")
    for place in accepted.keys() | duplicates:
        if verdicts[place].reason and not (verdicts[place].reason == "late" and place in duplicates):
            raise Wrong(f"{place} is no dead letter, must be {verdicts[place].reason}: {_short(sent[place])}")
    _ids(verdicts, accepted, duplicates)
    for place, raw in accepted.items():
        if raw.encode() != sent[place]:
            raise Wrong(f"{place} is kept otherwise than it was said: {_short(sent[place])}")
    said = Counter(
        {"read": len(sent), "accepted": len(accepted), "duplicate": len(duplicates), **Counter(letters.values())}
    )
    told: Counter[str] = Counter()
    for row in pipe.rows("outcomes").values():
        told[row["outcome"]] += row["records"]
    if +said != +told:
        raise Wrong(f"the rows of outcomes say {dict(told)}, a recount {dict(said)}")
    return said


def _verdicts(sent: dict[Place, bytes | None]) -> dict[Place, Verdict]:
    """Return what must become of each record; what is late may be a duplicate."""
    newest: dict[int, int] = {}
    found = {}
    for place in sorted(sent):
        verdict = judge(sent[place])
        if not verdict.reason:
            before = newest.get(place[0], verdict.time)
            newest[place[0]] = max(before, verdict.time)
            if verdict.time < before - LATENESS:
                verdict = verdict._replace(reason="late")
        found[place] = verdict
    return found


def _ids(verdicts: dict[Place, Verdict], accepted: dict[Place, str], duplicates: set[Place]) -> None:
    """Check that of the records in time of one id one is accepted, and that each duplicate has one to be one of."""
    by_id: dict[str, list[Place]] = defaultdict(list)
    for place, verdict in verdicts.items():
        if verdict.id:
            by_id[verdict.id].append(place)
    for name, places in by_id.items():
        times = [verdicts[place].time for place in places]
        once = [place for place in places if place in accepted]
        in_time = [place for place in places if not verdicts[place].reason]
        if max(times) - min(times) <= HORIZON and len(once) != min(1, len(in_time)):
            raise Wrong(f"{name!r} is accepted {len(once)} times of {len(places)}")
        for place in places:
            near = (abs(verdicts[place].time - verdicts[other].time) <= HORIZON for other in once)
            if place in duplicates and not any(near):
                raise Wrong(f"{place} is a duplicate of nothing")


def _letters(pipe: Pipe) -> Iterator[tuple[Place, str]]:
    """Yield place and reason of each dead letter, its bytes compared with the record's."""
    seen = set()
    for record in _log(pipe, pipe.names.dead_letters):
        letter = json.loads(record.value)
        place = letter["partition"], letter["offset"]
        sent = pipe.logs[pipe.names.events][place[0]][place[1]].value or b""
        if place in seen:
            raise Wrong(f"{place} has two dead letters")
        seen.add(place)
        if base64.b64decode(letter["record"], validate=True) != sent:
            raise Wrong(f"the dead letter of {place} does not have its bytes: {_short(sent)}")
        if not letter["detail"].isprintable() or not 0 < len(letter["detail"]) <= MAX_DETAIL:
            raise Wrong(f"the detail of {place} is {letter['detail']!r}")
        yield place, Reason(letter["reason"]).value


def _accepted(pipe: Pipe) -> Iterator[tuple[Place, str]]:
    """Yield place and raw text of each accepted event; every row of every table must have its columns."""
    for record in _log(pipe, pipe.names.rows):
        table = ALL_TABLES[record.key.decode()]
        columns = len(table.stored) + 1
        for row in rows_of(table, record.value, _no_number):
            if len(row) != columns:
                raise Wrong(f"a row of {table.name} has {len(row)} columns, not {columns}")
            if table.name == "events":
                yield (row[EVENTS["partition"]], row[EVENTS["offset"]]), row[EVENTS["raw"]]


def _log(pipe: Pipe, topic: str) -> Iterator[Any]:
    for records in pipe.logs[topic].values():
        yield from records


def _no_number(constant: str) -> None:
    raise Wrong(f"a row says {constant}")


def _short(raw: bytes | None) -> str:
    return repr(raw if raw is None or len(raw) <= 400 else raw[:200] + b" ... " + raw[-200:])
