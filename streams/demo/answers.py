"""The questions the demo answers, in SQL over what the stream has said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from clickhouse_connect.driver.client import Client


class Question(NamedTuple):
    """A question, its headings, and the query that answers it; `{db}` is the database."""

    title: str
    headings: tuple[str, ...]
    sql: str


RECEIVED: Final = Question(
    "Who received most",
    ("account", "received", "shares", "mentions", "replies"),
    """
    SELECT account, sum(events), sumIf(events, kind = 'share'), sumIf(events, kind = 'mention'), sumIf(events, kind = 'reply')
    FROM {db}.account_panes WHERE direction = 'received' AND pane >= '2012-07-01' AND pane < '2012-07-04'
    GROUP BY account ORDER BY 2 DESC, account LIMIT 5
    """,
)
AMPLIFIED: Final = Question(
    "Who amplified whom",
    ("amplifier", "author", "shares"),
    """
    SELECT actor, object_author, count() FROM {db}.events
    WHERE type = 'share' AND object_author != actor AND time >= '2012-07-01' AND time < '2012-07-04'
    GROUP BY actor, object_author ORDER BY 3 DESC, actor, object_author LIMIT 5
    """,
)
BUSIEST: Final = Question(
    "The busiest minutes",
    ("minute (UTC)", "actions received"),
    """
    SELECT formatDateTime(pane, '%F %R', 'UTC'), sum(events) FROM {db}.account_panes
    WHERE direction = 'received' AND pane >= '2012-07-01' AND pane < '2012-07-04'
    GROUP BY pane ORDER BY 2 DESC, pane LIMIT 5
    """,
)
INFLUENCE: Final = Question(
    "Whose influence is greatest (0-100, and the parts it is the sum of)",
    ("account", "influence", "people", "answers", "incentivised", "consistency", "people who acted"),
    """
    SELECT account, round(influence, 1), round(influence_people, 1), round(influence_answers, 1) + 0,
           round(influence_incentivised, 1) + 0, round(influence_consistency, 1), people
    FROM {db}.account_scores WHERE window = '7d' ORDER BY influence DESC, account LIMIT 5
    """,
)

MAYORS: Final = Question(
    "Mayors: most distinct days at a venue within 60 (Gowalla, 2009-2010)",
    ("venue", "mayor", "days", "since", "until"),
    """
    SELECT venue, account, days, formatDateTime(since, '%F', 'UTC'), ifNull(formatDateTime(until, '%F', 'UTC'), 'still')
    FROM {db}.mayors ORDER BY days DESC, venue, since LIMIT 5
    """,
)
CONTEST: Final = Question(
    "The contest of #DuBoisChallenge (2021, moved to 2012), final",
    ("account", "rank", "posts", "say what they are for", "do not"),
    """
    SELECT account, rank, points, disclosed, undisclosed
    FROM {db}.campaign_standings WHERE campaign = 'dubois' AND rank > 0 ORDER BY rank LIMIT 5
    """,
)
BOUGHT: Final = Question(
    "What was earned, and what was made for something in return",
    ("what", "earned", "incentivised", "of these undisclosed"),
    """
    SELECT 'actions received, whole demo', sum(events) - sum(incentivised), sum(incentivised), sum(undisclosed)
    FROM {db}.account_panes WHERE direction = 'received'
    UNION ALL
    SELECT 'posts for the contest', 0, sum(disclosed + undisclosed), sum(undisclosed)
    FROM {db}.campaign_standings WHERE campaign = 'dubois'
    """,
)
CASCADE: Final = """
SELECT size, depth, round(structural_virality, 2), reach, forecast_size FROM {db}.cascades WHERE root = 'seismic'
"""


def ask(client: Client, database: str, question: Question) -> Sequence[Sequence[Any]]:
    """Return the rows that answer `question`."""
    rows: Sequence[Sequence[Any]] = client.query(question.sql.replace("{db}", database)).result_rows
    return rows
