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
