"""Entrants: each account in each campaign, its points, its rewards, and what looks like gaming."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Final

import msgspec

from schemas.fact import FOLLOW, REFERRAL, Fact
from streams.campaigns.claims import Claims
from streams.campaigns.evidence import Evidence
from streams.campaigns.ids import SEP, short_hash
from streams.campaigns.ledger import OVERTAKEN, STANDS, UNDONE, Ledger
from streams.campaigns.links import Links
from streams.campaigns.rule import Caps, Contest, PostWithMedia, Referral, Rule, TagChain, Threshold
from streams.campaigns.rulebook import Rulebook
from streams.campaigns.tally import Score, Tally
from streams.subject import NEVER, RELEASE, Due, Now, Others, Rows, Subject
from streams.subjects.renaming import renamed
from streams.subjects.standing import APPEAL, CAMPAIGN, ENTRANT, say_entry, say_points, undos_last

FORMAT: Final = b"\x01"
MAX_OPEN: Final = 8_000
"""Entries of one entrant that are still open. More within about an hour are not counted but reported as a
flood.
"""
MAX_POINTS: Final = 40_000
"""Most points that an entrant can have: what has counted is remembered, 8 bytes each."""


class Entrant(msgspec.Struct, array_like=True, omit_defaults=True):
    """What is kept of one account in one campaign; of the middle three, what its kind needs."""

    evidence: Evidence = msgspec.field(default_factory=Evidence)
    tally: Tally | None = None
    claims: Claims | None = None
    links: Links | None = None
    ledger: Ledger = msgspec.field(default_factory=Ledger)
    flood: int = 0
    """Entries beyond MAX_OPEN or MAX_POINTS."""
    signals: tuple[str, ...] = ()
    """Names of the signals that have been said."""
    counted_on: bool = False
    """The contest is still there, and may count its entrants."""


class _Points(msgspec.Struct, array_like=True):
    """What a contest wants to know of an `Entrant`."""

    evidence: msgspec.Raw
    tally: Tally


_decode: Final = msgspec.msgpack.Decoder(Entrant).decode
_decode_points: Final = msgspec.msgpack.Decoder(_Points).decode
_decode_links: Final = msgspec.msgpack.Decoder(Links).decode
_encode: Final = msgspec.msgpack.Encoder().encode


class Entrants(Subject[Entrant]):
    """An account in a campaign; the key is the kind, the campaign and the account.

    All entrants of a campaign live on one partition, each on a key of its own, so an entry costs the size of
    one entrant whatever the size of the campaign. Rewards are said at once where only the account's own
    events decide: `threshold` and `post_with_media` without caps over all accounts, `referral` without any.
    What others can take away is decided by `streams.subjects.campaigns` when it is settled. It counts the entrants of
    a contest that is over, so they stay until it has gone.

    Exceptions to the law of order, both far beyond honest use: entries beyond MAX_OPEN, points beyond
    MAX_POINTS. An undone reward is said to be lost, so undo leaves that row.
    """

    name: ClassVar[str] = "entrants"
    code: ClassVar[str] = ENTRANT
    ruled: ClassVar[bool] = True
    looks: ClassVar[bool] = True

    def __init__(self, rulebook: Rulebook) -> None:
        """Take entries for the rules in `rulebook`, as it is at the time."""
        self._rulebook = rulebook

    def keys(self, fact: Fact) -> Iterable[str]:
        """Return the accounts that enter, in each campaign the fact qualifies for."""
        rules = self._rulebook.entered(fact)
        if not rules and fact.kind != FOLLOW:
            return ()
        found: dict[str, None] = {}
        for rule in rules:
            found[key_of(rule, fact.actor)] = None
            if isinstance(rule, Referral):
                for sponsor in fact.receivers[:1]:
                    found[key_of(rule, sponsor)] = None
            elif isinstance(rule, TagChain):
                for member in fact.receivers:
                    found[key_of(rule, member)] = None
        if fact.kind == FOLLOW and (named := self._rulebook.followed(fact)) is not None:
            found[key_of(named, fact.actor)] = None
        return found

    def home(self, key: str) -> str:
        """Return the campaign."""
        return key[1:].partition(SEP)[0]

    def about(self, key: str, account: str) -> bool:
        """Tell whether it is this account, in whichever campaign."""
        return key.partition(SEP)[2] == account

    def heir(self, key: str, account: str, stand_in: str) -> str | None:
        """Return the key of the stand-in in a contest: its place is nobody else's, unless the account had none to win."""
        whole, _, _ = key.partition(SEP)
        rule = self._rulebook.rules.get(whole[1:])
        if key[0] != Contest.code or (rule is not None and account in rule.disqualified):
            return None
        return whole + SEP + stand_in

    def without(self, raw: bytes, account: str, stand_in: str) -> bytes:
        """Return the state with another name for a sponsor or member, who are in its links alone."""
        state = _decode(raw[1:])
        if state.links is not None:
            state.links = _decode_links(renamed(_encode(state.links), account, stand_in))
        return raw[:1] + _encode(state)

    def empty(self, key: str) -> Entrant:
        """Return an entrant that has done nothing yet."""
        state = Entrant()
        kind = key[0]
        if kind == Contest.code:
            state.tally = Tally()
        elif kind in (Threshold.code, PostWithMedia.code):
            state.claims = Claims()
        else:
            state.links = Links()
        return state

    def load(self, key: str, raw: bytes) -> Entrant:
        """Return the entrant in `raw`."""
        if raw[:1] != FORMAT:
            raise ValueError(f"not the state of an entrant: format {raw[:1]!r}")
        return _decode(raw[1:])

    def dump(self, state: Entrant) -> bytes:
        """Return msgpack: some 50 bytes per open entry, 8 per settled one."""
        return FORMAT + _encode(state)

    def fold(self, key: str, state: Entrant, facts: Sequence[Fact], rows: Rows) -> None:
        """Add what the account did, and say its entries; one that is undone in a later fold is said again."""
        campaign, _, account = key[1:].partition(SEP)
        rule = self._rulebook.rules.get(campaign)
        for fact in sorted(facts, key=undos_last):
            if fact.kind == FOLLOW and key[0] != Threshold.code:
                state.evidence.follow(fact.time, fact.sign)
                continue
            if state.links is not None and not self._link(state.links, account, fact):
                continue
            if fact.sign > 0 and len(state.evidence.open) >= MAX_OPEN:
                state.flood += 1
                continue
            unit = fact.object or fact.id
            if state.tally is not None:
                if fact.sign > 0 and len(state.tally.done) >= 8 * MAX_POINTS:
                    state.flood += 1
                    continue
                state.tally.add(fact.time, short_hash(unit), fact.sign)
            elif state.claims is not None:
                state.claims.add(fact.time, fact.sign)
            else:
                unit = fact.actor if fact.kind == REFERRAL else " ".join(fact.receivers)
            disclosed = say_entry(rule, campaign, account, fact, unit, rows)
            state.evidence.add(fact.time, fact.text_hash, disclosed, fact.followers, fact.sign)

    @staticmethod
    def _link(links: Links, account: str, fact: Fact) -> bool:
        """Add a fact to the links of `account`; return whether it is an entry of the account: it sponsors."""
        sponsors = fact.actor != account if fact.kind == REFERRAL else fact.actor == account
        if sponsors:
            links.sponsors(fact.time, fact.sign)
        elif fact.kind == REFERRAL:
            for sponsor in fact.receivers[:1]:
                links.add(fact.time, sponsor, fact.sign)
        else:
            links.add(fact.time, fact.actor, fact.sign)
        return sponsors

    def look(self, key: str, state: Entrant, now: Now, others: Others) -> None:
        """See whether the contest is still there."""
        whole, _, _ = key.partition(SEP)
        rule = self._rulebook.rules.get(whole[1:])
        if isinstance(rule, Contest) and now.floor > rule.end + APPEAL:
            state.counted_on = others.get((CAMPAIGN + whole).encode()) is not None

    def present(self, key: str, state: Entrant, now: Now, rows: Rows) -> int | Due:
        """Say points, signals and rewards; ask again when the campaign is over, and long after."""
        campaign, _, account = key[1:].partition(SEP)
        rule = self._rulebook.rules.get(campaign)
        if rule is None or rule.code != key[0]:
            return NEVER
        floor = min(now.floor, now.time)
        final = floor >= rule.end
        points = reached = 0
        if state.tally is not None:
            points, reached, _, _ = state.tally.score(rule.caps)
            state.tally.settle(floor, rule.caps)
        elif state.claims is not None:
            unit = rule.period if isinstance(rule, PostWithMedia) else "campaign"
            granted = state.claims.granted(unit, rule.caps)
            points, reached = len(granted), granted[-1].at if granted else 0
            if not rule.caps.shared:
                self._say_claims(rule, account, state.claims, state.ledger, unit, rows)
            state.claims.settle(floor, unit)
        elif state.links is not None:
            self._say_link(rule, account, state.links, state.ledger, final, now, rows)
            state.links.settle(floor)
            state.ledger.forget(floor)
        disclosed, undisclosed = state.evidence.counts()
        if state.links is None or disclosed or undisclosed or state.evidence.open:
            sums = (points, reached or None, False, disclosed, undisclosed)
            say_points(rule, account, "", sums, final, now, rows)
        self._say_signals(rule, account, state, now, rows)
        state.evidence.settle(floor)
        if floor > rule.end + APPEAL:
            return Due(floor=now.floor + 1) if state.counted_on else RELEASE
        return Due(floor=rule.end + APPEAL + 1 if final else rule.end)

    @staticmethod
    def _say_claims(rule: Rule, account: str, claims: Claims, ledger: Ledger, unit: str, rows: Rows) -> None:
        """Say the rewards of a threshold or post: granted, crowded out by a cap, or undone."""
        granted = claims.granted(unit, rule.caps)
        for claim in granted:
            ledger.say(rule, account, (claim.period,), claim.at, STANDS, rows)
        for claim in claims.first(unit):
            if claim not in granted:
                ledger.say(rule, account, (claim.period,), claim.at, OVERTAKEN, rows)
        for claim in claims.void(unit):
            ledger.say(rule, account, (claim.period,), claim.at, UNDONE, rows)

    @staticmethod
    def _say_link(rule: Rule, member: str, links: Links, ledger: Ledger, final: bool, now: Now, rows: Rows) -> None:
        """Say who brought `member` in, the sponsor's point for it, and in a referral the reward."""
        link = links.link()
        refused = links.refused()
        said = link or refused
        others = links.others()
        if said is None and not others:
            return
        rewarded = isinstance(rule, Referral) and rule.caps == type(rule.caps)()
        row = (said.sponsor, said.at) if said is not None else ("", 0)
        rows.add("campaign_links", (rule.id, member, *row, link is not None))
        if link is not None:
            say_points(rule, link.sponsor, member, (1, link.at, False, 0, 0), final, now, rows)
            if rewarded:
                ledger.say(rule, link.sponsor, (member,), link.at, STANDS, rows)
        for other, undone in others:
            say_points(rule, other.sponsor, member, (0, None, False, 0, 0), final, now, rows)
            if rewarded:
                ledger.say(rule, other.sponsor, (member,), other.at, UNDONE if undone else OVERTAKEN, rows)

    @staticmethod
    def _say_signals(rule: Rule, account: str, state: Entrant, now: Now, rows: Rows) -> None:
        """Say the signals, and with a count of zero those that have gone, or may have been said before a crash."""
        found = [
            (name, count, since or None, until or None, says)
            for name, count, since, until, says in state.evidence.signals()
        ]
        if state.flood:
            says = f"{state.flood} entries not counted, beyond {MAX_OPEN} within about an hour or {MAX_POINTS} points"
            found.append(("flood", state.flood, None, None, says))
        if state.links is not None and (refused := state.links.refused()) is not None:
            says = f"brought in by {refused.sponsor} after having brought in others: not counted"
            found.append(("not_new", 1, refused.at, refused.at, says))
        names = [signal[0] for signal in found]
        gone = dict.fromkeys((*state.signals, *state.evidence.doubtful()))
        if state.links is not None and state.links.doubtful:
            gone["not_new"] = None
        found += [(name, 0, None, None, "") for name in gone if name not in names]
        for signal in found:
            rows.add("campaign_signals", (rule.id, account, *signal, now.time))
        state.signals = tuple(names)


def key_of(rule: Rule, account: str) -> str:
    """Return the key of an entrant."""
    return rule.code + rule.id + SEP + account


def contest_prefix(rule: Contest) -> bytes:
    """Return how the keys of all entrants of a contest begin, as they are stored."""
    return (ENTRANT + key_of(rule, "")).encode()


def score_of(raw: bytes, caps: Caps) -> Score:
    """Return the score of an entrant of a contest from its state, quicker than by `load`."""
    return _decode_points(memoryview(raw)[1:]).tally.score(caps)
