"""The sink's loop, with a consumer in memory."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Event
from typing import Any

from sinks.sink import Sink, Sources


class Consumer:
    """Knows its topics only when it has been asked for them often enough, as while metadata is on its way."""

    def __init__(self, stop: Event) -> None:
        self.stop, self.asked = stop, 0
        self.did: list[str] = []

    def subscribe(self, topics: Iterable[str]) -> None:
        """Note it."""
        self.did.append(f"subscribe {' '.join(topics)}")

    def partitions_for_topic(self, topic: str) -> set[int]:
        """Know a topic when asked a second time."""
        self.asked += 1
        known = self.asked % 2 == 0
        self.did.append(f"{topic} {'known' if known else 'unknown'}")
        return {0} if known else set()

    def poll(self, **_: Any) -> dict[Any, Any]:
        """Note it, and let that be all."""
        self.did.append("poll")
        self.stop.set()
        return {}


def test_a_group_is_joined_only_when_the_topics_are_known() -> None:
    """The first poll joins it; a leader that does not know the topics by then assigns nothing, and never joins again."""
    stop = Event()
    consumer: Any = Consumer(stop)
    Sink(consumer, None, Sources("rows", "letters"), rows=1, interval=0.1, stop=stop).run()  # type: ignore[arg-type]
    subscribed, *asked, polled = consumer.did
    assert (subscribed, polled) == ("subscribe rows letters", "poll")
    assert asked == ["rows unknown", "rows known", "letters unknown", "letters known"]
