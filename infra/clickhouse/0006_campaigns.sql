-- Titles of venues: who was mayor, from when until when (NULL: is mayor still).
CREATE OR REPLACE VIEW {database}.mayors AS
SELECT venue, title.1 AS account, title.2 AS days, title.3 AS since, title.4 AS until
FROM {database}.venue_titles ARRAY JOIN titles AS title
COMMENT 'Titles of venues: who was mayor, from when until when (NULL: is mayor still)';

-- Points and rank of every entrant, live or final; the disqualified have rank 0.
CREATE OR REPLACE VIEW {database}.campaign_standings AS
SELECT
    campaign, account, points,
    if(disqualified = '', row_number() OVER (
        PARTITION BY campaign
        ORDER BY disqualified != '', points DESC, title DESC, reached, account
    ), 0) AS rank,
    as_of, reached, title, disclosed, undisclosed, disqualified, final
FROM (
    SELECT
        campaign, account, sum(part.points) AS points, max(part.reached) AS reached,
        max(part.title) AS title, sum(part.disclosed) AS disclosed,
        sum(part.undisclosed) AS undisclosed, max(part.disqualified) AS disqualified,
        max(part.final) AS final, max(part.as_of) AS as_of
    FROM {database}.campaign_points AS part
    GROUP BY campaign, account
    HAVING points > 0
)
COMMENT 'Points and rank of every entrant, live or final; the disqualified have rank 0';
