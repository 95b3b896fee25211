-- Views that were slow or went wrong, made anew. Which events were undone the stores say as well as the views: what is read
-- of an undo never changes.

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
        WHERE target NOT IN ('', actor) AND actor != ''
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

-- Garlaschelli and Loffredo 2004: r the share of ties returned, rho what of that the density does not explain.
CREATE OR REPLACE VIEW {database}.tie_reciprocity AS
SELECT
    sum((a_to_b > 0) + (b_to_a > 0)) AS ties,
    uniqExactArray([a, b]) AS accounts,
    if(ties = 0, 0, 2 * countIf(a_to_b > 0 AND b_to_a > 0) / ties) AS r,
    if(accounts < 2, 0, ties / (accounts * (accounts - 1))) AS density,
    if(density < 1, (r - density) / (1 - density), 1) AS rho,
    if(ties = 0, 0, 2 * sum(least(a_to_b, b_to_a)) / sum(a_to_b + b_to_a)) AS weighted
FROM {database}.tie_pairs
COMMENT 'Reciprocity of the whole network, ties to oneself left out; weighted by events';

-- What a cascade is drawn from: its shares one by one, as said. A parent that is no node hangs below the root.
CREATE OR REPLACE VIEW {database}.cascade_nodes AS
SELECT
    if(root = '', object, root) AS cascade,
    id AS node,
    if(object IN (cascade, parent), '', object) AS own,
    if(parent IN (cascade, id), '', parent) AS parent_named,
    type,
    actor,
    time AS at,
    actor_followers,
    klass
FROM {database}.events
WHERE
    type IN ('share', 'quote')
    AND cascade != ''
    AND actor != object_author
    AND id NOT IN (SELECT undo_of FROM {database}.events_store WHERE type = 'undo')
COMMENT 'Shares of a cascade, one by one; own is the post that a share created, parent_named what it hangs below';

-- Double jeopardy: w(1 - b) is the same for all. Who lies above the line has people who come back more than reach says.
-- One pass over the scores: a condition on the window goes through to them.
CREATE OR REPLACE VIEW {database}.loyalty AS
SELECT
    window,
    account,
    engagers,
    engagements,
    engagers / population AS reach,
    engagements / engagers AS frequency,
    if(reach < 1, constant / (1 - reach), frequency) AS expected_frequency,
    frequency / expected_frequency AS beyond
FROM
(
    SELECT
        window,
        account,
        people AS engagers,
        engagement AS engagements,
        countIf(given_people > 0) OVER alike AS population,
        (sum(engagement) OVER alike - sum(engagement * people) OVER alike / population) / sum(people) OVER alike AS constant
    FROM {database}.account_scores
    WINDOW alike AS (PARTITION BY window)
)
WHERE engagers > 0
COMMENT 'Repeat engagement against what double jeopardy expects of an account of this reach, per window';

-- The hundred first of each board and window. Not by LIMIT BY: see docs/gotchas.md.
CREATE OR REPLACE VIEW {database}.leaderboards AS
SELECT board, window, rank, account, value, as_of
FROM
(
    SELECT
        pair.1 AS board,
        window,
        row_number() OVER (PARTITION BY pair.1, window ORDER BY pair.2 DESC, account) AS rank,
        account,
        pair.2 AS value,
        as_of
    FROM {database}.account_scores
    ARRAY JOIN [
        ('influence', influence),
        ('outreach', outreach),
        ('amplification', toFloat64(amplification_earned)),
        ('people', toFloat64(people_earned))
    ] AS pair
    WHERE pair.2 > 0
)
WHERE rank <= 100
COMMENT 'Leaderboards by window: influence, outreach, earned amplification, people earned; rank 1 to 100';
