-- What was taken back before accept said so in `retractions`, as an audit recounts it: events that are no further from an undo
-- of them than the horizon is now. `juice rebuild` makes it exact where the horizon was another before. What a worker of the
-- version before takes back after this, the next one says out of its state when it starts.
INSERT INTO {database}.retractions_store (id, time, undo, undo_time, version)
SELECT e.id, e.time, min((u.time, u.id)).2, min((u.time, u.id)).1, 1
FROM {database}.events_store AS e
INNER JOIN (SELECT id, time, undo_of FROM {database}.events_store WHERE type = 'undo') AS u ON u.undo_of = e.id
WHERE
    e.type != 'undo'
    AND e.id IN (SELECT undo_of FROM {database}.events_store WHERE type = 'undo')
    AND abs(toUnixTimestamp64Milli(u.time) - toUnixTimestamp64Milli(e.time)) <= {horizon}
GROUP BY e.id, e.time
SETTINGS max_partitions_per_insert_block = 0;

-- The two views that left out whatever an undo names, made anew: they leave out what was taken back.

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
            AND (time, id) NOT IN (SELECT time, id FROM {database}.retractions_store)
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

ALTER TABLE {database}.tie_exchanges
    COMMENT COLUMN a 'account whose name sorts first',
    COMMENT COLUMN b 'the other account',
    COMMENT COLUMN swaps_by_a 'times a answered b with applause within 600 seconds',
    COMMENT COLUMN swaps_by_b 'times b answered a with applause within 600 seconds',
    COMMENT COLUMN swaps 'both together',
    COMMENT COLUMN events 'actions of the two towards each other',
    COMMENT COLUMN swap_share 'swaps of events, 0 to 1',
    COMMENT COLUMN median_seconds 'seconds to an answer, the median',
    COMMENT COLUMN first_at 'first answer',
    COMMENT COLUMN last_at 'last answer';

-- What a cascade is drawn from: its shares one by one, as said. A parent that is no node hangs below the root. Whose name was
-- erased stays as a node without one, or the tree would fall apart; of shares of one's own posts the erasure leaves no cascade.
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
    AND (actor = '' OR actor != object_author)
    AND (time, id) NOT IN (SELECT time, id FROM {database}.retractions_store)
COMMENT 'Shares of a cascade, one by one; own is the post that a share created, parent_named what it hangs below';

ALTER TABLE {database}.cascade_nodes
    COMMENT COLUMN cascade 'its root',
    COMMENT COLUMN node 'id of the event that shared',
    COMMENT COLUMN own 'post that the share created, empty when none was named',
    COMMENT COLUMN parent_named 'what it hangs below; empty for the root',
    COMMENT COLUMN type 'share or quote',
    COMMENT COLUMN actor 'who shared',
    COMMENT COLUMN at 'when',
    COMMENT COLUMN actor_followers 'followers of the actor then; null when not said',
    COMMENT COLUMN klass 'earned, disclosed or undisclosed';
