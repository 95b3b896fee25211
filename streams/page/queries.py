"""What the page asks, as SQL with bound parameters; no value is ever put into the text.

Names of columns that a reader may choose are bound as identifiers, and only after `BOARDS` or `ORDERS` has named them.
"""

from __future__ import annotations

from typing import Final

from streams.campaigns.queries import Query

WINDOWS: Final = {"5m": 300, "1h": 3_600, "24h": 86_400, "7d": 604_800, "30d": 2_592_000}
"""Length of each window in seconds."""
STEPS: Final = {"5m": 60, "1h": 60, "24h": 900, "7d": 7_200, "30d": 21_600}
"""How far apart points of a history over each window are, in seconds: at most some 120 of them."""
BOARDS: Final = {
    "influence": "influence",
    "outreach": "outreach",
    "amplification": "amplification_earned",
    "people": "people_earned",
}
"""Boards and the column of account_scores that ranks each, as the view `leaderboards` has them."""
ORDERS: Final = {"rising": "shares_per_minute", "largest": "size", "latest": "last_at"}
"""Orders of cascades and the column that makes each."""


def version(db: str) -> Query:
    """Return a number that changes whenever rows come into any table, and not when parts merge."""
    sql = """
        SELECT sum(block) AS version FROM (
            SELECT table, partition_id, max(max_block_number) + 1 AS block FROM system.parts
            WHERE database = {db:String} AND active GROUP BY table, partition_id
        )
    """
    return Query(sql, {"db": db})


def windows(db: str) -> Query:
    """Return the windows with the accounts that have a score in each, and the moment the newest describes."""
    sql = "SELECT window, count() AS accounts, max(as_of) AS as_of FROM {db:Identifier}.account_scores GROUP BY window"
    return Query(sql, {"db": db})


def leaderboard(db: str, board: str, window: str, limit: int) -> Query:
    """Return the first accounts of a board; `value` is what ranks them, ties go by name."""
    sql = """
        SELECT
            row_number() OVER (ORDER BY value DESC, account) AS rank, account, {column:Identifier} AS value,
            influence, outreach, amplification_earned, people_earned, engagement, engagement_incentivised AS bought,
            bought_followers
        FROM {db:Identifier}.account_scores
        WHERE window = {window:String} AND value > 0
        ORDER BY value DESC, account
        LIMIT {limit:UInt32}
    """
    return Query(sql, {"db": db, "column": BOARDS[board], "window": window, "limit": limit})


def account(db: str, account: str) -> Query:
    """Return everything that is known of one account, a row for each window."""
    sql = "SELECT * FROM {db:Identifier}.account_scores WHERE account = {account:String}"
    return Query(sql, {"db": db, "account": account})


def history(db: str, account: str, window: str) -> Query:
    """Return what one account received and gave in the steps of a window in which it did, up to its newest score."""
    sql = """
        WITH (SELECT max(as_of) FROM {db:Identifier}.account_scores WHERE account = {account:String}) AS newest
        SELECT
            toStartOfInterval(pane, toIntervalSecond({step:UInt32})) AS at,
            sumIf(events - incentivised, direction = 'received') AS earned,
            sumIf(incentivised, direction = 'received') AS bought,
            sumIf(events, direction = 'given') AS given
        FROM {db:Identifier}.account_panes
        WHERE account = {account:String} AND pane >= newest - toIntervalSecond({seconds:UInt32})
            AND kind NOT IN ('follow', 'unfollow')
        GROUP BY at ORDER BY at
    """
    return Query(sql, {"db": db, "account": account, "seconds": WINDOWS[window], "step": STEPS[window]})


def cascades(db: str, order: str, limit: int, author: str = "") -> Query:
    """Return cascades, of one `author` if named: those that rise now, the largest, or those shared last."""
    sql = """
        SELECT root, kind, author, size, earned, incentivised, people, reach, depth, shares_per_minute, growing,
            forecast_size, unbounded, started_at, last_at, as_of
        FROM {db:Identifier}.cascades
        WHERE {author:String} = '' OR author = {author:String}
        ORDER BY {column:Identifier} DESC, size DESC, root
        LIMIT {limit:UInt32}
    """
    return Query(sql, {"db": db, "column": ORDERS[order], "limit": limit, "author": author})


def cascade(db: str, root: str, kind: str) -> Query:
    """Return one cascade, or nothing."""
    sql = "SELECT * FROM {db:Identifier}.cascades WHERE root = {root:String} AND kind = {kind:String}"
    return Query(sql, {"db": db, "root": root, "kind": kind})


def shares(db: str, root: str, limit: int) -> Query:
    """Return the shares of a cascade, the first ones, in order of time; `parent` is empty for those of the root."""
    sql = """
        SELECT node, own, parent_named AS parent, type, actor, at, ifNull(actor_followers, 0) AS followers, klass
        FROM {db:Identifier}.cascade_nodes
        WHERE cascade = {root:String}
        ORDER BY at, node
        LIMIT {limit:UInt32}
    """
    return Query(sql, {"db": db, "root": root, "limit": limit})


def taggings(db: str, root: str, limit: int) -> Query:
    """Return who tagged whom for a meme, in the form of `shares`: accounts are the nodes."""
    sql = """
        SELECT
            concat(id, ':', target) AS node, target AS own, events.actor AS parent, 'tag' AS type, target AS actor,
            time AS at, toUInt64(0) AS followers, klass
        FROM {db:Identifier}.events
        ARRAY JOIN if(empty(targets), mentioned, targets) AS target
        WHERE type = 'tag' AND root = {root:String} AND target != events.actor
            AND (time, id) NOT IN (SELECT time, id FROM {db:Identifier}.retractions_store)
        ORDER BY at, node
        LIMIT {limit:UInt32}
    """
    return Query(sql, {"db": db, "root": root, "limit": limit})


def trends(db: str, limit: int) -> Query:
    """Return what rises or rose, of hashtags and cascades; what still does comes first."""
    sql = """
        SELECT kind, name, raised_at, ended_at, z, rate, baseline, size, forecast_size
        FROM {db:Identifier}.trends
        ORDER BY ended_at IS NULL DESC, raised_at DESC, z DESC, id
        LIMIT {limit:UInt32}
    """
    return Query(sql, {"db": db, "limit": limit})


def tags(db: str, window: str, limit: int) -> Query:
    """Return the hashtags of a window that ends with the newest event, by the people who used them."""
    sql = """
        WITH (SELECT max(time) FROM {db:Identifier}.events) AS newest
        SELECT
            arrayJoin(tags) AS tag, count() AS events, uniqExact(actor) AS people,
            countIf(klass = 'earned') AS earned
        FROM {db:Identifier}.events
        WHERE time > newest - toIntervalSecond({seconds:UInt32}) AND given > 0
            AND (time, id) NOT IN (SELECT time, id FROM {db:Identifier}.retractions_store)
        GROUP BY tag ORDER BY people DESC, events DESC, tag
        LIMIT {limit:UInt32}
    """
    return Query(sql, {"db": db, "seconds": WINDOWS[window], "limit": limit})


def tag_history(db: str, window: str, tags: list[str]) -> Query:
    """Return uses of some hashtags in each step of the window that ends with the newest event."""
    sql = """
        WITH (SELECT max(time) FROM {db:Identifier}.events) AS newest
        SELECT
            toStartOfInterval(time, toIntervalSecond({step:UInt32})) AS at, arrayJoin(tags) AS tag, count() AS events
        FROM {db:Identifier}.events
        WHERE time > newest - toIntervalSecond({seconds:UInt32}) AND given > 0
            AND hasAny(tags, {tags:Array(String)})
            AND (time, id) NOT IN (SELECT time, id FROM {db:Identifier}.retractions_store)
        GROUP BY at, tag HAVING has({tags:Array(String)}, tag) ORDER BY at, tag
    """
    return Query(sql, {"db": db, "seconds": WINDOWS[window], "step": STEPS[window], "tags": tags})


def concentration(db: str, window: str) -> Query:
    """Return how unequally each measure is spread over accounts in a window."""
    sql = """
        SELECT measure, accounts, total, gini, herfindahl, top_1_percent_share, as_of
        FROM {db:Identifier}.concentration WHERE window = {window:String} ORDER BY measure
    """
    return Query(sql, {"db": db, "window": window})


def concentration_daily(db: str, days: int) -> Query:
    """Return the same of what was received on each of the latest days."""
    sql = """
        SELECT day, accounts, total, gini, herfindahl, top_1_percent_share FROM (
            SELECT * FROM {db:Identifier}.concentration_daily ORDER BY day DESC LIMIT {days:UInt32}
        ) ORDER BY day
    """
    return Query(sql, {"db": db, "days": days})


def conservation(db: str) -> Query:
    """Return what became of the records of each input partition."""
    return Query("SELECT * FROM {db:Identifier}.conservation ORDER BY source_partition", {"db": db})


def newest(db: str) -> Query:
    """Return the newest event and, of the day before it, when Kafka had the last record; nothing without events."""
    sql = """
        WITH (SELECT max(time) FROM {db:Identifier}.events_store) AS last
        SELECT last AS event_at, max(received_at) AS received_at FROM {db:Identifier}.events_store
        WHERE time >= last - toIntervalDay(1) HAVING count() > 0
    """
    return Query(sql, {"db": db})


def stores(db: str) -> Query:
    """Return rows, parts and bytes of each storage table; rows that were replaced count until they are merged."""
    sql = """
        SELECT
            table, sum(rows) AS rows, count() AS parts, sum(bytes_on_disk) AS bytes,
            max(modification_time) AS written_at
        FROM system.parts WHERE database = {db:String} AND active GROUP BY table ORDER BY table
    """
    return Query(sql, {"db": db})


def dead_letters(db: str) -> Query:
    """Return how many records could not be used, by reason, with the newest of each."""
    sql = """
        SELECT reason, count() AS records, max(at) AS newest, argMax(detail, at) AS detail
        FROM {db:Identifier}.dead_letters GROUP BY reason ORDER BY records DESC, reason
    """
    return Query(sql, {"db": db})
