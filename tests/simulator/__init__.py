"""A seeded network of people, and an oracle that knows what must be counted of what they do.
 `records(Plan(seed=7))` is a deterministic log as `social.events` would hold it, with all that goes wrong in
real life at set rates. `Oracle` reads the same log and says what becomes of every record and what the answers
are, by rules of its own: it imports nothing of the product, so that the two agree only by both being right.
`feed` sends a log into Kafka, `differences` holds ClickHouse against the oracle.
 To understand it, start at `log.py` and `mishaps.py` (what may happen to a record), then `oracle.py` (what
that means).
"""

from tests.simulator.check import differences
from tests.simulator.feed import FeedError, feed
from tests.simulator.log import records
from tests.simulator.oracle import Oracle, Outcome, Undetermined
from tests.simulator.plan import Plan

__all__ = ["FeedError", "Oracle", "Outcome", "Plan", "Undetermined", "differences", "feed", "records"]
