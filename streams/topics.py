"""The topics as they should be, for `juice migrate`."""

from __future__ import annotations

from typing import Final

from infra.kafka import TopicSpec
from infra.settings import Settings
from streams.names import STAGES, Names

_BIG: Final = {"max.message.bytes": str(32 << 20)}
_TIMED: Final = {"message.timestamp.type": "LogAppendTime"}
_INPUT: Final = {"max.message.bytes": str(16 << 20), **_TIMED}
"""Half of what a dead letter may be, which holds a record in base64. The time Kafka appended a record is what `future` and
freshness are judged by."""
_PASSING: Final = {**_BIG, "retention.ms": str(3 * 86_400_000), "retention.bytes": str(4 << 30)}
"""Between stages: read once, kept for three days or 4 GB per partition so that a state can be looked into."""


def topic_specs(settings: Settings, sources: int) -> list[TopicSpec]:
    """Return every topic of an installation whose `social.events` has `sources` partitions (or shall have)."""
    names, parts = Names.of(settings), settings.partitions
    specs = [
        TopicSpec(names.events, sources, _INPUT),
        TopicSpec(names.dead_letters, 1, {**_BIG, "retention.ms": "-1"}),
        TopicSpec(names.rewards, 1, {"retention.ms": "-1"}),
        TopicSpec(names.trends, 1, {"retention.ms": "-1"}),
        TopicSpec(names.decoded, parts, {**_PASSING, **_TIMED}),  # silence is judged by Kafka's clock as well
        TopicSpec(names.routed, parts, _PASSING),
        TopicSpec(names.rows, parts, _PASSING),
    ]
    compact = {**_BIG, "cleanup.policy": "compact", "min.compaction.lag.ms": str(86_400_000)}
    for stage in STAGES:
        count = sources if stage == "ingest" else parts
        specs.append(TopicSpec(names.changelog(stage), count, compact, grows=stage == "ingest"))
    return specs
