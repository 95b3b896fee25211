"""The past of an account: what people and rhythm are told in the order of event time, and what is
forgotten."""

from __future__ import annotations

from itertools import chain
from typing import Final

from schemas.fact import CHECKIN, EARNED, FOLLOW, POST, UNFOLLOW
from streams.measures.account.person import Person
from streams.measures.account.rhythm import ACTED, ENGAGED, FORGOTTEN_AFTER, GAVE, Rhythm
from streams.measures.account.settings import ScoreSettings
from streams.subject import HOURS_PER_DAY, MINUTE, MINUTES_PER_DAY, MINUTES_PER_HOUR
from streams.subjects.account_journal import HASH_BITS, POSTS, Entries, is_kept, level_for, told
from streams.subjects.account_state import Account, People, Posts, Settled, observe_all, settled_bytes
from streams.windows.panes import (
    GAP_SQUARES,
    GAP_SUM,
    GAPS,
    GIVEN,
    KEPT_DAYS,
    KEPT_HOURS,
    KEPT_MINUTES,
    KIND_MASK,
    KLASS_BITS,
    KLASS_MASK,
    MARK_KIND,
    SLOT_BITS,
    SLOT_MASK,
    Panes,
    add,
    drop,
    roll,
)


def tell(people: People, level: int, posts: Posts, found: Entries, settings: ScoreSettings) -> None:
    """Tell posts, and people sampled at `level`, what happened."""
    beyond = HASH_BITS - level
    for minute, slot, who, times, followers in chain.from_iterable(told(found)):
        if times <= 0:  # taken back before it came
            continue
        kind = slot >> KLASS_BITS & KIND_MASK
        if kind == MARK_KIND:
            post = posts.get(who)
            if post is None or minute // MINUTES_PER_DAY - post[1] // MINUTES_PER_DAY >= FORGOTTEN_AFTER:
                posts[who] = [times, minute]
            else:
                posts[who] = [post[0] + times, minute]
            continue
        if who >> beyond:
            continue
        person = people.get(who)
        if person is None or minute // MINUTES_PER_DAY - person.seen // MINUTES_PER_DAY >= FORGOTTEN_AFTER:
            person = people[who] = Person()
        if slot < GIVEN:
            person.receive(minute, kind, slot & KLASS_MASK, times, followers, settings)
        else:
            person.give(minute, kind, slot & KLASS_MASK, times, settings)


def beat(rhythm: Rhythm, minutes: Panes, before: int, marks: Panes, unit: int, settings: ScoreSettings) -> None:
    """Tell `rhythm` of the minutes older than `before`, and add the gaps they end to `marks`, panes of
    `unit`."""
    beats: dict[int, int] = {}
    limit = before << SLOT_BITS
    for key, number in minutes.items():
        if number > 0 and key < limit:
            minute = key >> SLOT_BITS
            beats[minute] = beats.get(minute, 0) | _BEAT[key & SLOT_MASK]
    for minute, gap in rhythm.beat(beats, settings):
        pane = minute // unit << SLOT_BITS
        add(marks, pane | GAPS, 1)
        add(marks, pane | GAP_SUM, gap)
        add(marks, pane | GAP_SQUARES, gap * gap)


def closed(now: int, floor: int) -> int:
    """Return before which minute everything can be settled: it is older than `floor`, and no window needs it apart."""
    # Whole hours, because an hour of the journal is sampled as one.
    return min(floor, now - KEPT_MINUTES) // MINUTES_PER_HOUR * MINUTES_PER_HOUR


def settle(
    account: Account, settled: Settled, found: Entries, past: int, now: int, floor: int, settings: ScoreSettings
) -> Entries:
    """Settle what is closed as of minute `now`, the first `past` entries among it; return those that are left open.

    They are to be kept (`keep`): the journal still holds what was settled.
    """
    before = closed(now, floor)
    hour = min(floor // MINUTES_PER_HOUR, -(-now // MINUTES_PER_HOUR) - KEPT_HOURS)
    day = now // MINUTES_PER_DAY - KEPT_DAYS  # a row may speak for the last midnight, and for the sixty days before it
    limit = before << SLOT_BITS
    if not (
        past
        or (account.minutes and min(account.minutes) < limit)
        or (settled.hours and min(settled.hours) < hour << SLOT_BITS)
        or (settled.days and min(settled.days) < day << SLOT_BITS)
    ):
        return found
    if past:
        tell(settled.people, settled.level, settled.posts, found[:past], settings)
        first = int(found["minute"][0])
        settled.oldest = min(settled.oldest or first, first)
        found = found[past:]
        if account.levels:
            still_open = before // MINUTES_PER_HOUR
            account.levels = {hour: level for hour, level in account.levels.items() if hour >= still_open}
    beat(settled.rhythm, account.minutes, before, settled.hours, MINUTES_PER_HOUR, settings)
    newest = roll(account.minutes, settled.hours, MINUTES_PER_HOUR, before)
    settled.rolled_minute = max(settled.rolled_minute, newest)
    newest = roll(settled.hours, settled.days, HOURS_PER_DAY, hour)
    settled.rolled_hour = max(settled.rolled_hour, newest)
    if settled.days:
        drop(settled.days, day)
    old = (before // MINUTES_PER_DAY - FORGOTTEN_AFTER) * MINUTES_PER_DAY
    if settled.oldest and settled.oldest < old:
        _forget(settled, old)
    settled.posts, settled.posts_level = sampled(settled.posts, settled.posts_level)
    observe_all(settled.audience, account.audience)
    for seen in settled.audience.values():
        while len(seen) > 3 and seen[3] < old * MINUTE:
            del seen[:3]
    account.audience = {}
    begin_anew(settled, settled.rhythm)
    account.settled = settled_bytes(settled)
    return found


def begin_anew(settled: Settled, rhythm: Rhythm) -> None:
    """Forget what was before `rhythm` began anew, if it did: nobody may have looked in between and released the account."""
    if not rhythm.anew:
        return
    settled.audience = since(settled.audience, rhythm.anew)
    if settled.oldest and settled.oldest < rhythm.anew:
        _forget(settled, rhythm.anew)


def _forget(settled: Settled, before: int) -> None:
    """Forget people and posts of whom nothing was heard since minute `before`."""
    settled.people = {who: person for who, person in settled.people.items() if person.seen >= before}
    settled.posts = {post: shared for post, shared in settled.posts.items() if shared[1] >= before}
    heard = [person.seen for person in settled.people.values()] + [shared[1] for shared in settled.posts.values()]
    settled.oldest = min(heard, default=0)


def sampled(posts: Posts, level: int) -> tuple[Posts, int]:
    """Return at most POSTS posts, and the level of the sample they are."""
    if len(posts) > POSTS:
        level = level_for(posts, POSTS, level)
    return ({post: shared for post, shared in posts.items() if is_kept(post, level)} if level else posts), level


def since(audience: dict[str, list[int]], minute: int) -> dict[str, list[int]]:
    """Return what was seen of the followers from `minute` on."""
    kept = {
        network: [
            number for at in range(0, len(seen), 3) if seen[at] >= minute * MINUTE for number in seen[at : at + 3]
        ]
        for network, seen in audience.items()
    }
    return {network: seen for network, seen in kept.items() if seen}


def _beats() -> list[int]:
    table = [0] * (SLOT_MASK + 1)
    for slot in range(SLOT_MASK + 1):
        kind, klass = slot >> KLASS_BITS & KIND_MASK, slot & KLASS_MASK
        if kind == MARK_KIND:
            continue
        if slot < GIVEN:
            table[slot] = ENGAGED if klass == EARNED and kind not in (FOLLOW, UNFOLLOW) else 0
        else:
            table[slot] = ACTED | (0 if kind in (POST, CHECKIN, FOLLOW, UNFOLLOW) else GAVE)
    return table


_BEAT: Final = _beats()
"""By slot: what happened in a minute that has one of it."""
