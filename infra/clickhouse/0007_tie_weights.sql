-- Ties as they weigh at the end of the last day with any: what a row of a day weighs there, decayed by the half-life.
CREATE OR REPLACE VIEW {database}.tie_weights AS
WITH (SELECT max(day) FROM {database}.ties) AS last
SELECT
    t.source AS source,
    t.target AS target,
    sum(t.events) AS events,
    sum(t.incentivised) AS incentivised,
    sum(t.undisclosed) AS undisclosed,
    sum(t.amplifications) AS amplifications,
    sum(t.weight * exp2(-dateDiff('day', t.day, last) / t.half_life_days)) AS weight,
    sum(t.earned_weight * exp2(-dateDiff('day', t.day, last) / t.half_life_days)) AS earned_weight,
    count() AS days,
    min(t.day) AS first_day,
    max(t.day) AS last_day
FROM {database}.ties AS t
GROUP BY t.source, t.target
COMMENT 'Ordered pairs of accounts over all days, weights decayed to the end of the last day with a tie';

-- Applause within ten minutes of having been engaged with by the same account, again and again: looks like a trade.
-- Replies, mentions and tags in answer are conversation and trade nothing. Ties are few beside events, so they say first
-- who has met anybody both ways; only those accounts' events are read. A store may hold an event twice until it merges.
CREATE OR REPLACE VIEW {database}.tie_exchanges AS
WITH
    met AS
    (
        SELECT source FROM {database}.ties_store
        WHERE cityHash64(target, source) IN (SELECT cityHash64(source, target) FROM {database}.ties_store)
    ),
    said AS
    (
        SELECT
            actor,
            multiIf(type IN ('reply', 'like', 'share', 'quote', 'click'), [object_author],
                empty(targets), mentioned, targets) AS receivers,
            type IN ('like', 'share', 'quote', 'recommend') AS applause,
            time
        FROM {database}.events_store
        WHERE
            actor IN (met)
            AND type IN ('reply', 'like', 'share', 'quote', 'click', 'mention', 'tag', 'recommend', 'referral')
            AND id NOT IN (SELECT undo_of FROM {database}.events_store WHERE type = 'undo')
        LIMIT 1 BY time, id
    ),
    done AS (SELECT actor, arrayJoin(receivers) AS target, applause, time FROM said),
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
