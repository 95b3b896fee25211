-- Lets the view cascade_nodes (0009) skip what is of other cascades.
ALTER TABLE {database}.events_store
    ADD INDEX IF NOT EXISTS by_cascade if(root = '', object, root) TYPE bloom_filter(0.01) GRANULARITY 4;
