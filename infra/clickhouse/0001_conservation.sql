-- Every record read is accepted, a duplicate, or a dead letter. One row per source partition; `residue` is zero when
-- all that ingest has read has also passed accept. Reasons of dead letters are summed over both stages.
CREATE OR REPLACE VIEW {database}.conservation AS
SELECT
    source_partition,
    sumIf(records, outcome = 'read') AS read,
    sumIf(records, outcome = 'accepted') AS accepted,
    sumIf(records, outcome = 'duplicate') AS duplicates,
    sumIf(records, outcome NOT IN ('read', 'accepted', 'duplicate')) AS dead_letters,
    toInt64(read) - toInt64(accepted + duplicates + dead_letters) AS residue
FROM {database}.outcomes
GROUP BY source_partition;
