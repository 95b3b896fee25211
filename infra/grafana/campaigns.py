"""What campaigns brought: standings, mayors, rewards; what was earned and what was bought; who plays unfairly."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from infra.grafana.parts import Sql, board, curve, found, number, over, prom, rows

EXPLAIN = ("Explain", "/d/juice-influence?var-account=${__value.text}")


def campaigns() -> Dashboard:
    """Return the dashboard *Campaigns*."""
    about = "Standings, mayors and rewards; earned against bought; honesty."
    made = board("juice-campaigns", "juice · Campaigns", about, since="now-30d", refresh="1m")
    made.with_variable(found("campaign", "Campaign", "SELECT campaign FROM campaigns ORDER BY as_of DESC"))
    made.with_row(Row("All campaigns"))
    for panel in (
        number(
            "Open",
            "Campaigns whose standings may still change.",
            prom(('sum(max by (kind) (juice_campaigns{state="open"}))', "")),
        ),
        number("Entrants", "In open campaigns.", prom(("sum(max by (kind) (juice_campaign_entrants))", ""))),
        number("Rewards", "That stand.", prom(('sum(max by (kind) (juice_rewards{state="standing"}))', ""))),
        number(
            "Look gamed",
            "Accounts in open campaigns that show a sign of gaming, of all entrants.",
            prom(("sum(juice_campaign_signalled_accounts) / sum(juice_campaign_entrants)", "")),
            unit="percentunit",
            steps=over(0.1, 0.2),
        ),
        number(
            "Undisclosed entries",
            "Entries in open campaigns that do not say what they were made for.",
            prom(("sum(max by (kind) (juice_campaign_undisclosed_entries))", "")),
            steps=over(1, 50),
        ),
        number(
            "Titles held",
            "Venues that have a mayor.",
            [Sql("SELECT count() FROM mayors WHERE until IS NULL")],
        ),
        rows(
            "Campaigns",
            "Everything that anybody has entered.",
            "SELECT campaign, kind, name, start, end, prize, final, as_of FROM campaigns ORDER BY final, end DESC",
            height=7,
        ),
        rows(
            "Mayors",
            "The latest changes of title.",
            "SELECT venue, account, days, since, until FROM mayors ORDER BY since DESC LIMIT 100",
            height=7,
            links={"account": EXPLAIN},
        ),
        curve(
            "Earned and bought",
            "Shares and quotes per day: given freely, made for something and saying so, and not saying so.",
            [
                Sql(
                    """SELECT toStartOfDay(time) AS time, countIf(klass = 'earned') AS earned,
                              countIf(klass = 'incentivised') AS disclosed,
                              countIf(klass = 'undisclosed') AS undisclosed
                       FROM events WHERE type IN ('share', 'quote', 'post') AND $__timeFilter(events.time)
                       GROUP BY time ORDER BY time""",
                    series=True,
                )
            ],
            width=12,
            stacked=True,
        ),
        rows(
            "Rewards by day",
            "Won and revoked.",
            """SELECT toDate(at) AS day, campaign, kind, countIf(revoked_at IS NULL) AS standing,
                      countIf(revoked_at IS NOT NULL) AS revoked
               FROM rewards GROUP BY day, campaign, kind ORDER BY day DESC LIMIT 100""",
            height=8,
        ),
    ):
        made.with_panel(panel)
    made.with_row(Row("Campaign $campaign"))
    for panel in (
        rows(
            "Standings",
            "Ties go to who got there first.",
            """SELECT rank, account, points, reached, title, disclosed, undisclosed, disqualified, final
               FROM campaign_standings WHERE campaign = '$campaign' ORDER BY rank LIMIT 100""",
            links={"account": EXPLAIN},
        ),
        rows(
            "Honesty",
            "Signs of gaming, with evidence; nobody is excluded by them.",
            """SELECT account, signal, count, evidence, since, until FROM campaign_signals
               WHERE campaign = '$campaign' ORDER BY count DESC LIMIT 100""",
            links={"account": EXPLAIN},
        ),
        rows(
            "Rewards",
            "`reason` says why one was lost.",
            """SELECT account, which, at, prize, revoked_at, reason FROM rewards
               WHERE campaign = '$campaign' ORDER BY at DESC LIMIT 100""",
        ),
        rows(
            "What it bought and what was given",
            "Amplification received by this campaign's entrants since it began, by class.",
            """SELECT klass, count() AS amplifications, uniqExact(actor) AS people FROM events
               WHERE type IN ('share', 'quote')
                 AND object_author IN (SELECT account FROM campaign_standings WHERE campaign = '$campaign')
                 AND time >= (SELECT start FROM campaigns WHERE campaign = '$campaign')
               GROUP BY klass ORDER BY klass""",
        ),
    ):
        made.with_panel(panel)
    return made
