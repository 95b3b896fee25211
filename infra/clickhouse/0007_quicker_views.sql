-- Views that were slow or went wrong, made anew.

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
