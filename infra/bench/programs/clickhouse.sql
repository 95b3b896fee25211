-- The same work in ClickHouse: a Kafka table, a view that counts each block, a table that sums the counts.
CREATE TABLE counts
(
    account String,
    minute DateTime('UTC'),
    actions UInt64
)
ENGINE = SummingMergeTree
ORDER BY (account, minute);

-- One consumer as every peer has one; a block a second, as the others commit once a second.
CREATE TABLE events
(
    type String,
    time Int64,
    object_author String,
    targets Array(String)
)
ENGINE = Kafka
SETTINGS
    kafka_broker_list = '{broker}',
    kafka_topic_list = '{topic}',
    kafka_group_name = '{name}',
    kafka_format = 'JSONEachRow',
    kafka_num_consumers = 1,
    kafka_max_block_size = 65536,
    kafka_flush_interval_ms = 1000,
    input_format_skip_unknown_fields = 1;

CREATE MATERIALIZED VIEW counting TO counts AS
SELECT
    if(empty(targets), object_author, targets[1]) AS account,
    toStartOfMinute(fromUnixTimestamp64Milli(time, 'UTC')) AS minute,
    count() AS actions
FROM events
WHERE type != 'post'
GROUP BY account, minute
