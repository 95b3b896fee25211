"""The rules in force, arranged so that a fact finds its campaigns quickly; replaced as a whole on reload."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from schemas.fact import FOLLOW, TAG, Fact
from streams.campaigns.rule import Mayor, Rule, TagChain, Threshold

_NONE: Final[tuple[Rule, ...]] = ()


class Rulebook:
    """The rules in force by id. One is shared by all subjects of campaigns; `replace` changes it for all of
    them.

    Standings are kept by campaign id and know no rule objects, so replacing rules loses nothing: what has
    been counted stays counted, new rules decide about what arrives from then on, and prizes, caps, winners
    and disqualifications apply at once, when a campaign is next presented.
    """

    __slots__ = ("_by_meme", "_by_tag", "_by_venue", "_everywhere", "_last", "_named", "rules")

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        """Start with `rules`, whose ids differ."""
        self.replace(rules)

    def replace(self, rules: Iterable[Rule]) -> None:
        """Put `rules` in force in place of all others."""
        self.rules: Mapping[str, Rule] = {rule.id: rule for rule in rules}
        self._by_tag: dict[str, tuple[Rule, ...]] = {}
        self._by_venue: dict[str, tuple[Rule, ...]] = {}
        self._everywhere: tuple[Rule, ...] = ()
        self._named: dict[str, tuple[Rule, ...]] = {}
        self._by_meme: dict[str, tuple[Rule, ...]] = {}
        self._last: tuple[Fact | None, list[Rule]] = (None, [])
        for rule in self.rules.values():
            memes = rule.memes if isinstance(rule, TagChain) else ()
            for meme in memes:
                self._by_meme[meme] = (*self._by_meme.get(meme, _NONE), rule)
            if rule.hashtags:
                for tag in rule.hashtags:
                    self._by_tag[tag] = (*self._by_tag.get(tag, _NONE), rule)
            elif "*" in rule.venues:
                self._everywhere = (*self._everywhere, rule)
            elif rule.venues:
                for venue in rule.venues:
                    self._by_venue[venue] = (*self._by_venue.get(venue, _NONE), rule)
            elif not memes:
                self._named[rule.id] = (rule,)

    def entered(self, fact: Fact) -> Sequence[Rule]:
        """Return the rules, mayors apart, for which `fact` qualifies; subjects ask in turn."""
        if not (self.rules and (fact.tags or fact.campaign or fact.venue or fact.kind == TAG)):
            return _NONE
        if self._last[0] is not fact:
            found = [rule for rule in self._concerned(fact) if not isinstance(rule, Mayor) and rule.qualifies(fact)]
            self._last = (fact, found)
        return self._last[1]

    def raced(self, fact: Fact) -> list[Rule]:
        """Return the mayor rules for which check-in `fact` qualifies."""
        return [rule for rule in self._concerned(fact) if isinstance(rule, Mayor) and rule.qualifies(fact)]

    def followed(self, fact: Fact) -> Rule | None:
        """Return the rule in whose name `fact` follows somebody, where following is not what it asks for."""
        if fact.kind != FOLLOW or not fact.campaign:
            return None
        rule = self.rules.get(fact.campaign)
        if rule is None or isinstance(rule, Mayor | Threshold) or not rule.start <= fact.time < rule.end:
            return None
        return rule

    def _concerned(self, fact: Fact) -> list[Rule]:
        """Return the rules that could take `fact`, each once."""
        found: dict[str, Rule] = {}
        if fact.tags and self._by_tag:
            for tag in fact.tags:
                for rule in self._by_tag.get(tag, _NONE):
                    found[rule.id] = rule
        if fact.venue:
            for rule in (*self._by_venue.get(fact.venue, _NONE), *self._everywhere):
                found[rule.id] = rule
        if self._by_meme and (meme := fact.root or fact.object):
            for rule in self._by_meme.get(meme, _NONE):
                found[rule.id] = rule
        if fact.campaign:
            for rule in self._named.get(fact.campaign, _NONE):
                found[rule.id] = rule
        return list(found.values())
