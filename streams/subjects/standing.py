"""How campaigns and standings are said, by all subjects that have a part in them."""

from __future__ import annotations

from typing import Final

from schemas.fact import Fact
from streams.campaigns.rule import Mayor, Rule
from streams.subject import DAY, Now, Rows

CAMPAIGN: Final = "k"
"""Code of the subject of campaigns."""
ENTRANT: Final = "e"
"""Code of the subject of entrants."""
APPEAL: Final = 30 * DAY
"""How long after a campaign's end its rewards can still be taken back by a disqualification."""


def say_campaign(rule: Rule, final: bool, now: Now, rows: Rows) -> None:
    """Say what a campaign is, for dashboards and receipts."""
    window = rule.window_days if isinstance(rule, Mayor) else 0
    about = (rule.kind, rule.name or rule.id, rule.start, rule.end, rule.prize, list(rule.hashtags), window)
    rows.add("campaigns", (rule.id, *about, final, now.time))


def say_points(
    rule: Rule,
    account: str,
    scope: str,
    sums: tuple[int, int | None, bool, int, int],
    final: bool,
    now: Now,
    rows: Rows,
) -> None:
    """Say a part of the standing of `account`: points, when reached, title, disclosed, undisclosed.

    A standing is the sum of its parts; `scope` tells them apart.
    """
    why = rule.disqualified.get(account, "")
    rows.add("campaign_points", (rule.id, account, scope, *sums, why, final, now.time))


def say_entry(rule: Rule | None, campaign: str, account: str, fact: Fact, unit: str, rows: Rows) -> bool:
    """Say an entry of `account`, or that it is undone; return whether it discloses what it was made for."""
    disclosed = rule.disclosure.holds(fact) if rule is not None else fact.disclosed
    entry = (campaign, account, fact.id, fact.time, unit, fact.actor, disclosed, fact.sign > 0)
    rows.add("campaign_entries", entry)
    return disclosed


def undos_last(fact: Fact) -> int:
    """Sort undos behind what they take back, so that of an entry and its undo the undo is said last."""
    return -fact.sign
