"""The audit: recounts the accepted events in SQL and compares with what the stream said, pane by pane, both ways, and so whether
each event was taken back.

It is a second way to the same numbers. It knows the contract's rules of who receives, and nothing of the stream's code:
the rules are written here once more, in SQL over the raw columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from schemas.fact import DISCLOSURES

RECOUNT: Final = """
WITH
    undone AS (
        SELECT e.id AS id, e.time AS time
        FROM {database:Identifier}.events AS e
        INNER JOIN {database:Identifier}.events AS u ON u.undo_of = e.id
        WHERE u.type = 'undo' AND e.type != 'undo'
          AND e.time >= {first:DateTime64(3)} AND e.time < {last:DateTime64(3)}
          AND abs(toUnixTimestamp64Milli(u.time) - toUnixTimestamp64Milli(e.time)) <= {horizon:Int64}
    ),
    counting AS (
        SELECT
            actor,
            type AS kind,
            toStartOfMinute(toDateTime(time, 'UTC')) AS pane,
            incentive != 'none' OR campaign != '' AS bought,
            bought AND NOT disclosed AND NOT hasAny(tags, {disclosures:Array(String)}) AS hidden,
            type IN ('reply', 'like', 'share', 'quote', 'click') AS to_author,
            type IN ('mention', 'tag', 'recommend', 'follow', 'unfollow', 'referral') AS to_targets,
            arrayFilter(
                who -> who != actor,
                multiIf(
                    to_author, if(object_author = '', [], [object_author]),
                    to_targets, if(empty(targets), mentioned, targets),
                    []
                )
            ) AS receivers,
            multiIf(
                to_targets, length(receivers),
                type = 'undo' OR (to_author AND object_author = actor), 0,
                1
            ) AS given
        FROM {database:Identifier}.events
        WHERE type != 'undo' AND (id, time) NOT IN (undone)
          AND time >= {first:DateTime64(3)} AND time < {last:DateTime64(3)}
    ),
    recount AS (
        SELECT
            account, pane, direction, kind,
            sum(n) AS events, sum(n * bought) AS incentivised, sum(n * hidden) AS undisclosed
        FROM (
            SELECT arrayJoin(receivers) AS account, pane, 'received' AS direction, kind, 1 AS n, bought, hidden FROM counting
            UNION ALL
            SELECT actor AS account, pane, 'given' AS direction, kind, given AS n, bought, hidden FROM counting WHERE given > 0
        )
        WHERE account != ''  -- erased
        GROUP BY account, pane, direction, kind
    ),
    said AS (
        SELECT account, pane, direction, kind, events, incentivised, undisclosed
        FROM {database:Identifier}.account_panes
        WHERE pane >= {first:DateTime64(3)} AND pane < {last:DateTime64(3)}
    )
"""
_DIFFERENCES: Final = (
    RECOUNT
    + """
SELECT
    account, pane, direction, kind,
    (s.events, s.incentivised, s.undisclosed) AS stream, (r.events, r.incentivised, r.undisclosed) AS events
FROM recount AS r FULL OUTER JOIN said AS s USING (account, pane, direction, kind)
WHERE stream != events
ORDER BY pane, account, direction, kind
LIMIT {limit:UInt32}
"""
)
_COUNTS: Final = (
    RECOUNT
    + """
SELECT (SELECT count() FROM recount), count(), (SELECT sum(events) FROM recount) FROM said
"""
)
_RETRACTIONS: Final = (
    RECOUNT
    + """
SELECT id, time, max(told) AS said, max(found) AS counted
FROM (
    SELECT id, time, false AS told, true AS found FROM undone
    UNION ALL
    SELECT id, time, true AS told, false AS found FROM {database:Identifier}.retractions
    WHERE time >= {first:DateTime64(3)} AND time < {last:DateTime64(3)}
)
GROUP BY id, time
HAVING said != counted
ORDER BY time, id
LIMIT {limit:UInt32}
"""
)
_OCCUPIED: Final = """
SELECT day, sum(n) FROM (
    SELECT toDate(time) AS day, count() AS n FROM {database:Identifier}.events GROUP BY day UNION ALL
    SELECT toDate(pane) AS day, count() AS n FROM {database:Identifier}.account_panes GROUP BY day
) WHERE day >= {since:Date} AND day < {until:Date} GROUP BY day ORDER BY day
"""
LOOKS: Final = 3
"""How often is looked at panes that differ while events come."""
BETWEEN: Final = 3.0
"""Seconds between two looks."""
_MANY: Final = 10_000
"""Panes that are looked at again."""
_ROWS: Final = 1_000_000
"""Events and panes compared at once, unless a single day has more."""
_CONSERVATION: Final = """
SELECT
    (SELECT sum(read) FROM {database:Identifier}.conservation) AS read,
    (SELECT sum(accepted) FROM {database:Identifier}.conservation) AS accepted,
    (SELECT sum(duplicates) FROM {database:Identifier}.conservation) AS duplicates,
    (SELECT sum(dead_letters) FROM {database:Identifier}.conservation) AS dead_letters,
    (SELECT count() FROM {database:Identifier}.events) AS event_rows,
    (SELECT count() FROM {database:Identifier}.dead_letters) AS letter_rows
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """A pane on which the stream and the recount do not agree: (events, incentivised, undisclosed) of each."""

    account: str
    pane: datetime
    direction: str
    kind: str
    stream: tuple[int, int, int]
    events: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Undone:
    """An event that only one side takes for undone: the stream, which said so in `retractions`, or the recount."""

    id: str
    time: datetime
    said: bool
    counted: bool

    @property
    def pane(self) -> datetime:
        """Return the minute in which it happened."""
        return self.time.replace(second=0, microsecond=0)


@dataclass(frozen=True, slots=True)
class Conservation:
    """What became of all records read: `read == accepted + duplicates + dead_letters`, and rows as many as said."""

    read: int
    accepted: int
    duplicates: int
    dead_letters: int
    event_rows: int
    letter_rows: int

    @property
    def holds(self) -> bool:
        """Tell whether nothing is missing and nothing is there twice."""
        whole = self.read == self.accepted + self.duplicates + self.dead_letters
        return whole and self.event_rows == self.accepted and self.letter_rows == self.dead_letters


@dataclass(slots=True)
class Tally:
    """What has been compared so far."""

    panes: int = 0
    actions: int = 0
    days: int = 0


class Audit:
    """An audit of one database, some days at a time so that its memory is bounded."""

    def __init__(self, client: Client, database: str, horizon: int) -> None:
        self.client, self.database, self.horizon = client, database, horizon
        self.tally = Tally()

    def spans(self, since: date | None = None, until: date | None = None) -> list[tuple[date, date]]:
        """Return the UTC days in [since, until) for which there is anything, as [first, last) spans of bounded size."""
        limits = {"since": since or date(1970, 1, 1), "until": until or date(2106, 1, 1)}
        spans: list[tuple[date, date]] = []
        size = _ROWS
        for day, rows in self._rows(_OCCUPIED, limits):
            self.tally.days += 1
            after = day + timedelta(days=1)
            if size + rows > _ROWS:
                spans.append((day, after))
                size = rows
            else:
                spans[-1] = (spans[-1][0], after)
                size += rows
        return spans

    def span(self, since: date, until: date, limit: int = 100) -> Iterator[Difference | Undone]:
        """Yield up to `limit` differences of the UTC days in [since, until)."""
        first, last = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (since, until))
        given = self._given(first, last, limit)
        recounted, said, actions = self._rows(_COUNTS, given)[0]
        self.tally.panes += max(recounted, said)
        self.tally.actions += actions or 0
        yield from self._differences(given)

    def settled(
        self, since: date, until: date, limit: int, pause: Callable[[float], object]
    ) -> list[Difference | Undone]:
        """Return up to `limit` differences of the UTC days in [since, until) that stay while they are looked at.

        Where events still come, a pane that is on its way differs for some seconds. What differs is asked for again, LOOKS
        times in all with a `pause` between, and only what says the same each time, on both sides, counts.
        """
        found = list(self.span(since, until, _MANY))
        for _ in range(LOOKS - 1):
            if not found:
                break
            pause(BETWEEN)
            panes = [difference.pane for difference in found]
            again = set(self._differences(self._given(min(panes), max(panes) + timedelta(minutes=1), _MANY)))
            found = [difference for difference in found if difference in again]
        return found[:limit]

    def _given(self, first: datetime, last: datetime, limit: int) -> dict[str, Any]:
        """Return the parameters of a recount of [first, last)."""
        return {
            "first": first,
            "last": last,
            "horizon": self.horizon,
            "disclosures": sorted(DISCLOSURES),
            "limit": limit,
        }

    def _differences(self, given: dict[str, Any]) -> Iterator[Difference | Undone]:
        for account, pane, direction, kind, stream, events in self._rows(_DIFFERENCES, given):
            yield Difference(account, pane, direction, kind, tuple(stream), tuple(events))
        for id, time, said, counted in self._rows(_RETRACTIONS, given):
            yield Undone(id, time, said, counted)

    def conservation(self, pause: Callable[[float], object] | None = None) -> Conservation:
        """Return what became of all records; with `pause`, which sleeps, as it is when it holds, of LOOKS looks."""
        found = self._conservation()
        for _ in range(LOOKS - 1):
            if pause is None or found.holds:
                break
            pause(BETWEEN)
            found = self._conservation()
        return found

    def _conservation(self) -> Conservation:
        return Conservation(*(int(n or 0) for n in self._rows(_CONSERVATION, {})[0]))

    def _rows(self, sql: str, parameters: dict[str, Any]) -> Any:
        found = self.client.query(
            sql, parameters={"database": self.database, **parameters}, settings={"join_use_nulls": 0}
        )
        return found.result_rows
