"""What an account's state says at a minute: its `account_scores` rows, and when they will not hold any
more."""

from __future__ import annotations

from bisect import bisect_right
from operator import attrgetter
from typing import Any, Final

from schemas.fact import EARNED, FOLLOW
from streams.measures.account.audience import total
from streams.measures.account.catalogue import ACTIONS, standing_row, window_row
from streams.measures.account.measure import Lately, StandingView, WindowView
from streams.measures.account.person import Person
from streams.measures.account.rhythm import Rhythm
from streams.measures.account.settings import ScoreSettings
from streams.subject import Rows
from streams.subjects.account_journal import Entries, is_kept
from streams.subjects.account_settle import beat, sampled, tell
from streams.subjects.account_state import Account, Settled, observe
from streams.windows.panes import (
    GIVEN,
    KEPT_MINUTES,
    KIND_MASK,
    KLASS_BITS,
    KLASS_MASK,
    MARK_KIND,
    MINUTES_PER_HOUR,
)
from streams.windows.sums import Sums, window_sums

_SILENT: Final = (*((),) * len(window_row(WindowView())), *standing_row(StandingView(now=0)))
"""What is said of the measures where no window holds anything; nobody is shown it."""


def say(
    key: str,
    account: Account,
    settled: Settled,
    found: Entries,
    now: int,
    rows: Rows,
    settings: ScoreSettings,
) -> int:
    """Say the rows of all windows if one changed since they were last said; return when the next will, in minutes.

    `found` is what is still open; `now` and the result are minutes since the epoch.
    """
    minutes, rhythm = account.minutes, settled.rhythm
    if minutes:
        rhythm, minutes = rhythm.copy(), minutes.copy()
        beat(rhythm, account.minutes, _ALL, minutes, 1, settings)
    sums = window_sums(
        minutes,
        settled.hours,
        settled.days,
        now,
        rolled_minute=settled.rolled_minute,
        rolled_hour=settled.rolled_hour,
    )
    said, account.said = account.said, now
    if said and max(sums.as_of) <= said:
        return sums.due
    views = _Views(settled, account, found, rhythm, sums, now, settings)
    cases: list[tuple[Any, ...]] = []
    case: list[int] = []
    latest: WindowView | None = None
    for view in sums.views:
        if view is not None and view is not latest:
            cases.append(views.row(view))
            latest = view
        case.append(len(cases) if view is not None and cases[-1][ACTIONS] else 0)
    measures = (*zip(*cases, strict=True), *views.said_standing) if cases else _SILENT
    as_of = [minute * 60 for minute in sums.as_of]
    rows.add("account_scores", (key, case, as_of, *measures))
    return sums.due


_ALL: Final = 1 << 62


_seen = attrgetter("seen")


class _Views:
    """The rows of one moment."""

    def __init__(
        self,
        settled: Settled,
        account: Account,
        found: Entries,
        rhythm: Rhythm,
        sums: Sums,
        now: int,
        settings: ScoreSettings,
    ) -> None:
        people, posts = settled.people, settled.posts
        if found:
            people, posts = _with_open(people, settled.level, posts, found, settings)
        posts, level = sampled(posts, settled.posts_level)
        audience = settled.audience
        if account.audience:
            audience = {network: seen.copy() for network, seen in audience.items()}
            for network, seen in account.audience.items():
                for at in range(0, len(seen), 3):
                    observe(audience, network, *seen[at : at + 3])
        self.people = sorted(people.values(), key=_seen, reverse=True)
        self.seen = [-person.seen for person in self.people]
        self.scale = 1 << settled.level
        self.found, self.levels, self.open = found, account.levels, now - KEPT_MINUTES
        self.followers = total(audience)
        standing = StandingView(
            now=sums.lately,
            people=self.people,
            scale=self.scale,
            rhythm=rhythm,
            days=sums.days,
            shares=[post[0] for post in posts.values()],
            share_scale=1 << level,
            audience=audience,
            settings=settings,
        )
        self.said_standing = standing_row(standing)

    def row(self, view: WindowView) -> tuple[Any, ...]:
        """Return what the window measures say of a window."""
        view.people = self.people[: bisect_right(self.seen, -view.start)]
        view.scale, view.followers = self.scale, self.followers
        if view.scale > 1 and view.start >= self.open:
            view.lately = _lately(self.found, view.start, self.levels)
        return window_row(view)


def _lately(found: Entries, start: int, levels: dict[int, int]) -> Lately:
    """Count the people of a window that lies within the journal, whose sample is finer than the
    remembered."""
    level = max((level for hour, level in levels.items() if (hour + 1) * MINUTES_PER_HOUR > start), default=0)
    sets: tuple[set[int], ...] = (set(), set(), set(), set())
    for (minute, slot, who, _), times in found.items():
        if minute >= start and times > 0 and is_kept(who, level):
            kind = slot >> KLASS_BITS & KIND_MASK
            if kind not in _NO_ENGAGEMENT:
                sets[(2 if slot >= GIVEN else 0) + (slot & KLASS_MASK != EARNED)].add(who)
    earned, bought, given_earned, given_bought = sets
    counts = (len(earned | bought), len(earned), len(bought))
    return Lately(*counts, len(given_earned | given_bought), len(given_earned), len(given_bought), 1 << level)


_NO_ENGAGEMENT: Final = frozenset({FOLLOW, MARK_KIND})


def _with_open(
    people: dict[int, Person],
    level: int,
    posts: dict[int, list[int]],
    found: Entries,
    settings: ScoreSettings,
) -> tuple[dict[int, Person], dict[int, list[int]]]:
    """Return people and posts as they are with what can still change; the given ones stay as they are."""
    people, posts = people.copy(), posts.copy()
    for _, _, who, _ in found:
        if (person := people.get(who)) is not None:
            people[who] = person.copy()
    tell(people, level, posts, sorted(found.items()), settings)
    return people, posts
