"""The rules in force, arranged so that a fact finds its campaigns quickly; replaced as a whole on reload."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from schemas.fact import FOLLOW, TAG, Fact
from streams.campaigns.rule import Mayor, Rule, TagChain, Threshold

_NONE: Final[tuple[Rule, ...]] = ()


@dataclass(slots=True, eq=False)
class _Arranged:
    """Rules, and where a fact finds them."""

    rules: Mapping[str, Rule]
    by_tag: dict[str, tuple[Rule, ...]] = field(default_factory=dict)
    by_venue: dict[str, tuple[Rule, ...]] = field(default_factory=dict)
    everywhere: tuple[Rule, ...] = ()
    named: dict[str, tuple[Rule, ...]] = field(default_factory=dict)
    by_meme: dict[str, tuple[Rule, ...]] = field(default_factory=dict)


def _arranged(rules: Iterable[Rule]) -> _Arranged:
    found = _Arranged({rule.id: rule for rule in rules})
    for rule in found.rules.values():
        memes = rule.memes if isinstance(rule, TagChain) else ()
        for meme in memes:
            found.by_meme[meme] = (*found.by_meme.get(meme, _NONE), rule)
        if rule.hashtags:
            for tag in rule.hashtags:
                found.by_tag[tag] = (*found.by_tag.get(tag, _NONE), rule)
        elif "*" in rule.venues:
            found.everywhere = (*found.everywhere, rule)
        elif rule.venues:
            for venue in rule.venues:
                found.by_venue[venue] = (*found.by_venue.get(venue, _NONE), rule)
        elif not memes:
            found.named[rule.id] = (rule,)
    return found


class Rulebook:
    """The rules in force by id. One is shared by all subjects of campaigns; `replace` changes it for all of
    them.

    Standings are kept by campaign id and know no rule objects, so replacing rules loses nothing: what has
    been counted stays counted, new rules decide about what arrives from then on, and prizes, caps, winners
    and disqualifications apply at once, when a campaign is next presented.

    Facts are routed on one thread and counted on another, and both ask: a question is answered by the old rules or by the
    new ones, never by some of both.
    """

    __slots__ = ("_in_force", "_last")

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        """Start with `rules`, whose ids differ."""
        self.replace(rules)

    @property
    def rules(self) -> Mapping[str, Rule]:
        """Return the rules in force by id."""
        return self._in_force.rules

    def replace(self, rules: Iterable[Rule]) -> None:
        """Put `rules` in force in place of all others."""
        self._in_force = _arranged(rules)
        self._last: tuple[Fact | None, list[Rule]] = (None, [])

    def entered(self, fact: Fact) -> Sequence[Rule]:
        """Return the rules, mayors apart, for which `fact` qualifies; subjects ask in turn."""
        if not (self.rules and (fact.tags or fact.campaign or fact.venue or fact.kind == TAG)):
            return _NONE
        last, found = self._last
        if last is not fact:
            found = [rule for rule in self._concerned(fact) if not isinstance(rule, Mayor) and rule.qualifies(fact)]
            self._last = (fact, found)
        return found

    def raced(self, fact: Fact) -> list[Rule]:
        """Return the mayor rules for which check-in `fact` qualifies."""
        return [rule for rule in self._concerned(fact) if isinstance(rule, Mayor) and rule.qualifies(fact)]

    def followed(self, fact: Fact) -> Rule | None:
        """Return the rule in whose name `fact` follows somebody, where following is not what it asks for."""
        if fact.kind != FOLLOW or not fact.campaign or not fact.given:
            return None
        rule = self.rules.get(fact.campaign)
        if rule is None or isinstance(rule, Mayor | Threshold) or not rule.start <= fact.time < rule.end:
            return None
        return rule

    def _concerned(self, fact: Fact) -> list[Rule]:
        """Return the rules that could take `fact`, each once; an action on oneself is none for any."""
        if not fact.given:
            return []
        here = self._in_force
        found: dict[str, Rule] = {}
        if fact.tags and here.by_tag:
            for tag in fact.tags:
                for rule in here.by_tag.get(tag, _NONE):
                    found[rule.id] = rule
        if fact.venue:
            for rule in (*here.by_venue.get(fact.venue, _NONE), *here.everywhere):
                found[rule.id] = rule
        if here.by_meme and (meme := fact.root or fact.object):
            for rule in here.by_meme.get(meme, _NONE):
                found[rule.id] = rule
        if fact.campaign:
            for rule in here.named.get(fact.campaign, _NONE):
                found[rule.id] = rule
        return list(found.values())
