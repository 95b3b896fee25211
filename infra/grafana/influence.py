"""Who matters on this network, how unequal it is, and why one account has the score it has."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from infra.grafana.parts import Sql, board, choice, curve, found, number, over, prom, rows

WINDOWS = ("5m", "1h", "24h", "7d", "30d")
HERE = "/d/juice-influence?var-account=${__value.text}&var-window=${window}"


def influence() -> Dashboard:
    """Return the dashboard *Influence*."""
    about = "Who matters, how unequally influence is spread, and one account's statement."
    made = board("juice-influence", "juice · Influence", about, since="now-30d", refresh="1m")
    made.with_variable(choice("window", "Window", WINDOWS, "24h"))
    made.with_variable(
        choice("board", "Leaderboard", ("influence", "outreach", "amplification", "people"), "influence")
    )
    made.with_variable(
        found(
            "account",
            "Account",
            "SELECT account FROM leaderboards WHERE board = '$board' AND window = '$window' ORDER BY rank",
        )
    )
    _network(made)
    _account(made)
    return made


def _network(made: Dashboard) -> None:
    made.with_row(Row("The network"))
    of = "FROM concentration WHERE measure = 'engagement_earned' AND window = '$window'"
    made.with_panel(
        number("Accounts", "Accounts with earned engagement.", [Sql(f"SELECT accounts {of}")]),
    )
    made.with_panel(
        number(
            "Top 1 % hold",
            "Share of earned engagement that the first hundredth of accounts received.",
            [Sql(f"SELECT top_1_percent_share {of}")],
            unit="percentunit",
            steps=over(0.5, 0.8),
        )
    )
    made.with_panel(
        number(
            "Gini",
            "0: all received the same; 1: one has all.",
            [Sql(f"SELECT gini {of}")],
            unit="percentunit",
            steps=over(0.7, 0.9),
        )
    )
    made.with_panel(
        number(
            "Herfindahl",
            "Sum of squared shares: 1 when one has all.",
            [Sql(f"SELECT herfindahl {of}")],
            steps=over(0.1, 0.25),
        )
    )
    made.with_panel(
        number(
            "Incentivised",
            "Share of engagement that was made for something in return.",
            [
                Sql(
                    "SELECT sum(engagement_incentivised) / sum(engagement) FROM account_scores "
                    "WHERE window = '$window' HAVING sum(engagement) > 0"
                )
            ],
            unit="percentunit",
            steps=over(0.2, 0.5),
        )
    )
    made.with_panel(
        number(
            "Follower jumps",
            "Accounts whose followers jumped with no engagement behind it.",
            prom(("max(juice_accounts_follower_jump)", "")),
            steps=over(1, 10),
        )
    )
    made.with_panel(
        rows(
            "Leaderboard",
            "The first hundred. Choose one to see why.",
            """SELECT rank, account, value, as_of FROM leaderboards
               WHERE board = '$board' AND window = '$window' ORDER BY rank""",
            links={"account": ("Explain", HERE)},
        )
    )
    made.with_panel(
        rows(
            "Loyalty beyond reach",
            "Whose people come back more often than accounts of this reach can expect (double jeopardy).",
            """SELECT account, engagers, engagements, frequency, expected_frequency, beyond FROM loyalty
               WHERE window = '$window' AND engagers >= 3 ORDER BY beyond DESC LIMIT 50""",
            units={"beyond": "percentunit"},
            links={"account": ("Explain", HERE)},
        )
    )
    made.with_panel(
        curve(
            "Concentration by day",
            "Of the engagement received on each day.",
            [
                Sql(
                    """SELECT toDateTime(day) AS time, gini, top_1_percent_share AS top_1_percent, herfindahl
                       FROM concentration_daily WHERE $__timeFilter(toDateTime(day)) ORDER BY time""",
                    series=True,
                )
            ],
            unit="percentunit",
            width=12,
        )
    )
    made.with_panel(
        curve(
            "Concentration now, by window",
            "Gini of earned engagement as the lookout sees it.",
            prom(("max by (window) (juice_engagement_gini_ratio)", "{{window}}")),
            unit="percentunit",
            width=12,
        )
    )


def _account(made: Dashboard) -> None:
    made.with_row(Row("Why: $account"))
    made.with_panel(
        rows(
            "Statement",
            "The parts of the score, for each window. `juice explain` says the same in words.",
            """SELECT window, as_of, influence, influence_people, influence_answers, influence_incentivised,
                      influence_consistency, influence_doubt, influence_follower_jump, influence_evidence, outreach,
                      people,
                      people_earned, engagement, engagement_incentivised, given, balance, h_index, followers
               FROM account_scores WHERE account = '$account'
               ORDER BY indexOf(['5m', '1h', '24h', '7d', '30d'], window)""",
            width=24,
            height=7,
        )
    )
    made.with_panel(
        curve(
            "Received and given",
            "Actions per hour of event time.",
            [
                Sql(
                    """SELECT toStartOfHour(pane) AS time, sumIf(events, direction = 'received') AS received,
                              sumIf(events, direction = 'given') AS given, sum(incentivised) AS incentivised
                       FROM account_panes WHERE account = '$account' AND $__timeFilter(pane)
                       GROUP BY time ORDER BY time""",
                    series=True,
                )
            ],
        )
    )
    made.with_panel(
        rows(
            "From whom",
            "Ties to this account, decayed by half every 14 days.",
            """SELECT source, events, incentivised, weight, last_day FROM tie_weights
               WHERE target = '$account' ORDER BY weight DESC LIMIT 25""",
            width=8,
            height=8,
            links={"source": ("Explain", HERE)},
        )
    )
    made.with_panel(
        rows(
            "Suspicion",
            "Follower jumps and swaps of applause, with their numbers; nobody is excluded by them.",
            """SELECT account, 'follower jump' AS what, toString(bought_followers) AS evidence, follower_jump_day AS at
               FROM account_scores WHERE window = '30d' AND bought_followers > 0
               UNION ALL
               SELECT concat(a, ' and ', b), 'swaps of applause', concat(toString(swaps), ' in ', toString(events)),
                      last_at
               FROM tie_exchanges""",
            width=8,
            height=8,
        )
    )
