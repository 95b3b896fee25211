"""Scores of accounts, recounted: docs/measures.md and the formulas in the docstrings of the measures.

Where a score keeps sums that fade step by step, in whole thousandths, here each action is weighed at the end by its own age.
Of what is told within a minute, like actions of one person are one: that is the resolution of the product.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import log, sqrt
from statistics import median
from typing import Any, Final

from tests.recount.log import MINUTE
from tests.recount.ties import EFFORT
from tests.simulator.reading import KINDS, Read

HOUR: Final = 60
DAY: Final = 24 * HOUR
WINDOWS: Final = (("5m", 1, 5), ("1h", 1, HOUR), ("24h", HOUR, DAY), ("7d", HOUR, 7 * DAY), ("30d", DAY, 30 * DAY))
"""Name, minutes of a pane, minutes of the window."""
MEMORY: Final = 60
"""Days of silence after which an account, a person or a post is forgotten."""
FOLLOWING: Final = ("follow", "unfollow")
TO_NOBODY: Final = ("post", "checkin", *FOLLOWING)
RECEIVED: Final = [kind for kind in KINDS if kind not in ("post", "checkin", "undo")]
GIVEN: Final = [kind for kind in KINDS if kind != "undo"]
AMPLIFYING: Final = ("share", "quote", "tag")
APPLAUDING: Final = ("like", "share", "quote", "recommend")

Row = dict[str, Any]


@dataclass(frozen=True, order=True)
class Act:
    """What an account received from somebody, or gave to somebody, in a minute. What is received comes first, then by kind."""

    minute: int
    given: bool
    kind: int
    klass: int
    followers: int
    who: str
    times: int

    @property
    def what(self) -> str:
        """Return the kind's name."""
        return KINDS[self.kind]

    @property
    def effort(self) -> float:
        """Return the effort of all of it."""
        return EFFORT[self.what] * self.times


@dataclass
class Account:
    """Everything that happened to an account, in the order of time, since it was last forgotten."""

    events: list[tuple[int, bool, Read, int]] = field(default_factory=list)
    """Minute, whether given, event, how many actions."""

    def windows_sum(self, start: int, given: bool) -> tuple[Counter[str], Counter[str], Counter[str]]:
        """Return counts by kind since a minute: all, incentivised, undisclosed."""
        sums: tuple[Counter[str], Counter[str], Counter[str]] = (Counter(), Counter(), Counter())
        for minute, gave, event, times in self.events:
            if minute >= start and gave == given:
                for least, counts in enumerate(sums):
                    counts[event.kind] += times * (event.klass >= least)
        return sums

    def acts(self) -> list[Act]:
        """Return what passed between the account and others."""
        times: Counter[tuple[Any, ...]] = Counter()
        for minute, given, event, count in self.events:
            kind = KINDS.index(event.kind)
            if given and event.kind != "unfollow":
                times.update((minute, True, kind, event.klass, -1, receiver) for receiver in event.receivers)
            elif not given and event.kind not in FOLLOWING:
                followers = event.said.get("actor_followers")
                unknown = -1 if followers is None else followers
                times[minute, False, kind, event.klass, unknown, event.actor] += count
        return sorted(Act(*key, number) for key, number in times.items())


def accounts(events: Iterable[Read]) -> dict[str, Account]:
    """Return the accounts there are, of each only what is since a silence of 60 days."""
    found: dict[str, Account] = defaultdict(Account)
    for event in events:
        minute = event.time // MINUTE
        if event.given:
            found[event.actor].events.append((minute, True, event, event.given))
        for receiver, times in Counter(event.receivers).items():
            found[receiver].events.append((minute, False, event, times))
    for account in found.values():
        for (one, *_), (two, *_) in pairwise(list(account.events)):
            if two // DAY - one // DAY >= MEMORY:
                account.events = [each for each in account.events if each[0] >= two]
    return found


def scores(events: Iterable[Read], now: int) -> dict[tuple[Any, ...], Row]:
    """Return the rows of `account_scores` at a moment (ms, the end of a minute)."""
    rows: dict[tuple[Any, ...], Row] = {}
    for name, account in accounts(events).items():
        minute = now // MINUTE
        last = max(minute for minute, *_ in account.events)
        lately = max(last + 1, _tick(minute, last))
        standing: Row | None = None
        for window, unit, length in WINDOWS:
            start = -(-minute // unit) * unit - length
            if last < start:
                continue
            if standing is None:
                people = list(_people(account, lately).values())
                standing = _standing(account, people, lately)
            out = max((at for at, *_ in account.events if at < start), default=None)
            left = 0 if out is None else out // unit * unit + length + 1
            row = {"account": name, "window": window, "as_of": max(lately, left) * 60}
            rows[name, window] = row | _window(account, people, start, standing["followers"]) | standing
    return rows


def _tick(now: int, last: int) -> int:
    """Return when scores were last brought up to date: every six hours for two days, then daily."""
    return max(min(now, last + 2 * DAY) // (6 * HOUR) * (6 * HOUR), now // DAY * DAY)


# Windows


def _three(name: str, everything: float | None, bought: float | None) -> Row:
    earned = None if everything is None or bought is None else everything - bought
    return {name: everything, f"{name}_earned": earned, f"{name}_incentivised": bought}


def _ratio(part: float, whole: float | None) -> float | None:
    return part / whole if whole else None


def _window(account: Account, people: Sequence[Person], start: int, followers: int | None) -> Row:
    received, received_bought, received_hidden = account.windows_sum(start, False)
    given, given_bought, given_hidden = account.windows_sum(start, True)
    row: Row = {"actions": received.total() + given.total()}
    for direction, kinds, counts, bought in (
        ("received", RECEIVED, received, received_bought),
        ("given", GIVEN, given, given_bought),
    ):
        for kind in kinds:
            row |= _three(f"{direction}_{kind}", counts[kind], bought[kind])

    def engagement(counts: Counter[str]) -> int:
        return sum(number for kind, number in counts.items() if kind not in TO_NOBODY)

    row |= _three("engagement", engagement(received), engagement(received_bought))
    row["engagement_undisclosed"] = engagement(received_hidden)
    row["net_follows"] = received["follow"] - received["unfollow"]
    row |= _three("given", engagement(given), engagement(given_bought))
    row["given_undisclosed"] = engagement(given_hidden)
    row |= _three(
        "balance",
        engagement(given) - engagement(received),
        engagement(given_bought) - engagement(received_bought),
    )
    for name, kinds in (("amplification", AMPLIFYING), ("conversation", ("reply",)), ("applause", ("like",))):
        all_of, bought_of = (sum(counts[kind] for kind in kinds) for counts in (received, received_bought))
        if name == "amplification":
            row |= _three(name, all_of, bought_of)
        for per, whole in (("per_post", given["post"]), ("per_1k_followers", (followers or 0) / 1000)):
            row |= _three(f"{name}_{per}", _ratio(all_of, whole), _ratio(bought_of, whole))
    promo = sum(
        gave and event.kind == "post" and bool(event.said.get("promo"))
        for minute, gave, event, _ in account.events
        if minute >= start
    )
    row |= {"promo_posts": promo, "self_promotion_ratio": _ratio(promo, given["post"])}
    wrote = given["post"] + given["reply"] + given["quote"] > 0
    return row | _of_people(people, start, wrote, followers or 0)


def _of_people(people: Sequence[Person], start: int, wrote: bool, followers: int) -> Row:
    def count(*which: bool) -> int:
        return sum(which)

    came = [max(person.came) >= start for person in people]
    met = [max(person.met) >= start for person in people]
    row: Row = {"people_error": 0.0, "given_people_error": 0.0}
    for name, each in (("people", "came"), ("given_people", "met")):
        earned, bought = ([getattr(person, each)[klass] >= start for person in people] for klass in (0, 1))
        row |= {f"{name}_earned": count(*earned), f"{name}_incentivised": count(*bought)}
        row[name] = count(*(one or two for one, two in zip(earned, bought, strict=True)))
    returned = count(*(person.returned >= start for person in people))
    row |= {"returned_people": returned, "returned_share": _ratio(returned, sum(met))}
    mutual = count(*(one and two for one, two in zip(came, met, strict=True)))
    row |= {"mutual_people": mutual, "reciprocity": _ratio(mutual, sum(met))}
    asked = count(*(person.asked >= start for person in people))
    cold = count(*(person.cold >= start for person in people))
    row |= {"asked_people": asked, "cold_asked_people": cold, "cold_ask_share": _ratio(cold, asked)}
    row["quid_pro_quo_people"] = count(*(len(person.swaps) >= 3 and max(person.swaps) >= start for person in people))
    repeat = count(*(person.visited >= start for person in people))
    row |= {"repeat_people": repeat, "repeat_share": _ratio(repeat, sum(came))}
    amplified = {klass: [person.amplified[klass] >= start for person in people] for klass in (0, 1)}
    either = [one or two for one, two in zip(*amplified.values(), strict=True)]
    own = followers if wrote or any(either) else 0
    for name, which in (("", either), ("_earned", amplified[0]), ("_incentivised", amplified[1])):
        through = sum(person.followers for person, carried in zip(people, which, strict=True) if carried)
        row[f"potential_reach{name}"] = own + through
    return row


# People

NEVER: Final = -1


@dataclass
class Person:
    """What passed between the account and one other, since the other was last forgotten. Two of a thing: earned, incentivised."""

    acts: list[Act] = field(default_factory=list)
    came: list[int] = field(default_factory=lambda: [NEVER, NEVER])
    met: list[int] = field(default_factory=lambda: [NEVER, NEVER])
    amplified: list[int] = field(default_factory=lambda: [NEVER, NEVER])
    followers: int = 0
    visited: int = NEVER
    returned: int = NEVER
    asked: int = NEVER
    cold: int = NEVER
    swaps: list[int] = field(default_factory=list)
    answers: list[Act] = field(default_factory=list)
    gifts: list[tuple[int, float]] = field(default_factory=list)

    def note(self, act: Act) -> None:
        """Note the next act."""
        before, self.acts = self.acts, [*self.acts, act]
        came = [each.minute for each in before if not each.given]
        met = [each.minute for each in before if each.given and each.what != "follow"]
        known = bool(came) or any(each.given and each.what not in ("mention", "tag", "follow") for each in before)
        bought = int(act.klass > 0)
        asks = act.given and act.what in ("mention", "tag", "follow")
        cold = asks and not known
        if asks:
            self.asked = act.minute
            self.cold = act.minute if cold else self.cold
            if act.what == "follow":
                return
        turned = came if act.given else met
        if act.what in APPLAUDING and turned and act.minute - turned[-1] <= 10:
            self.swaps.append(act.minute)
        if act.given:
            self.met[bought] = act.minute
            share = (1.0, 0.25, 0.0)[act.klass] * (not cold)
            self.gifts.append((act.minute, act.effort * share))
            return
        if met and act.minute - met[-1] <= 7 * DAY:
            self.returned = met[-1]
        if met and act.minute - met[-1] <= DAY and not bought:
            self.answers.append(act)
        if came and act.minute - came[-1] >= HOUR:
            self.visited = came[-1]
        self.came[bought] = act.minute
        if act.what in AMPLIFYING:
            self.amplified[bought] = act.minute
            self.followers = act.followers if act.followers >= 0 else self.followers


def _remembered(minute: int, now: int) -> bool:
    """Tell whether a minute was in the sixty days up to now, today included."""
    return minute // DAY > (now - 1) // DAY - MEMORY


def _people(account: Account, now: int) -> dict[str, Person]:
    """Return the people of an account as of a minute; those of whom nothing was heard for 60 days are strangers."""
    people: dict[str, Person] = {}
    for act in account.acts():
        known = people.get(act.who)
        if known is None or act.minute // DAY - known.acts[-1].minute // DAY >= MEMORY:
            people[act.who] = Person()
        people[act.who].note(act)
    return {who: person for who, person in people.items() if _remembered(person.acts[-1].minute, now)}


# What is remembered


def _recalled(ages: Iterable[tuple[float, float]]) -> float:
    """Return what is left of efforts of these ages (minutes): seven tenths fade by half a day, three by fourteen days."""
    return sum(effort * (0.7 * 0.5 ** (age / (12 * HOUR)) + 0.3 * 0.5 ** (age / (14 * DAY))) for age, effort in ages)


def _weight(effort: float) -> float:
    return 2.0 * effort / (effort + 1.0)


def _points(evidence: float) -> float:
    return 100.0 * min(1.0, log(1.0 + evidence) / log(10_001.0)) if evidence > 0 else 0.0


def _evidence(breadth: float, occasions: float) -> float:
    return sqrt(breadth * min(breadth, occasions))


def _occasions(minutes: Iterable[int], now: int) -> tuple[float, float]:
    """Return how many stretches of three hours there were lately, and what is left of the last."""
    starts: dict[int, int] = {}
    for minute in sorted(minutes):
        starts.setdefault(minute // (3 * HOUR), minute)
    left = [_recalled([(now - start, 1.0)]) for start in starts.values()]
    return sum(left), left[-1] if left else 0.0


def _statement(score: str, names: Sequence[str], levels: Sequence[float]) -> Row:
    row = {score: levels[-1]}
    return row | {
        f"{score}_{name}": two - one for name, (one, two) in zip(names, pairwise([0.0, *levels]), strict=True)
    }


@dataclass
class Day:
    """What an account did and got on a day."""

    acted: int = 0
    engaged: int = 0
    gained: int = 0
    posts: int = 0
    promo: int = 0
    gaps: list[int] = field(default_factory=list)


def _days(account: Account, today: int) -> dict[int, Day]:
    days: dict[int, Day] = defaultdict(Day)
    for minute, given, event, times in account.events:
        day = days[minute // DAY]
        if given:
            day.acted += times
            if event.kind == "post":
                day.posts += 1
                day.promo += bool(event.said.get("promo"))
        elif event.kind == "follow":
            day.gained += times * (event.klass != 1)
        elif event.kind == "unfollow":
            day.gained -= times
        else:
            day.engaged += times
    own = sorted({minute for minute, given, *_ in account.events if given})
    for one, two in pairwise(own):
        days[two // DAY].gaps.append(two - one)
    return {number: day for number, day in days.items() if number > today - MEMORY}


def _standing(account: Account, people: Sequence[Person], now: int) -> Row:
    today = (now - 1) // DAY
    days = _days(account, today)
    jumps = list(_jumps(days, today))
    largest = max(jumps, key=lambda jump: (jump[-1], jump[2]), default=None)
    first = min(minute for minute, *_ in account.events)
    row = _influence(account, people, now, any(bought for *_, bought in jumps)) | _outreach(account, people, now, days)
    row |= _audience(account, now) | _h_index(account, now)
    row |= {"first_seen": first * 60, "tenure_days": (now - first) // DAY}
    row["bought_followers"] = sum(gained for _, gained, *_, bought in jumps if bought)
    names = ("follower_jump_day", "follower_jump", "follower_jump_z", "follower_jump_engagement_z")
    row |= dict(zip(names, (None, 0, None, None) if largest is None else largest[:-1], strict=True))
    for length in (30, 60):
        active = {number: day for number, day in sorted(days.items()) if day.acted and number > today - length}
        row[f"active_day_share_{length}d"] = len(active) / length
        row[f"longest_gap_days_{length}d"] = max((b - a - 1 for a, b in pairwise([*active, today + 1])), default=0)
        row[f"burstiness_{length}d"] = _burstiness([gap for day in active.values() for gap in day.gaps])
    return row


def _influence(account: Account, people: Sequence[Person], now: int, jumped: bool) -> Row:
    earned_at = [
        minute
        for minute, given, event, _ in account.events
        if not given and event.klass == 0 and event.kind not in FOLLOWING
    ]
    occasions, latest = _occasions(earned_at, now)
    unasked = wanted = breadth = 0.0
    for person in people:
        got = [act for act in person.acts if not act.given]
        earned, bought = (_recalled((now - act.minute, act.effort) for act in got if act.klass == k) for k in (0, 1))
        less = earned - 0.5 * _recalled((now - act.minute, act.effort) for act in person.answers)
        unasked += _weight(earned)
        wanted += _weight(less)
        breadth += _weight(less + 0.25 * bought)
    found = _evidence(breadth, occasions)
    score = _points(found - 2.0)
    levels = [
        *(_points(_evidence(each, latest)) for each in (unasked, wanted, breadth)),
        *(_points(found), score, score * (0.8 if jumped else 1.0)),
    ]
    if not earned_at:
        levels = [0.0] * 6
    names = ("people", "answers", "incentivised", "consistency", "doubt", "follower_jump")
    return _statement("influence", names, levels) | {"influence_evidence": found}


def _outreach(account: Account, people: Sequence[Person], now: int, days: dict[int, Day]) -> Row:
    gave_at = [minute for minute, given, event, _ in account.events if given and event.kind not in TO_NOBODY]
    occasions, latest = _occasions(gave_at, now)
    breadth = sum(_weight(_recalled((now - minute, effort) for minute, effort in person.gifts)) for person in people)
    late = [day for number, day in days.items() if number > (now - 1) // DAY - 30]
    posts, promo = sum(day.posts for day in late), sum(day.promo for day in late)
    excess = max(promo / posts - 0.2, 0.0) if posts else 0.0
    found = _points(_evidence(breadth, occasions))
    levels = (_points(_evidence(breadth, latest)), found, found * (1.0 - excess))
    return _statement("outreach", ("people", "consistency", "self_promotion"), levels)


def _audience(account: Account, now: int) -> Row:
    """Return followers as last said, by network, of each day the last."""
    seen: dict[str, dict[int, tuple[int, int, int]]] = defaultdict(dict)
    for _, given, event, _ in account.events:
        followers, following = event.said.get("actor_followers"), event.said.get("actor_following")
        if given and followers is not None:
            day = event.time // (DAY * MINUTE)
            said = (event.time, followers, -1 if following is None else following)
            by_day = seen[event.said.get("network") or ""]
            by_day[day] = max(by_day.get(day, said), said)
    last = {network: max(by_day.values()) for network, by_day in seen.items()}
    known = [following for *_, following in last.values() if following >= 0]
    row: Row = {
        "followers": sum(followers for _, followers, _ in last.values()) if last else None,
        "following": sum(known) if known else None,
        "followers_by_network": {network: followers for network, (_, followers, _) in last.items()},
    }
    for length in (1, 7, 30):
        then = (now - length * DAY) * MINUTE
        before = {network: [each for each in days.values() if each[0] < then] for network, days in seen.items()}
        changes = [last[network][1] - max(said)[1] for network, said in before.items() if said]
        row[f"followers_change_{length}d"] = sum(changes) if changes else None
    return row


def _h_index(account: Account, now: int) -> Row:
    posts: dict[str, list[int]] = defaultdict(list)
    for minute, given, event, times in account.events:
        if not given and event.kind in ("share", "quote") and (post := passed_on(event)):
            if posts[post] and minute // DAY - posts[post][-1] // DAY >= MEMORY:
                del posts[post]
            posts[post] += [minute] * times
    shares = sorted((len(at) for at in posts.values() if _remembered(at[-1], now)), reverse=True)
    return {
        "h_index": sum(number >= place for place, number in enumerate(shares, 1)),
        "shared_posts": len(shares),
    }


def passed_on(event: Read) -> str:
    """Return the post that a share passes on: its object, unless that is a post of its own."""
    own, parent = event.said.get("object") or "", event.said.get("parent") or ""
    root = event.said.get("root") or own
    return own if own and own in (root, parent) else parent or root


def _jumps(days: dict[int, Day], today: int) -> Iterator[tuple[int, int, float, float, bool]]:
    """Yield day (epoch seconds), gain, z, z of engagement, and whether it looks bought."""
    first = min(days, default=today)
    line = [days.get(number, Day()) for number in range(first, today + 1)]
    for at, day in enumerate(line):
        before = line[:at]
        z = _robust_z(day.gained, [each.gained for each in before])
        if first + at <= today - 30 or day.gained < 100 or z <= 6:
            continue
        engaged = max(each.engaged for each in line[at : at + 2])
        engagement_z = _robust_z(engaged, [each.engaged for each in before])
        follows, engagement = sum(max(each.gained, 0) for each in before), sum(each.engaged for each in before)
        per_follower = engagement / max(follows, 1)
        falling = engaged / day.gained < (max(per_follower, 1 / max(follows, 1)) / 2 if before else 1)
        yield (first + at) * 86_400, day.gained, z, engagement_z, engagement_z <= 3 and falling


def _robust_z(value: int, sample: Sequence[int]) -> float:
    middle = median(sample) if sample else 0.0
    spread = median(abs(number - middle) for number in sample) if sample else 0.0
    return (value - middle) / max(1.4826 * spread, sqrt(max(middle, 1.0)))


def _burstiness(gaps: Sequence[int]) -> float | None:
    n = len(gaps)
    if n < 2:
        return None
    mean = sum(gaps) / n
    r = sqrt(sum((gap - mean) ** 2 for gap in gaps) / n) / mean
    return (sqrt(n + 1) * r - sqrt(n - 1)) / ((sqrt(n + 1) - 2) * r + sqrt(n - 1))
