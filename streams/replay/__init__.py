"""Feeding: events from files onto `social.events`, and dead letters back onto it.

`feed` is the door. `lines` reads files; `events` finds, moves and orders times; `pace` says when an event
is due, `order` which will be late; `run` puts them together, knowing no Kafka. `publish` sends, `log` reads
what a topic holds, `letters` what could not be used.
"""

from streams.replay.feed import Summary, replay_files
from streams.replay.lines import ReplayError
from streams.replay.run import Progress

__all__ = ["Progress", "ReplayError", "Summary", "replay_files"]
