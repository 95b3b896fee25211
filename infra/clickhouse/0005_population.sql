-- How unequally what accounts received is spread over those who received any.
CREATE OR REPLACE VIEW {database}.concentration AS
SELECT
    window,
    measure,
    length(ranked) AS accounts,
    arraySum(ranked) AS total,
    arraySum((x, i) -> (2 * i - accounts - 1) * x, ranked, arrayEnumerate(ranked)) / (accounts * total) AS gini,
    arraySum(x -> x * x, ranked) / (total * total) AS herfindahl,
    arraySum(arraySlice(ranked, -greatest(1, toInt64(ceil(accounts / 100))))) / total AS top_1_percent_share,
    as_of
FROM
(
    SELECT
        window,
        max(as_of) AS as_of,
        [
            ('engagement', groupArrayIf(toFloat64(engagement), engagement > 0)),
            ('engagement_earned', groupArrayIf(toFloat64(engagement_earned), engagement_earned > 0)),
            ('amplification', groupArrayIf(toFloat64(amplification), amplification > 0)),
            ('amplification_earned', groupArrayIf(toFloat64(amplification_earned), amplification_earned > 0)),
            ('people', groupArrayIf(toFloat64(people), people > 0)),
            ('influence', groupArrayIf(influence, influence > 0))
        ] AS measured
    FROM {database}.account_scores
    GROUP BY window
)
ARRAY JOIN arrayMap(m -> m.1, measured) AS measure, arrayMap(m -> arraySort(m.2), measured) AS ranked
WHERE accounts > 0
COMMENT 'Gini, Herfindahl and the share of the top 1 % of accounts, per window and measure';

-- The same over time: of what was received on each day.
CREATE OR REPLACE VIEW {database}.concentration_daily AS
SELECT
    day,
    length(ranked) AS accounts,
    arraySum(ranked) AS total,
    arraySum((x, i) -> (2 * i - accounts - 1) * x, ranked, arrayEnumerate(ranked)) / (accounts * total) AS gini,
    arraySum(x -> x * x, ranked) / (total * total) AS herfindahl,
    arraySum(arraySlice(ranked, -greatest(1, toInt64(ceil(accounts / 100))))) / total AS top_1_percent_share
FROM
(
    SELECT day, arraySort(groupArray(received)) AS ranked
    FROM
    (
        SELECT toDate(pane) AS day, account, toFloat64(sum(events)) AS received
        FROM {database}.account_panes
        WHERE direction = 'received' AND kind NOT IN ('follow', 'unfollow')
        GROUP BY day, account
    )
    GROUP BY day
)
COMMENT 'Gini, Herfindahl and the share of the top 1 % of accounts, of the engagement received on each day';
