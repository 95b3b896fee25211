"""Rows of titles, campaigns and rewards. The views over them are a migration, infra/clickhouse/0006_campaigns.sql."""

from __future__ import annotations

from typing import Final

from schemas.rows.table import Column, Table

_INSTANT: Final = "DateTime64(3, 'UTC')"

VENUE_TITLES: Final = Table(
    name="venue_titles",
    doc="Who was mayor of a venue, one row per month in which titles began; read it as mayors.",
    columns=(
        Column("venue", "String", "place of the check-ins"),
        Column("month", "Date", "first day of the month (UTC) in which these titles began"),
        Column(
            "titles",
            f"Array(Tuple(String, UInt16, {_INSTANT}, Nullable({_INSTANT})))",
            "titles in order: holder, days when taken, from, to (NULL: holds it still)",
        ),
    ),
    key=("venue", "month"),
    live="titles != []",
)

CAMPAIGNS: Final = Table(
    name="campaigns",
    doc="Campaigns that anybody has entered, as their rules say.",
    columns=(
        Column("campaign", "String", "id"),
        Column(
            "kind",
            "LowCardinality(String)",
            "contest, mayor, threshold, post_with_media, referral, tag_chain",
        ),
        Column("name", "String", "for people"),
        Column("start", _INSTANT, "from when events count"),
        Column("end", _INSTANT, "when they cease to"),
        Column("prize", "String", "what there is to win"),
        Column("hashtags", "Array(String)", "casefolded, without sign; one of them makes a post qualify"),
        Column("window_days", "UInt16", "of a mayor, days that count; 0 for other kinds"),
        Column("final", "Bool", "nothing late or undone can change the standings any more"),
        Column("as_of", _INSTANT, "event time of this row"),
    ),
    key=("campaign",),
)

CAMPAIGN_POINTS: Final = Table(
    name="campaign_points",
    doc="Parts of standings: an account's points in a campaign by scope; read them as campaign_standings.",
    columns=(
        Column("campaign", "String", "id"),
        Column("account", "String", "who has the points"),
        Column("scope", "String", "what for: a venue, a member brought in; empty where there is but one part"),
        Column("points", "UInt64", "points"),
        Column("reached", f"Nullable({_INSTANT})", "when the last of them came"),
        Column("title", "Bool", "holds the title of the venue"),
        Column("disclosed", "UInt64", "entries that say what they are made for"),
        Column("undisclosed", "UInt64", "entries that do not"),
        Column("disqualified", "String", "why the account gets nothing, if so"),
        Column("final", "Bool", "nothing late or undone can change it any more"),
        Column("as_of", _INSTANT, "event time of this row"),
    ),
    key=("campaign", "account", "scope"),
    live="points > 0 or disclosed > 0 or undisclosed > 0",
)

CAMPAIGN_ENTRIES: Final = Table(
    name="campaign_entries",
    doc="Events that entered an account into a campaign: what a reward is made of.",
    columns=(
        Column("campaign", "String", "id"),
        Column("account", "String", "whose entry it is"),
        Column("event", "String", "id of the event"),
        Column("at", _INSTANT, "when it happened"),
        Column("unit", "String", "what counts once: the post, the newcomer, the tagged"),
        Column("actor", "String", "who acted: the account, or in a referral the newcomer"),
        Column("disclosed", "Bool", "says what it was made for, as the campaign's rules want it"),
        Column("stands", "Bool", "not undone"),
    ),
    key=("campaign", "account", "at", "event"),
    live="stands",
)

CAMPAIGN_LINKS: Final = Table(
    name="campaign_links",
    doc="Who brought whom, in referrals and tag chains.",
    columns=(
        Column("campaign", "String", "id"),
        Column("member", "String", "who was brought in"),
        Column("sponsor", "String", "by whom, first"),
        Column("at", _INSTANT, "when"),
        Column("counts", "Bool", "the member was not a sponsor before, as where a loop closes"),
    ),
    key=("campaign", "member"),
    live="sponsor != ''",
)

CAMPAIGN_TREES: Final = Table(
    name="campaign_trees",
    doc="What the links of a campaign look like together.",
    columns=(
        Column("campaign", "String", "id"),
        Column("members", "UInt64", "accounts brought in"),
        Column("roots", "UInt64", "accounts that bring in without having been brought"),
        Column("depth", "UInt32", "links from a root to the farthest member"),
        Column("breadth", "UInt64", "most members at one depth"),
        Column("reach", "UInt64", "followers of all who acted: an upper bound"),
        Column("refused", "UInt64", "members that had been sponsors before, as where a loop closes"),
        Column("partial", "Bool", "too large to be known whole here: see campaign_links"),
        Column("as_of", _INSTANT, "event time of this row"),
    ),
    key=("campaign",),
    live="members > 0 or refused > 0",
)

CAMPAIGN_SIGNALS: Final = Table(
    name="campaign_signals",
    doc="What an entrant did that looks like gaming; nobody is excluded by it.",
    columns=(
        Column("campaign", "String", "id"),
        Column("account", "String", "who did it"),
        Column("signal", "LowCardinality(String)", "docs/campaigns.md lists them"),
        Column("count", "UInt64", "how many times"),
        Column("since", f"Nullable({_INSTANT})", "first of them, where it is known"),
        Column("until", f"Nullable({_INSTANT})", "last of them, where it is known"),
        Column("evidence", "String", "a sentence"),
        Column("as_of", _INSTANT, "event time of this row"),
    ),
    key=("campaign", "account", "signal"),
    live="count > 0",
)

REWARDS: Final = Table(
    name="rewards",
    doc="Rewards won and lost; as on the topic of rewards.",
    columns=(
        Column("id", "String", "the same in every run"),
        Column("campaign", "String", "id"),
        Column("account", "String", "who has it"),
        Column("kind", "LowCardinality(String)", "kind of the campaign"),
        Column("at", _INSTANT, "when it was earned, in event time"),
        Column("revoked_at", f"Nullable({_INSTANT})", "since when it is void, if it is"),
        Column("reason", "LowCardinality(String)", "why it was lost: undone, overtaken, disqualified, void"),
        Column("which", "String", "what for: a place, a period, a newcomer, a venue"),
        Column("prize", "String", "what there is to win"),
    ),
    key=("campaign", "account", "id"),
    live="reason != 'void'",
)

CAMPAIGN_TABLES: Final = (
    VENUE_TITLES,
    CAMPAIGNS,
    CAMPAIGN_POINTS,
    CAMPAIGN_ENTRIES,
    CAMPAIGN_LINKS,
    CAMPAIGN_TREES,
    CAMPAIGN_SIGNALS,
    REWARDS,
)
"""All tables of this file."""
