"""Questions about campaigns, as SQL with bound parameters: who leads, who won by what, what was bought, what
was given.

Each function returns the text and its parameters for a client that binds on the server (`{name:Type}`); no
value is ever put into the text. Instants come as DateTime64 in UTC.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple


class Query(NamedTuple):
    """A question: SQL and the values of its parameters."""

    sql: str
    parameters: dict[str, Any]


def campaigns(db: str) -> Query:
    """Return all campaigns that anybody entered, with entrants, entries and rewards; the newest first."""
    sql = """
        SELECT
            c.campaign AS campaign, c.kind AS kind, c.name AS name, c.start AS start, c.end AS end,
            c.final AS final, s.entrants AS entrants, s.points AS points, e.entries AS entries,
            e.disclosed AS disclosed, e.entries - e.disclosed AS undisclosed, r.rewards AS rewards,
            r.revoked AS revoked, c.prize AS prize
        FROM {db:Identifier}.campaigns AS c
        LEFT JOIN (
            SELECT campaign, count() AS entrants, sum(points) AS points
            FROM {db:Identifier}.campaign_standings GROUP BY campaign
        ) AS s ON s.campaign = c.campaign
        LEFT JOIN (
            SELECT campaign, count() AS entries, countIf(disclosed) AS disclosed
            FROM {db:Identifier}.campaign_entries GROUP BY campaign
        ) AS e ON e.campaign = c.campaign
        LEFT JOIN (
            SELECT campaign, countIf(revoked_at IS NULL) AS rewards, countIf(revoked_at IS NOT NULL) AS
            revoked FROM {db:Identifier}.rewards GROUP BY campaign
        ) AS r ON r.campaign = c.campaign
        ORDER BY c.start DESC, c.campaign
    """
    return Query(sql, {"db": db})


def known(db: str, campaign: str) -> Query:
    """Return the campaign, if anybody has entered it."""
    sql = "SELECT campaign FROM {db:Identifier}.campaigns WHERE campaign = {campaign:String}"
    return Query(sql, {"db": db, "campaign": campaign})


def standings(db: str, campaign: str, limit: int = 20, account: str = "") -> Query:
    """Return the first `limit` of a campaign, or the rank of one `account`, the disqualified last."""
    sql = """
        SELECT rank, account, points, reached, title, disclosed, undisclosed, disqualified, final, as_of
        FROM {db:Identifier}.campaign_standings
        WHERE campaign = {campaign:String} AND ({account:String} = '' OR account = {account:String})
        ORDER BY disqualified != '', rank
        LIMIT {limit:UInt32}
    """
    return Query(sql, {"db": db, "campaign": campaign, "limit": limit, "account": account})


def rewards(db: str, campaign: str, account: str = "") -> Query:
    """Return the rewards of a campaign, or of one `account` in it, those that were lost too; the latest
    first.
    """
    sql = """
        SELECT id, account, kind, which, at, revoked_at, reason, prize
        FROM {db:Identifier}.rewards
        WHERE campaign = {campaign:String} AND ({account:String} = '' OR account = {account:String})
        ORDER BY at DESC, account, id
    """
    return Query(sql, {"db": db, "campaign": campaign, "account": account})


def beginning(db: str, start: str) -> Query:
    """Return the ids of rewards that begin with `start`; not all of them, but two where there are."""
    sql = """
        SELECT DISTINCT id FROM {db:Identifier}.rewards WHERE startsWith(id, {start:String})
        ORDER BY id LIMIT 2
    """
    return Query(sql, {"db": db, "start": start})


def receipt(db: str, reward: str) -> Query:
    """Return the events that earned a reward, by its id, in order of time; none for an id that is not known.

    Contest: every entry of the winner. Threshold and photo: the act itself. Referral: where the newcomer
    named the sponsor. Tag chain: the taggings up to the one that reached the number. Mayor: the check-ins at
    the venue in the window that made the days of the title.
    """
    sql = """
        WITH reward AS (SELECT * FROM {db:Identifier}.rewards WHERE id = {id:String})
        SELECT
            r.account AS account, r.kind AS kind, r.which AS which, r.at AS earned, e.event AS event,
            e.at AS at, e.unit AS unit, e.actor AS actor, e.disclosed AS disclosed
        FROM reward AS r
        INNER JOIN {db:Identifier}.campaigns AS c ON c.campaign = r.campaign
        INNER JOIN {db:Identifier}.campaign_entries AS e ON e.campaign = r.campaign AND e.account = r.account
        WHERE r.kind = 'contest'
            OR (r.kind IN ('threshold', 'post_with_media') AND e.at = r.at)
            OR (r.kind = 'referral' AND e.at = r.at AND e.unit = r.which)
            OR (r.kind = 'tag_chain' AND e.at <= r.at)
            OR (
                r.kind = 'mayor' AND e.unit = r.which AND e.at <= r.at
                AND toDate(e.at) > toDate(r.at) - toIntervalDay(c.window_days)
            )
        ORDER BY e.at, e.event
    """
    return Query(sql, {"db": db, "id": reward})


def entries(db: str, campaign: str, disclosed: bool, limit: int = 1_000) -> Query:
    """Return the entries that say what they were made for, or those that do not, with their events."""
    sql = """
        SELECT
            e.account AS account, e.event AS event, e.at AS at, e.unit AS unit, v.text AS text,
            v.actor_followers AS followers
        FROM {db:Identifier}.campaign_entries AS e
        LEFT JOIN {db:Identifier}.events AS v ON v.time = e.at AND v.id = e.event
        WHERE e.campaign = {campaign:String} AND e.disclosed = {disclosed:Bool}
        ORDER BY at, event
        LIMIT {limit:UInt32}
    """
    return Query(sql, {"db": db, "campaign": campaign, "disclosed": disclosed, "limit": limit})


def amplification(db: str, campaign: str) -> Query:
    """Return what carried a campaign further: shares, quotes and tags, earned beside those made for
    something.

    Amplification of the campaign is what shares or quotes one of its entries, and what names the campaign or,
    from its start to its end, carries one of its hashtags. Undone events are left out.
    """
    sql = """
        WITH entries AS (
            SELECT unit FROM {db:Identifier}.campaign_entries WHERE campaign = {campaign:String}
        )
        SELECT
            v.type AS type, count() AS events, uniqExact(v.actor) AS people,
            countIf(v.klass = 'earned') AS earned, uniqExactIf(v.actor, v.klass = 'earned') AS earned_people,
            countIf(v.klass != 'earned') AS incentivised, countIf(v.klass = 'undisclosed') AS undisclosed,
            countIf(v.root IN (SELECT unit FROM entries) OR v.object IN (SELECT unit FROM entries)) AS
            of_entries
        FROM {db:Identifier}.events AS v
        CROSS JOIN (
            SELECT start, end, hashtags FROM {db:Identifier}.campaigns WHERE campaign = {campaign:String}
        ) AS c
        WHERE v.type IN ('share', 'quote', 'tag') AND v.given > 0 AND v.time >= c.start
            AND (
                v.campaign = {campaign:String}
                OR (v.time < c.end AND hasAny(v.tags, c.hashtags))
                OR (v.root != '' AND v.root IN (SELECT unit FROM entries))
                OR (v.object != '' AND v.object IN (SELECT unit FROM entries))
            )
            AND (v.time, v.id) NOT IN (SELECT time, id FROM {db:Identifier}.retractions_store)
        GROUP BY type
        ORDER BY type
    """
    return Query(sql, {"db": db, "campaign": campaign})


def signals(db: str, campaign: str) -> Query:
    """Return what looks like gaming, with the points and rank of who did it; the most frequent first.

    `new_account` is told here and not in the stream: the account was never seen before the day of its first
    entry, though events of that network are known from a day and more before it.
    """
    sql = """
        WITH first_entry AS (
            SELECT account, min(at) AS at FROM {db:Identifier}.campaign_entries
            WHERE campaign = {campaign:String} GROUP BY account
        ),
        first_seen AS (
            SELECT actor AS account, min(time) AS at, any(network) AS network FROM {db:Identifier}.events
            WHERE actor IN (SELECT account FROM first_entry) GROUP BY actor
        ),
        known_from AS (SELECT network, min(time) AS at FROM {db:Identifier}.events GROUP BY network)
        SELECT
            g.account AS account, g.signal AS signal, g.count AS count, g.since AS since, g.until AS until,
            g.evidence AS evidence, s.points AS points, s.rank AS rank
        FROM (
            SELECT account, signal, count, since, until, evidence
            FROM {db:Identifier}.campaign_signals WHERE campaign = {campaign:String}
            UNION ALL
            SELECT
                e.account, 'new_account', 1, toNullable(f.at), toNullable(e.at),
                concat('first seen ', toString(f.at), ', first entry ', toString(e.at))
            FROM first_entry AS e
            INNER JOIN first_seen AS f ON f.account = e.account
            INNER JOIN known_from AS k ON k.network = f.network
            WHERE f.at >= e.at - INTERVAL 1 DAY AND k.at < f.at - INTERVAL 1 DAY
        ) AS g
        LEFT JOIN (
            SELECT account, points, rank FROM {db:Identifier}.campaign_standings
            WHERE campaign = {campaign:String}
        ) AS s ON s.account = g.account
        ORDER BY count DESC, account, signal
    """
    return Query(sql, {"db": db, "campaign": campaign})


def mayors(db: str, venue: str = "", account: str = "", at: datetime | None = None) -> Query:
    """Return titles: of a venue, of an account, or of both; with `at` only who held one then. The latest
    first.
    """
    sql = """
        SELECT venue, account, days, since, until
        FROM {db:Identifier}.mayors
        WHERE ({venue:String} = '' OR venue = {venue:String})
            AND ({account:String} = '' OR account = {account:String})
            AND ({at:Nullable(DateTime64(3, 'UTC'))} IS NULL OR (
                since <= {at:Nullable(DateTime64(3, 'UTC'))}
                AND (until IS NULL OR until > {at:Nullable(DateTime64(3, 'UTC'))})
            ))
        ORDER BY since DESC, venue
    """
    return Query(sql, {"db": db, "venue": venue, "account": account, "at": at})


def chain(db: str, campaign: str, root: str = "", limit: int = 1_000) -> Query:
    """Return who brought whom, below `root` or below everybody who was not brought, with depth; the nearest
    first.
    """
    sql = """
        WITH RECURSIVE links AS (
            SELECT member, sponsor, at FROM {db:Identifier}.campaign_links
            WHERE campaign = {campaign:String} AND counts
        ),
        tree AS (
            SELECT member, sponsor, at, 1 AS depth FROM links
            WHERE if({root:String} = '', sponsor NOT IN (SELECT member FROM links), sponsor = {root:String})
            UNION ALL
            SELECT l.member, l.sponsor, l.at, t.depth + 1
            FROM links AS l INNER JOIN tree AS t ON l.sponsor = t.member
        )
        SELECT depth, sponsor, member, at FROM tree ORDER BY depth, at, member LIMIT {limit:UInt32}
    """
    return Query(sql, {"db": db, "campaign": campaign, "root": root, "limit": limit})
