"""What a cascade's state says at a moment: its row, and that it is about to go viral."""

from __future__ import annotations

from typing import Any, Final

from streams.measures.cascade.catalogue import measured
from streams.measures.cascade.seismic import MIN_SHARES, Forecast, forecast
from streams.measures.cascade.view import CascadeView
from streams.subject import HOUR, MINUTE
from streams.subjects.cascade_state import VIRAL_SHARES, Cascade

LOOKS: Final = (0, 5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, 16 * HOUR, 64 * HOUR)
LOOKS_SMALL: Final = (0, 5 * MINUTE, HOUR)
"""How long after the minute of its last share a cascade is looked at, with a forecast and without one."""
AHEAD: Final = 2.0
"""A cascade is about to go viral when its forecast is at least this many times its size."""
BEHIND: Final = 1.25
"""It is so no longer when the forecast is less than this many times its size."""
GROWN: Final = 1.1
"""A rise is looked for each time the cascade has grown by this factor."""

Row = tuple[Any, ...]


def look(state: Cascade, now: int) -> tuple[int, int | None]:
    """Return as of when a settled cascade is described at `now`, and when next, if at all.

    A cascade is looked at in the minute of its last share, and then less and less often: the pace of the last
    minutes falls to nothing, the forecast fades. In between the row holds, as of when it says.
    """
    waits = LOOKS if state.tree.size >= MIN_SHARES else LOOKS_SMALL
    last = (state.last // MINUTE + 1) * MINUTE
    passed = [wait for wait in waits if last + wait <= now]
    rest = waits[len(passed) :]
    return last + (passed[-1] if passed else 0), last + rest[0] if rest else None


def outlook(state: Cascade, kind: str, at: int, final: bool) -> Forecast:
    """Return the forecast as of `at`; what has ended, and a chain of tags, is forecast to stay."""
    size = state.tree.size
    if final or kind == "tag":
        return Forecast(float(size), 0.0, False)
    return forecast(
        size=size,
        elapsed=(at - state.started) / 1000,
        followers=state.author_followers,
        ages=state.tempo.ages(at),
    )


def view(state: Cascade, at: int, coming: Forecast, final: bool) -> CascadeView:
    """Return what measures see of a settled cascade as of `at`."""
    return CascadeView(
        tree=state.tree,
        tempo=state.tempo,
        reach=state.reach,
        incentivised=state.incentivised,
        undisclosed=state.undisclosed,
        author=state.author,
        followers=state.author_followers,
        started=state.started,
        last=state.last,
        at=at,
        final=final,
        coming=coming,
    )


def episode_rows(state: Cascade, root: str, kind: str, at: int, coming: Forecast, final: bool) -> list[Row]:
    """Return the live row of `cascade_episodes`; or the final one, and a live one that is empty."""
    seen = view(state, at, coming, final)
    head = (seen.author, seen.followers, seen.started, state.first, state.last)
    rest = (*measured(seen), bool(state.posts), bool(state.tree.spilled), final, at // 1000)
    if final and seen.size:
        return [(root, kind, state.last, *head, seen.size, *rest), (root, kind, 0, *head, 0, *rest)]
    return [(root, kind, 0, *head, seen.size, *rest)]


def _raised(state: Cascade, at: int, viral: int) -> int | None:
    """Return the end of the first minute up to `at` after which most of a large size was still to come, if any.

    It is looked for in each minute by which the cascade had grown by a tenth since it was last looked for, as the cascade was
    then: a worker on a backlog says what would have been said at the time.
    """
    minutes, size, least, found = state.tempo.minutes, 0, float(VIRAL_SHARES), None
    for number in sorted(minutes):
        size += minutes[number][0]
        end = (number + 1) * MINUTE
        if end > at:
            break
        if size < least:
            continue
        least = size * GROWN
        if end > state.looked_at:
            said = forecast(
                size=size,
                elapsed=(end - state.started) / 1000,
                followers=state.author_followers,
                ages=state.tempo.until(number + 1).ages(end),
            )
            if said.known and (said.size is None or said.size >= max(viral, AHEAD * size)):
                found = end
                break
    state.looked_at = at - MINUTE  # the latest minute may still fill
    return found


def rise_rows(state: Cascade, root: str, kind: str, at: int, coming: Forecast, final: bool, viral: int) -> list[Row]:
    """Return the row of `trends` that says that most of a large size is still to come; once for a cascade. Where it is not,
    and is doubtful, return one that withdraws it: a worker that died may have said it.

    Notes in the state when it was said, and when it was over.
    """
    size = state.tree.size
    ahead = float("inf") if coming.size is None else coming.size
    doubtful, state.doubtful = state.doubtful, 0
    if state.ended_at or kind == "tag":  # of a chain of tags it is never said
        return []
    if not state.raised_at:
        raised = None if size < VIRAL_SHARES else _raised(state, at, viral)
        if raised is None:
            withdrawn = (0, None, 0.0, 0.0, 0.0, size, coming.size, at // 1000)
            return [(f"cascade:{kind}:{root}", "cascade", root, *withdrawn)] if doubtful > 1 else []
        state.raised_at = raised // 1000
    if final or ahead < BEHIND * size:
        state.ended_at = at // 1000
    pace = state.tempo.per_minute(at)
    numbers = (0.0, pace, 0.0, size, coming.size)
    times = (state.raised_at, state.ended_at or None)
    return [(f"cascade:{kind}:{root}", "cascade", root, *times, *numbers, at // 1000)]
