-- Ties as they weigh at the end of the last day with any: what a row of a day weighs there, decayed by 14 days a half.
CREATE OR REPLACE VIEW {database}.tie_weights AS
WITH (SELECT max(day) FROM {database}.ties) AS last
SELECT
    t.source AS source,
    t.target AS target,
    sum(t.events) AS events,
    sum(t.incentivised) AS incentivised,
    sum(t.undisclosed) AS undisclosed,
    sum(t.amplifications) AS amplifications,
    sum(t.weight * exp2(-dateDiff('day', t.day, last) / 14)) AS weight,
    sum(t.earned_weight * exp2(-dateDiff('day', t.day, last) / 14)) AS earned_weight,
    count() AS days,
    min(t.day) AS first_day,
    max(t.day) AS last_day
FROM {database}.ties AS t
GROUP BY t.source, t.target
COMMENT 'Ordered pairs of accounts over all days, weights decayed to the end of the last day with a tie';

-- Both directions of a pair in one row, once: a is the name that sorts first.
CREATE OR REPLACE VIEW {database}.tie_pairs AS
SELECT
    least(t.source, t.target) AS a,
    greatest(t.source, t.target) AS b,
    sumIf(t.events, t.source < t.target) AS a_to_b,
    sumIf(t.events, t.source > t.target) AS b_to_a
FROM {database}.ties AS t
GROUP BY a, b
COMMENT 'Unordered pairs of accounts and what went each way, in events';

-- Garlaschelli and Loffredo 2004: r the share of ties returned, rho what of that the density does not explain.
CREATE OR REPLACE VIEW {database}.tie_reciprocity AS
WITH
    (SELECT uniqExact(account) FROM (SELECT arrayJoin([a, b]) AS account FROM {database}.tie_pairs)) AS people
SELECT
    sum((a_to_b > 0) + (b_to_a > 0)) AS ties,
    people AS accounts,
    if(ties = 0, 0, 2 * countIf(a_to_b > 0 AND b_to_a > 0) / ties) AS r,
    if(accounts < 2, 0, ties / (accounts * (accounts - 1))) AS density,
    if(density < 1, (r - density) / (1 - density), 1) AS rho,
    if(ties = 0, 0, 2 * sum(least(a_to_b, b_to_a)) / sum(a_to_b + b_to_a)) AS weighted
FROM {database}.tie_pairs
COMMENT 'Reciprocity of the whole network, ties to oneself left out; weighted by events';

CREATE OR REPLACE VIEW {database}.tie_accounts AS
SELECT
    account,
    countIf(given > 0) AS out_ties,
    countIf(received > 0) AS in_ties,
    countIf(given > 0 AND received > 0) AS mutual_ties,
    sum(given) AS events_given,
    sum(received) AS events_received,
    if(out_ties = 0, NULL, mutual_ties / out_ties) AS reciprocity
FROM
(
    SELECT a AS account, a_to_b AS given, b_to_a AS received FROM {database}.tie_pairs
    UNION ALL
    SELECT b AS account, b_to_a AS given, a_to_b AS received FROM {database}.tie_pairs
)
GROUP BY account
COMMENT 'Ties of an account over all days: to whom, from whom, and what share of its ties is returned';

-- Applause within ten minutes of having been engaged with by the same account, again and again: looks like a trade.
-- Replies, mentions and tags in answer are conversation and trade nothing.
CREATE OR REPLACE VIEW {database}.tie_exchanges AS
WITH
    done AS
    (
        SELECT
            actor,
            arrayJoin(multiIf(type IN ('reply', 'like', 'share', 'quote', 'click'), [object_author],
                empty(targets), mentioned, targets)) AS target,
            type IN ('like', 'share', 'quote', 'recommend') AS applause,
            time
        FROM {database}.events
        WHERE
            type IN ('reply', 'like', 'share', 'quote', 'click', 'mention', 'tag', 'recommend', 'referral')
            AND id NOT IN (SELECT undo_of FROM {database}.events WHERE type = 'undo')
    ),
    both AS
    (
        SELECT
            least(actor, target) AS a,
            greatest(actor, target) AS b,
            count() AS events,
            groupArray((time, actor < target, applause)) AS acts
        FROM done
        WHERE target NOT IN ('', actor)
        GROUP BY a, b
        HAVING countIf(applause) >= 3 AND countIf(actor < target) BETWEEN 1 AND events - 1
    ),
    answers AS
    (
        SELECT
            a,
            b,
            events,
            act.1 AS at,
            act.2 AS by_a,
            act.3 AS applause,
            max(if(by_a, NULL, at)) OVER past AS last_of_b,
            max(if(by_a, at, NULL)) OVER past AS last_of_a,
            dateDiff('millisecond', if(by_a, last_of_b, last_of_a), at) / 1000 AS seconds
        FROM both
        ARRAY JOIN acts AS act
        WINDOW past AS (PARTITION BY a, b ORDER BY act.1 RANGE UNBOUNDED PRECEDING)
    )
SELECT
    a,
    b,
    countIf(answers.by_a) AS swaps_by_a,
    countIf(NOT answers.by_a) AS swaps_by_b,
    count() AS swaps,
    any(answers.events) AS events,
    swaps / events AS swap_share,
    quantile(0.5)(answers.seconds) AS median_seconds,
    min(answers.at) AS first_at,
    max(answers.at) AS last_at
FROM answers
WHERE answers.applause AND answers.seconds <= 600
GROUP BY a, b
HAVING swaps >= 3
COMMENT 'Pairs who return applause within ten minutes, three times or more: candidates for quid pro quo';
