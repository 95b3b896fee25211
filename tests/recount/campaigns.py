"""Campaigns, recounted: docs/campaigns.md, rule by rule, from all that happened while one ran."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from tests.recount.log import DAY, MINUTE
from tests.recount.mayors import titles
from tests.simulator.reading import DISCLOSING, Read

Rows = dict[tuple[Any, ...], dict[str, Any]]
TAKES: Final = {
    "contest": "post",
    "mayor": "checkin",
    "post_with_media": "post",
    "referral": "referral",
    "tag_chain": "tag",
}


def tags_of(event: Read) -> set[str]:
    """Return its hashtags without sign and case, listed or in its text."""
    listed = event.said.get("hashtags")
    found = re.findall(r"(?:^|\s)#(\w+)", event.said.get("text") or "") if listed is None else listed
    return {tag.lstrip("#").casefold() for tag in found}


def qualifies(rule: Any, event: Read) -> bool:
    """Tell whether an event counts in a campaign."""
    said = event.said
    followers = said.get("actor_followers")
    if not event.given:  # on oneself
        return False
    if not rule.start <= event.time < rule.end or event.kind != TAKES.get(rule.kind, event.kind):
        return False
    if rule.kind == "threshold" and (event.kind == "unfollow" or followers is None or followers < rule.followers):
        return False
    if rule.kind in ("referral", "tag_chain") and not event.receivers:
        return False
    named = (
        bool(tags_of(event) & set(rule.hashtags))
        if rule.hashtags
        else bool(rule.venues) or said.get("campaign") == rule.id
    )
    if rule.kind == "tag_chain" and rule.memes:
        named = (said.get("root") or said.get("object")) in rule.memes or (bool(rule.hashtags) and named)
    venue, lang = said.get("venue") or "", (said.get("lang") or "").casefold()
    return (
        named
        and (not rule.venues or (venue != "" and ("*" in rule.venues or venue in rule.venues)))
        and (not rule.networks or (said.get("network") or "") in rule.networks)
        and (not rule.media or bool(set(rule.media) & set(said.get("media") or [])))
        and (not rule.languages or any(lang == one or lang.startswith(f"{one}-") for one in rule.languages))
        and (rule.min_followers is None or (followers is not None and followers >= rule.min_followers))
    )


def disclosed(event: Read) -> bool:
    """Tell whether an entry says what it was made for, where the rules ask for nothing special."""
    return bool(event.said.get("disclosed")) or bool(tags_of(event) & DISCLOSING)


class Campaign:
    """What there is to say of one campaign at a moment."""

    def __init__(self, rule: Any, events: Iterable[Read], now: int) -> None:
        """Take the accepted events, in the order of time."""
        self.rule = rule
        self.now = now
        self.all = list(events)
        self.taken = [event for event in self.all if qualifies(rule, event)]

    def entries(self) -> Rows:
        """Return the rows of `campaign_entries`."""
        found: Rows = {}
        for event in self.taken:
            unit = event.said.get("object") or event.id
            if event.kind in ("referral", "tag", "checkin") and self.rule.kind != "threshold":
                unit = {"referral": event.actor, "tag": " ".join(event.receivers)}.get(
                    event.kind, event.said.get("venue")
                )
            row = {"unit": unit, "actor": event.actor, "disclosed": disclosed(event), "stands": True}
            found[self.rule.id, self._entrant(event), event.time, event.id] = row
        return found

    def _entrant(self, event: Read) -> str:
        return event.receivers[0] if self.rule.kind == "referral" else event.actor

    def points(self) -> Rows:
        """Return the rows of `campaign_points` that are shown."""
        if self.rule.kind == "mayor":
            return self._points_of_mayors()
        found: Rows = {}
        for account, entries in self._by_entrant().items():
            said = sum(map(disclosed, entries))
            times = self._scoring(entries)
            row = {"points": len(times), "reached": times[-1] if times else None, "title": False}
            found[self.rule.id, account, ""] = row | {"disclosed": said, "undisclosed": len(entries) - said}
        for member, (sponsor, at, counts) in self._links().items():
            if counts:
                row = {"points": 1, "reached": at, "title": False, "disclosed": 0, "undisclosed": 0}
                found[self.rule.id, sponsor, member] = row
        for (_, account, _), row in found.items():
            row["disqualified"] = self.rule.disqualified.get(account, "")
        return found

    def _by_entrant(self) -> dict[str, list[Read]]:
        found: dict[str, list[Read]] = defaultdict(list)
        for event in self.taken:
            found[self._entrant(event)].append(event)
        return found

    def _scoring(self, entries: Sequence[Read]) -> list[int]:
        """Return when one account's points came."""
        caps = self.rule.caps
        if self.rule.kind == "contest":
            seen: set[str] = set()
            days: Counter[int] = Counter()
            found: list[int] = []
            for event in entries:
                unit, day = event.said.get("object") or event.id, event.time // DAY
                fresh = unit not in seen
                seen.add(unit)
                if fresh and days[day] < (caps.per_account_day or 10**9) and len(found) < (caps.per_account or 10**9):
                    days[day] += 1
                    found.append(event.time)
            return found
        if self.rule.kind in ("threshold", "post_with_media"):
            firsts: dict[str, int] = {}
            for event in entries:
                firsts.setdefault(self._period(event.time), event.time)
            return sorted(firsts.values())[: caps.per_account]
        return []

    def _period(self, time: int) -> str:
        date = datetime.fromtimestamp(time // 1000, UTC).date()
        formats = {"campaign": "", "month": "%Y-%m", "week": "%G-W%V", "day": "%Y-%m-%d"}
        return date.strftime(formats[getattr(self.rule, "period", "campaign")])

    def _links(self) -> dict[str, tuple[str, int, bool]]:
        """Return for each member who brought it in first, when, and whether that counts."""
        if self.rule.kind not in ("referral", "tag_chain"):
            return {}
        bringing = sorted(self._bringing())
        found: dict[str, tuple[str, int, bool]] = {}
        for at, sponsor, member in bringing:
            before = any(time <= at and other == member for time, other, _ in bringing)
            found.setdefault(member, (sponsor, at, not before))
        return found

    def _bringing(self) -> Iterator[tuple[int, str, str]]:
        for event in self.taken:
            if event.kind == "referral":
                yield event.time, event.receivers[0], event.actor
            else:
                yield from ((event.time, event.actor, member) for member in event.receivers)

    def links(self) -> Rows:
        """Return the rows of `campaign_links`."""
        names = ("sponsor", "at", "counts")
        return {(self.rule.id, member): dict(zip(names, link, strict=True)) for member, link in self._links().items()}

    def trees(self) -> Rows:
        """Return the row of `campaign_trees`, if it is shown."""
        if not (links := self._links()):
            return {}
        counted = {member: sponsor for member, (sponsor, _, counts) in links.items() if counts}

        def depth(account: str) -> int:
            return 1 + depth(counted[account]) if account in counted else 0

        levels = Counter(map(depth, counted))
        followers: dict[str, int] = {}
        for event in self.taken:
            if said := event.said.get("actor_followers"):
                followers.setdefault(event.actor, said)
        row = {
            "members": len(counted),
            "roots": len({sponsor for _, sponsor, _ in self._bringing()} - counted.keys()),
            "depth": max(levels, default=0),
            "breadth": max(levels.values(), default=0),
            "reach": sum(followers.values()),
            "refused": len(links) - len(counted),
            "partial": False,
        }
        return {(self.rule.id,): row}

    # Mayors

    def _titles(self) -> dict[str, list[tuple[str, int, int, int | None]]]:
        visits: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for event in self.taken:
            visits[event.said["venue"]].append((event.time, event.actor))
        about = {"window": self.rule.window_days, "least": self.rule.min_days}
        return {venue: titles(those, min(self.now, self.rule.end - 1), **about) for venue, those in visits.items()}

    def _points_of_mayors(self) -> Rows:
        day = min(self.now, self.rule.end - 1) // DAY
        firsts: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
        for event in self.taken:
            if event.time // DAY > day - self.rule.window_days:
                firsts[event.actor, event.said["venue"]].setdefault(event.time // DAY, event.time)
        holders = {(some[-1][0], venue) for venue, some in self._titles().items() if some and some[-1][3] is None}
        return {
            (self.rule.id, account, venue): {
                "points": len(days),
                "reached": days[max(days)],
                "title": (account, venue) in holders,
                "disqualified": self.rule.disqualified.get(account, ""),
            }
            for (account, venue), days in firsts.items()
        }

    # When it is over

    def rewards(self) -> set[tuple[str, str, int, str]]:
        """Return campaign, account, when it was earned and what for, of the rewards that stand."""
        won = [each for each in self._won() if each[0] not in self.rule.disqualified]
        return {(self.rule.id, *each) for each in won}

    def _won(self) -> list[tuple[str, int, str]]:
        rule, caps = self.rule, self.rule.caps
        if rule.kind == "mayor":
            return [(title[0], title[2], venue) for venue, some in self._titles().items() for title in some]
        if rule.kind == "contest":
            ranks = []
            for account, entries in self._by_entrant().items():
                if (times := self._scoring(entries)) and account not in rule.disqualified:
                    ranks.append((-len(times), times[-1], account))
            places = enumerate(sorted(ranks)[: rule.winners], 1)
            return [(account, rule.end, str(place)) for place, (_, _, account) in places]
        links = sorted((at, sponsor, member) for member, (sponsor, at, counts) in self._links().items() if counts)
        if rule.kind == "tag_chain":
            brought: dict[str, list[int]] = defaultdict(list)
            for at, sponsor, _ in links:
                brought[sponsor].append(at)
            enough = rule.tagged or 10**9
            return [(sponsor, times[enough - 1], "") for sponsor, times in brought.items() if len(times) >= enough]
        claims = links
        if rule.kind != "referral":
            claims = sorted((event.time, event.actor, self._period(event.time)) for event in self.taken)
        given: list[tuple[str, int, str]] = []
        for at, account, which in claims:
            mine = [each for each in given if each[0] == account]
            today = [each for each in given if each[1] // DAY == at // DAY]
            limits = (
                (len(given), caps.total),
                (len(today), caps.per_day),
                (len(mine), caps.per_account),
                (sum(each[0] == account for each in today), caps.per_account_day),
            )
            if which not in [each[2] for each in mine] and all(cap is None or held < cap for held, cap in limits):
                given.append((account, at, which))
        return given

    def signals(self) -> dict[tuple[str, str, str], int]:
        """Return how often each entrant did what looks like gaming."""
        rule, found = self.rule, Counter[tuple[str, str, str]]()
        if rule.kind == "mayor":
            return found
        for account, entries in self._by_entrant().items():
            times = sorted(event.time for event in entries)
            burst = max(sum(time - MINUTE < other <= time for other in times) for time in times)
            own = [event.said.get("text") or "" for event in entries if event.kind in ("post", "reply", "quote")]
            texts = Counter(" ".join(text.split()).casefold() for text in own)
            repeated = max((count for text, count in texts.items() if text), default=0)
            alone = sum(event.said.get("actor_followers") == 0 for event in entries)
            for name, count, least in (("burst", burst, 5), ("repeated_text", repeated, 3), ("no_followers", alone, 1)):
                if count >= least:
                    found[rule.id, account, name] = count
        for event in self.all:
            named = (
                event.kind == "follow"
                and event.given
                and event.said.get("campaign") == rule.id
                and rule.kind != "threshold"
            )
            if named and rule.start <= event.time < rule.end:
                found[rule.id, event.actor, "follow_for_entry"] += 1
        for member, (_, _, counts) in self._links().items():
            if not counts:
                found[rule.id, member, "not_new"] = 1
        return found
