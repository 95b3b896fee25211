-- What a cascade is drawn from: its shares one by one, as said. A parent that is no node hangs below the root.
ALTER TABLE {database}.events_store
    ADD INDEX IF NOT EXISTS by_cascade if(root = '', object, root) TYPE bloom_filter(0.01) GRANULARITY 4;
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
    AND id NOT IN (SELECT undo_of FROM {database}.events WHERE type = 'undo')
COMMENT 'Shares of a cascade, one by one; own is the post that a share created, parent_named what it hangs below';
