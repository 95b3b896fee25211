"""How campaigns and standings are said, by all subjects that have a part in them."""

from __future__ import annotations

from typing import Final

from streams.campaigns.rule import Rule
from streams.subject import DAY, Now, Rows

APPEAL: Final = 30 * DAY
"""How long after a campaign's end its rewards can still be taken back by a disqualification."""


def say_campaign(rule: Rule, final: bool, now: Now, rows: Rows) -> None:
    """Say what a campaign is, for dashboards and receipts."""
    tags = list(rule.hashtags)
    about = (rule.kind, rule.name or rule.id, rule.start, rule.end, rule.prize, tags)
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
