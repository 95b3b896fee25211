"""Numbers about the product and its data that only ClickHouse knows, as gauges without names of people or posts.

The answer to a question is rows of (gauge, label values, value). A gauge that the question names and the answer does not is
emptied, which is why a question has `gauges`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from clickhouse_connect.driver.client import Client

SETTINGS: Final = {"max_threads": 1, "max_execution_time": 20, "max_memory_usage": 2 << 30, "priority": 5}
"""A question never takes what people's queries need."""


@dataclass(frozen=True, slots=True)
class Question:
    """A query, and the gauges that it sets."""

    name: str
    gauges: tuple[str, ...]
    sql: str


CONSERVATION: Final = Question(
    "conservation",
    ("juice_conservation_residue_records",),
    """
    SELECT 'juice_conservation_residue_records', []::Array(String), toFloat64(sum(residue))
    FROM {db:Identifier}.conservation
    """,
)

STORAGE: Final = Question(
    "storage",
    ("juice_clickhouse_parts", "juice_clickhouse_table_bytes", "juice_clickhouse_table_rows"),
    """
    SELECT pair.1, [table], pair.2 FROM
    (
        SELECT table, max(parts) AS most, sum(bytes) AS bytes, sum(rows) AS rows FROM
        (
            SELECT table, partition, count() AS parts, sum(bytes_on_disk) AS bytes, sum(p.rows) AS rows
            FROM system.parts AS p
            WHERE active AND database = {db:String}
            GROUP BY table, partition
        )
        GROUP BY table
    )
    ARRAY JOIN [
        ('juice_clickhouse_parts', toFloat64(most)),
        ('juice_clickhouse_table_bytes', toFloat64(bytes)),
        ('juice_clickhouse_table_rows', toFloat64(rows))
    ] AS pair
    """,
)

PEOPLE: Final = Question(
    "people",
    (
        "juice_accounts",
        "juice_engagement_gini_ratio",
        "juice_engagement_herfindahl_ratio",
        "juice_engagement_top_share_ratio",
        "juice_engagement_incentivised_ratio",
        "juice_accounts_follower_jump",
    ),
    """
    SELECT pair.1, if(pair.1 = 'juice_accounts_follower_jump', []::Array(String), [window]), pair.2 FROM
    (
        SELECT
            window,
            count() AS accounts,
            arraySort(groupArrayIf(toFloat64(engagement_earned), engagement_earned > 0)) AS ranked,
            length(ranked) AS n,
            arraySum(ranked) AS total,
            sum(engagement_incentivised) / greatest(sum(engagement), 1) AS incentivised,
            countIf(bought_followers > 0) AS jumps
        FROM {db:Identifier}.account_scores
        GROUP BY window
    )
    ARRAY JOIN arrayConcat(
        [('juice_accounts', toFloat64(accounts)), ('juice_engagement_incentivised_ratio', incentivised)],
        if(n = 0, [], [
            (
                'juice_engagement_gini_ratio',
                arraySum((x, i) -> (2 * i - n - 1) * x, ranked, arrayEnumerate(ranked)) / (n * total)
            ),
            ('juice_engagement_herfindahl_ratio', arraySum(x -> x * x, ranked) / (total * total)),
            (
                'juice_engagement_top_share_ratio',
                arraySum(arraySlice(ranked, -greatest(1, toInt64(ceil(n / 100))))) / total
            )
        ]),
        if(window = '30d', [('juice_accounts_follower_jump', toFloat64(jumps))], [])
    ) AS pair
    """,
)

TRENDS: Final = Question(
    "trends",
    (
        "juice_trends_raised",
        "juice_trends_rising",
        "juice_cascades_growing",
        "juice_cascade_size_max",
        "juice_cascade_forecast_max",
    ),
    """
    SELECT pair.1, [kind], pair.2
    FROM (
        SELECT kinds.kind AS kind, countIf(t.id != '') AS raised, countIf(t.id != '' AND t.ended_at IS NULL) AS rising
        FROM (SELECT arrayJoin(['cascade', 'tag']) AS kind) AS kinds
        LEFT JOIN {db:Identifier}.trends AS t ON t.kind = kinds.kind
        GROUP BY kind
    )
    ARRAY JOIN [('juice_trends_raised', toFloat64(raised)), ('juice_trends_rising', toFloat64(rising))] AS pair
    UNION ALL
    SELECT pair.1, []::Array(String), pair.2
    FROM (
        SELECT count() AS live, max(size) AS largest, ifNull(max(forecast_size), 0) AS forecast
        FROM {db:Identifier}.cascade_episodes
        WHERE growing AND kind = 'share'
    )
    ARRAY JOIN [
        ('juice_cascades_growing', toFloat64(live)),
        ('juice_cascade_size_max', toFloat64(largest)),
        ('juice_cascade_forecast_max', toFloat64(forecast))
    ] AS pair
    """,
)

CAMPAIGNS: Final = Question(
    "campaigns",
    (
        "juice_campaigns",
        "juice_campaign_entrants",
        "juice_campaign_signalled_accounts",
        "juice_campaign_undisclosed_entries",
        "juice_rewards",
    ),
    """
    SELECT 'juice_campaigns', [kind, if(final, 'final', 'open')], toFloat64(count())
    FROM {db:Identifier}.campaigns GROUP BY kind, final
    UNION ALL
    SELECT pair.1, [kind], pair.2
    FROM (
        SELECT
            c.kind AS kind,
            uniqExactIf((p.campaign, p.account), p.points > 0) AS entrants,
            sum(p.undisclosed) AS undisclosed
        FROM {db:Identifier}.campaign_points AS p
        INNER JOIN {db:Identifier}.campaigns AS c ON c.campaign = p.campaign
        WHERE NOT c.final
        GROUP BY kind
    )
    ARRAY JOIN [
        ('juice_campaign_entrants', toFloat64(entrants)), ('juice_campaign_undisclosed_entries', toFloat64(undisclosed))
    ] AS pair
    UNION ALL
    SELECT 'juice_campaign_signalled_accounts', [c.kind], toFloat64(uniqExact((s.campaign, s.account)))
    FROM {db:Identifier}.campaign_signals AS s
    INNER JOIN {db:Identifier}.campaigns AS c ON c.campaign = s.campaign
    WHERE NOT c.final
    GROUP BY c.kind
    UNION ALL
    SELECT 'juice_rewards', [kind, if(isNull(revoked_at), 'standing', 'revoked')] AS labels, toFloat64(count())
    FROM {db:Identifier}.rewards GROUP BY labels
    """,
)

QUESTIONS: Final = (CONSERVATION, STORAGE, PEOPLE, TRENDS, CAMPAIGNS)
"""Every question of the lookout."""


def ask(client: Client, database: str, question: Question) -> dict[str, dict[tuple[str, ...], float]]:
    """Return the answer: values by gauge and label values; raise ClickHouseError when there is none."""
    found: dict[str, dict[tuple[str, ...], float]] = {name: {} for name in question.gauges}
    rows: Any = client.query(question.sql, parameters={"db": database}, settings=dict(SETTINGS)).result_rows
    for name, labels, value in rows:
        found[name][tuple(labels)] = float(value)
    return found
