"""What states of accounts say at a minute: their `account_scores` rows, and when they will not hold any more.

Accounts are looked at together, in columns: of thousands that have a handful of events each, next to nothing is done
for one alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Final

import numpy as np

from schemas.fact import EARNED, FOLLOW
from schemas.rows.columns import Columns, cells
from streams.measures.account.audience import total
from streams.measures.account.catalogue import ACTIONS, LAYOUT, standing_columns, window_columns
from streams.measures.account.columns import Flags, Ints, bounds_of, ints, spread, within
from streams.measures.account.rhythm import FORGOTTEN_AFTER, Rhythm
from streams.measures.account.settings import ScoreSettings
from streams.measures.account.views import (
    Audience,
    Days,
    Lately,
    People,
    StandingViews,
    WindowViews,
    account,
    rhythms_of,
)
from streams.runs import runs
from streams.subject import MINUTES_PER_DAY, MINUTES_PER_HOUR, Rows
from streams.subjects.account_journal import Entries, are_kept
from streams.subjects.account_open import Look, Open
from streams.subjects.account_settle import beat, begin_anew, sampled, since
from streams.subjects.account_state import Posts, observe_all
from streams.windows.panes import GIVEN, KEPT_MINUTES, KIND_MASK, KLASS_BITS, KLASS_MASK, MARK_KIND, Panes
from streams.windows.sums import Held, Sums, changes, day_sums, different, hold, pick, window_sums

TOGETHER: Final = 20_000
"""People at most that are looked at together, unless one account has more: what bounds the memory."""


def say(looks: Sequence[Look], now: int, rows: Rows, past: Open, settings: ScoreSettings) -> list[int]:
    """Say the row of each account of which a window changed since it was last said; return when the next will.

    `now` and the result are minutes since the epoch, 0 for never.
    """
    rhythms, minutes = _beaten(looks, settings)
    for look, rhythm in zip(looks, rhythms, strict=True):
        if rhythm.anew != look.settled.rhythm.anew:
            begin_anew(look.settled, rhythm)
    held = hold(minutes, [look.settled.hours for look in looks], [look.settled.days for look in looks], now)
    count = len(looks)
    changed = changes(
        held,
        now,
        rolled_minute=ints((look.settled.rolled_minute for look in looks), count),
        rolled_hour=ints((look.settled.rolled_hour for look in looks), count),
    )
    said = ints((look.account.said for look in looks), count)
    for look in looks:
        look.account.said = now
    news = np.flatnonzero((said == 0) | (changed.as_of.max(axis=1) > said))
    windows = different(held)[news]
    as_of = changed.as_of * 60
    if len(silent := news[windows == 0]):
        rows.columns.append(_silent([looks[at].key for at in silent.tolist()], as_of[silent]))

    def people(at: int) -> int:
        return len(looks[at].settled.people) + len(looks[at].found)

    for some in runs(news[windows > 0].tolist(), people, TOGETHER):
        together = _Together([looks[at] for at in some], [rhythms[at] for at in some], now, past, settings)
        chosen = np.array(some)
        rows.columns.append(together.columns(pick(held, chosen), as_of[chosen], changed.lately[chosen]))
    due: list[int] = changed.due.tolist()
    return due


_ALL: Final = 1 << 40


def _beaten(looks: Sequence[Look], settings: ScoreSettings) -> tuple[list[Rhythm], list[Panes]]:
    """Return rhythms and minutes of accounts as they are when the minutes that are still open are told as well."""
    rhythms, several = [], []
    for look in looks:
        minutes, rhythm = look.account.minutes, look.settled.rhythm
        if minutes:
            rhythm, minutes = rhythm.copy(), minutes.copy()
            beat(rhythm, look.account.minutes, _ALL, minutes, 1, settings)
        rhythms.append(rhythm)
        several.append(minutes)
    return rhythms, several


class _Together:
    """Accounts whose rows are worked out together."""

    def __init__(
        self, looks: Sequence[Look], rhythms: Sequence[Rhythm], now: int, past: Open, settings: ScoreSettings
    ) -> None:
        self.looks, self.rhythms, self.now, self.settings = looks, rhythms, now, settings
        self.told = past.told(looks, settings)
        self.scale = ints((1 << look.settled.level for look in looks), len(looks))
        self.bounds = bounds_of(self.told.sizes, len(looks))
        self.audience = [_audience(look, rhythm) for look, rhythm in zip(looks, rhythms, strict=True)]

    def columns(self, held: Held, as_of: Ints, lately: Ints) -> Columns:
        """Return their rows; every account has a window that is not empty."""
        sums = window_sums(held)
        windows = window_columns(self._windows(sums))
        standing = standing_columns(self._standing(held, lately))
        # By account and window, which case it shows; none where all that happened was taken back.
        counts = sums.shown.max(axis=1)
        firsts = np.cumsum(counts) - counts
        actions = np.asarray(windows[ACTIONS])[np.maximum(sums.shown - 1, 0) + firsts[:, None]]
        cases = np.where(actions > 0, sums.shown, 0)
        keys = [look.key for look in self.looks]
        return Columns(LAYOUT, counts, [keys, cases, as_of, *windows, *standing])

    def _windows(self, sums: Sums) -> WindowViews:
        whose = sums.whose
        sizes = (self.bounds[1:] - self.bounds[:-1])[whose]
        bounds = bounds_of(sizes, len(whose))
        view = spread(bounds)
        people = np.arange(bounds[-1]) + (self.bounds[whose] - bounds[:-1])[view]
        followers = ints(map(total, self.audience), len(self.audience))
        return WindowViews(
            *sums.received,
            *sums.given,
            promo=sums.promo,
            start=sums.start,
            scale=self.scale[whose],
            followers=followers[whose],
            people=People(*self.told.people[:, people]),
            whose=view,
            since=sums.start[view],
            lately=self._lately(sums),
        )

    def _lately(self, sums: Sums) -> dict[int, Lately]:
        """Return the people of windows that lie within a journal that is sampled more finely than the remembered."""
        finer = (self.scale[sums.whose] > 1) & (sums.start >= self.now - KEPT_MINUTES)
        found = {}
        for view in np.flatnonzero(finer).tolist():
            look = self.looks[sums.whose[view]]
            found[view] = _lately(look.found, int(sums.start[view]), look.account.levels)
        return found

    def _standing(self, held: Held, lately: Ints) -> StandingViews:
        # What was forgotten by then is left out, whenever it was or will be taken out of the state.
        known_from = (lately - 1) // MINUTES_PER_DAY - FORGOTTEN_AFTER + 1
        table, bounds = self.told.people, self.bounds
        known = People(*table).seen // MINUTES_PER_DAY >= known_from[spread(bounds)]
        if not known.all():
            table, bounds = table[:, known], within(known, bounds)
        days, day_of = day_sums(held)
        kept = days.number >= known_from[day_of]
        posts = [
            sampled(_since(some, day) if some else some, look.settled.posts_level)
            for some, day, look in zip(self.told.posts, known_from.tolist(), self.looks, strict=True)
        ]
        return StandingViews(
            now=lately,
            people=People(*table),
            bounds=bounds,
            whose=spread(bounds),
            scale=self.scale,
            rhythm=rhythms_of(self.rhythms),
            days=Days(*(getattr(days, each.name)[kept] for each in fields(Days))),
            day_of=day_of[kept],
            shares=[[post[0] for post in some.values()] if some else () for some, _ in posts],
            share_scale=[1 << level for _, level in posts],
            audience=self.audience,
            settings=self.settings,
        )


_NOTHING: Final = [cells(column)[0] for column in standing_columns(account(now=0))]
"""Values of the standing measures where no window holds anything; nobody is shown them."""


def _silent(keys: Sequence[str], as_of: Ints) -> Columns:
    """Return rows of accounts whose windows hold nothing."""
    count = len(keys)
    standing = [[value] * count for value in _NOTHING]
    windows = [()] * sum(LAYOUT.cased)
    return Columns(LAYOUT, np.zeros(count, np.int64), [keys, np.zeros_like(as_of), as_of, *windows, *standing])


def _since(posts: Posts, day: int) -> Posts:
    """Return the posts that were shared on a day or later."""
    return {post: shared for post, shared in posts.items() if shared[1] // MINUTES_PER_DAY >= day}


def _audience(look: Look, rhythm: Rhythm) -> Audience:
    """Return what was seen of the followers, with what was since somebody looked."""
    audience = look.settled.audience
    if look.account.audience:
        audience = {network: seen.copy() for network, seen in audience.items()}
        observe_all(audience, look.account.audience)
    return since(audience, rhythm.anew) if rhythm.anew else audience


def _lately(found: Entries, start: int, levels: dict[int, int]) -> Lately:
    """Count the people of a window that lies within the journal, whose sample is finer than the
    remembered."""
    level = max((level for hour, level in levels.items() if (hour + 1) * MINUTES_PER_HOUR > start), default=0)
    found = found[(found["minute"] >= start) & (found["times"] > 0) & are_kept(found["who"], level)]
    slot = found["slot"]
    engages = ~np.isin(slot >> KLASS_BITS & KIND_MASK, _NO_ENGAGEMENT)
    received, earned = slot < GIVEN, slot & KLASS_MASK == EARNED

    def people(chosen: Flags) -> int:
        return len(np.unique(found["who"][engages & chosen]))

    return Lately(
        engaged=people(received),
        earned=people(received & earned),
        bought=people(received & ~earned),
        given=people(~received),
        given_earned=people(~received & earned),
        given_bought=people(~received & ~earned),
        scale=1 << level,
    )


_NO_ENGAGEMENT: Final = (FOLLOW, MARK_KIND)
