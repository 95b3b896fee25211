-- A cascade is the sum of its episodes: nearly always one, more where a root was silent for so long that its state
-- was released and then was shared again. Sizes add up exactly; people and reach may count somebody twice; the shape is
-- that of the largest episode.
CREATE OR REPLACE VIEW {database}.cascades AS
SELECT
    e.root AS root,
    e.kind AS kind,
    argMax(e.author, (e.root_seen, e.size)) AS author,
    max(e.author_followers) AS author_followers,
    min(e.started_at) AS started_at,
    min(e.first_at) AS first_at,
    max(e.last_at) AS last_at,
    sum(e.size) AS size,
    sum(e.earned) AS earned,
    sum(e.incentivised) AS incentivised,
    sum(e.undisclosed) AS undisclosed,
    sum(e.people) AS people,
    sum(e.reach) AS reach,
    max(e.depth) AS depth,
    max(e.breadth) AS breadth,
    argMax(e.structural_virality, e.size) AS structural_virality,
    sum(e.waiting) AS waiting,
    sum(e.shares_per_minute) AS shares_per_minute,
    max(e.peak_per_minute) AS peak_per_minute,
    argMax(e.time_to_half, e.size) AS time_to_half,
    max(e.growing) AS growing,
    argMax(e.infectiousness, e.as_of) AS infectiousness,
    if(max(e.unbounded), NULL, sum(e.forecast_size)) AS forecast_size,
    max(e.unbounded) AS unbounded,
    max(e.root_seen) AS root_seen,
    max(e.truncated) AS truncated,
    min(e.final) AS final,
    max(e.as_of) AS as_of,
    count() AS episodes
FROM {database}.cascade_episodes AS e
GROUP BY e.root, e.kind
COMMENT 'Cascades: a root post and its shares and quotes, or a meme and who tagged whom for it';
