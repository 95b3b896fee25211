"""Campaigns: what must be decided over all entrants of one at once, and what the campaign is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Final, TypeGuard

import msgspec

from schemas.fact import REFERRAL, Fact
from streams.campaigns.board import Count
from streams.campaigns.claims import period_of
from streams.campaigns.ids import reward_id, short_hash
from streams.campaigns.ledger import DISQUALIFIED, OVERTAKEN, STANDS, Ledger, say_reward
from streams.campaigns.quota import Quota
from streams.campaigns.rule import Caps, Contest, PostWithMedia, Referral, Rule, TagChain
from streams.campaigns.rulebook import Rulebook
from streams.campaigns.tally import Score
from streams.campaigns.tree import Joined, Tree
from streams.subject import HOUR, NEVER, RELEASE, SOON, Due, Now, Others, Rows, Subject
from streams.subjects.entrants import contest_prefix, score_of
from streams.subjects.renaming import renamed_key
from streams.subjects.standing import APPEAL, CAMPAIGN, say_campaign

FORMAT: Final = b"\x03"


class Whole(msgspec.Struct, array_like=True, omit_defaults=True):
    """What is kept of a campaign; of the first two, what its kind needs."""

    quota: Quota | None = None
    tree: Tree | None = None
    ledger: Ledger = msgspec.field(default_factory=Ledger)
    winners: dict[str, int] = {}
    """account → place, as said; in a tag chain, when it had tagged as many as it takes (ms)"""
    ids: dict[str, str] = {}
    """account → id of its reward, which stays when the account is forgotten and another name stands for it"""
    entries: int = 0
    """Entries that stand."""
    counted: int = 0
    """By which terms a contest was counted when it was over, 0 while it was not."""
    decided: list[str] | None = None
    """Who has the places, first to last, by that count; None once it is said."""


_decode: Final = msgspec.msgpack.Decoder(Whole).decode
_encode: Final = msgspec.msgpack.Encoder().encode


class Campaigns(Subject[Whole]):
    """A campaign; the key is its kind and id.

    - A contest's winners, said when the floor has passed its end, so that nothing late or undone can change
      them. Its entrants are counted then, however many they are: until then nothing is kept of them here. What was
      counted is kept before it is said: a crash in between says the same again, whatever the rules have become.
    - Rewards with caps over all accounts (threshold, post_with_media) or any (referral), and those of a tag
      chain, said when settled.
    - The shape of the tree of referrals and tag chains.

    The state of each part is bounded, whatever arrives (`quota`, `tree` say how, and what gives
    way); a fold and a present cost time proportional to it: some milliseconds, 80 where 10,000 links wait to be settled.
    """

    name: ClassVar[str] = "campaigns"
    code: ClassVar[str] = CAMPAIGN
    ruled: ClassVar[bool] = True
    patience: int = HOUR
    looks: ClassVar[bool] = True

    def __init__(self, rulebook: Rulebook) -> None:
        """Take entries for the rules in `rulebook`, as it is at the time."""
        self._rulebook = rulebook
        self._counts: dict[str, Count] = {}
        """Contests that are being counted; after a restart they are from the beginning."""
        self._leaders: dict[str, list[str]] = {}
        """Who has the places of contests that have just been counted."""

    def keys(self, fact: Fact) -> Iterable[str]:
        """Return the campaigns the fact qualifies for, mayors apart."""
        rules = self._rulebook.entered(fact)
        return [rule.code + rule.id for rule in rules] if rules else ()

    def home(self, key: str) -> str:
        """Return the campaign."""
        return key[1:]

    def without(self, raw: bytes, account: str, stand_in: str) -> bytes:
        """Return the state with another name for a winner, who is said anew, so that nobody else's place changes."""
        state = _decode(raw[1:])
        if state.quota is not None:
            state.quota.rename(account, stand_in, also_claimed=state.tree is not None)
        if state.tree is not None:
            state.tree.rename(account, stand_in)
        if account in state.winners:
            state.winners = renamed_key(state.winners, account, stand_in)
            state.ids = renamed_key(state.ids, account, stand_in)
            state.ledger.said.pop(state.ids[stand_in], None)
        if state.decided is not None:
            state.decided = [stand_in if who == account else who for who in state.decided]
        elif stand_in in state.winners and state.tree is None:
            state.decided = sorted(state.winners, key=state.winners.__getitem__)
        return FORMAT + _encode(state)

    def empty(self, key: str) -> Whole:
        """Return a campaign nobody has entered."""
        kind = key[0]
        whole = Whole()
        if kind in (Referral.code, TagChain.code):
            whole.tree = Tree()
        if kind not in (Contest.code, TagChain.code):
            whole.quota = Quota()
        return whole

    def load(self, key: str, raw: bytes) -> Whole:
        """Return the campaign in `raw`."""
        if raw[:1] != FORMAT:
            raise ValueError(f"not the state of a campaign: format {raw[:1]!r}")
        return _decode(raw[1:])

    def dump(self, state: Whole) -> bytes:
        """Return msgpack, less than a megabyte."""
        return FORMAT + _encode(state)

    def fold(self, key: str, state: Whole, facts: Sequence[Fact], rows: Rows) -> None:
        """Add entries."""
        rule = self._rulebook.rules.get(key[1:])
        for fact in facts:
            state.entries += fact.sign
            if state.tree is not None:
                for other in fact.receivers[:1] if fact.kind == REFERRAL else fact.receivers:
                    pair = (other, fact.actor) if fact.kind == REFERRAL else (fact.actor, other)
                    state.tree.add(fact.time, *pair, fact.actor, fact.followers, fact.sign)
            elif state.quota is not None and rule is not None and rule.caps.shared:
                unit_of_time = rule.period if isinstance(rule, PostWithMedia) else "campaign"
                state.quota.add(fact.time, fact.actor, period_of(fact.time, unit_of_time), fact.sign)
        if state.quota is not None:
            state.quota.trim()

    def look(self, key: str, state: Whole, now: Now, others: Others) -> None:
        """Count a contest that is over, a piece at a time."""
        rule = self._rulebook.rules.get(key[1:])
        if not _to_count(rule, key, state, now):
            return
        terms, prefix = _terms(rule), contest_prefix(rule)
        count = self._counts.get(key)
        if count is None or count.terms != terms:
            count = self._counts[key] = Count(terms, others.keys(prefix))

        def score(entrant: bytes) -> Score:
            raw = others.get(entrant)
            return Score() if raw is None else score_of(raw, rule.caps)

        leaders = count.go_on(rule.winners, rule.disqualified, score, lambda entrant: entrant[len(prefix) :].decode())
        if leaders is not None:
            del self._counts[key]
            self._leaders[key] = leaders

    def forget(self) -> None:
        """Begin to count anew."""
        self._counts.clear()
        self._leaders.clear()

    def present(self, key: str, state: Whole, now: Now, rows: Rows) -> int | Due:
        """Say the campaign, its tree, and the rewards that nobody can take away any more."""
        rule = self._rulebook.rules.get(key[1:])
        if rule is None or rule.code != key[0]:
            return NEVER
        floor = min(now.floor, now.time)
        final = floor >= rule.end
        due = rule.end + APPEAL if final else rule.end
        if state.entries > 0:
            say_campaign(rule, final, now, rows)
        if isinstance(rule, Contest):
            if state.decided is not None:
                _say_winners(rule, state.decided, state, rows)
                state.decided = None
            if (leaders := self._leaders.pop(key, None)) is not None:
                state.decided, state.counted = leaders, _terms(rule)
                state.ids |= {who: reward_id(rule.id, who, rule.kind) for who in leaders if who not in state.ids}
            if state.decided is not None or _to_count(rule, key, state, now):
                return SOON
        joined: list[Joined] = []
        if state.tree is not None:
            rows.add("campaign_trees", (rule.id, *state.tree.shape(), now.time))
            joined = state.tree.settle(floor)
            if state.tree.open:
                due = min(due, min(link[0] for link in state.tree.open) + 1)
        if isinstance(rule, TagChain):
            for link in joined:
                if link.nth == rule.tagged:
                    state.winners[link.sponsor] = link.at
                    state.ids[link.sponsor] = reward_id(rule.id, link.sponsor, rule.kind)
            for account, at in state.winners.items():
                state.ledger.say(rule, account, (), at, STANDS, rows, id=state.ids[account])
        elif state.quota is not None:
            if isinstance(rule, Referral) and rule.caps != Caps():
                for link in joined:
                    state.quota.add(link.at, link.sponsor, link.member, 1)
            for award in state.quota.settle(floor, rule.caps) + state.quota.changed(rule.disqualified):
                reason = DISQUALIFIED if award.lost else STANDS
                say_reward(rule, award.account, (award.which,), award.which, award.at, reason, rows)
            if state.quota.open:
                due = min(due, min(claim[0] for claim in state.quota.open) + 1)
        if floor >= rule.end + APPEAL:
            return RELEASE
        return Due(floor=due)


def _terms(rule: Contest) -> int:
    """Return a hash of all in a rule that decides who wins a contest that is over."""
    return short_hash(repr((rule.end, rule.winners, rule.caps, sorted(rule.disqualified))))


def _to_count(rule: Rule | None, key: str, state: Whole, now: Now) -> TypeGuard[Contest]:
    """Tell whether a contest is over and must be counted; not again once its entrants may be gone."""
    if not isinstance(rule, Contest) or rule.code != key[0]:
        return False
    floor = min(now.floor, now.time)
    if floor < rule.end or (state.counted and floor >= rule.end + APPEAL):
        return False
    return state.counted != _terms(rule)


def _say_winners(rule: Contest, leaders: list[str], state: Whole, rows: Rows) -> None:
    """Say who has won, and who has not any more since somebody was disqualified or forgiven."""
    places = {account: place for place, account in enumerate(leaders, start=1)}
    for account, place in state.winners.items():
        if account not in places:
            reason = DISQUALIFIED if account in rule.disqualified else OVERTAKEN
            state.ledger.say(rule, account, (), rule.end, reason, rows, shown=str(place), id=state.ids[account])
    for account, place in places.items():
        id = state.ids[account]
        state.ledger.say(rule, account, (), rule.end, STANDS, rows, shown=str(place), id=id)
        if state.winners.get(account, place) != place:
            say_reward(rule, account, (), str(place), rule.end, STANDS, rows, id)
    state.winners = places
