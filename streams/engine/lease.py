"""How long this worker may write: a worker that was stopped for longer than its session must not, when it wakes.

The group may have given its partitions to another by then.
"""

from __future__ import annotations

from typing import Final

from infra.clock import monotonic
from streams.engine.faults import Exit, die


class Lease:
    """Begins when the group lets us in, and anew with each heartbeat that is answered; it counts from when that was sent."""

    def __init__(self, seconds: float) -> None:
        self.seconds: Final = seconds
        self._begun = monotonic()

    def begin(self, at: float | None = None) -> None:
        """Begin anew, now or as of a moment of the monotonic clock."""
        self._begun = monotonic() if at is None else at

    def silent(self) -> float:
        """Return the seconds since the last heartbeat was sent that was answered."""
        return monotonic() - self._begun

    def check(self) -> None:
        """End the process if the group may have given our partitions away: no heartbeat for a session's length."""
        silent = self.silent()
        if silent > self.seconds:
            die(
                Exit.LEASE,
                f"no heartbeat was answered for {silent:.1f} s; another worker may own our partitions",
            )
