"""When to ask again for something to have become final."""

from __future__ import annotations

from typing import Final

from streams.subject import HOUR, MINUTE, Now

MOST: Final = 2 * HOUR
AGAIN: Final = 15 * MINUTE


def wait(now: Now, instant: int) -> int:
    """Return when to ask whether the floor has passed `instant`, all in ms.

    How far the floor is behind is known only as it is now: with a partition that catches up it may soon be
    far less. So once the instant has passed, ask every quarter of an hour at least.

    >>> wait(Now(time=10 * HOUR, floor=9 * HOUR), 12 * HOUR) // HOUR
    13
    >>> wait(Now(time=10 * HOUR, floor=9 * HOUR), 10 * HOUR - MINUTE) - 10 * HOUR == AGAIN
    True
    """
    if instant > now.time:
        return instant + min(now.time - now.floor, MOST)
    return now.time + min(max(instant - now.floor, MINUTE), AGAIN)
