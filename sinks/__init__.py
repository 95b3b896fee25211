"""The way out: rows from Kafka into ClickHouse. Knows the rows of `schemas`, and nothing of what they mean."""
