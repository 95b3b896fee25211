"""What spreads, how far it will go, and what rises."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from infra.grafana.parts import Sql, board, curve, found, number, prom, rows

HERE = "/d/juice-amplification?var-root=${__value.text}"


def amplification() -> Dashboard:
    """Return the dashboard *Amplification*."""
    about = "Cascades with their forecasts, and hashtags that rise."
    made = board("juice-amplification", "juice · Amplification", about, since="now-7d", refresh="30s")
    made.with_variable(
        found(
            "root",
            "Cascade",
            "SELECT root FROM cascades WHERE kind = 'share' ORDER BY size DESC LIMIT 100",
        )
    )
    made.with_row(Row("Now"))
    for title, about_it, expr in (
        ("Growing cascades", "Shared within the last hour of event time.", "max(juice_cascades_growing)"),
        ("Largest of them", "Shares and quotes.", "max(juice_cascade_size_max)"),
        (
            "Largest forecast",
            "Final size, by SEISMIC; those without a bound are left out.",
            "max(juice_cascade_forecast_max)",
        ),
        ("Raised so far", "Rises of cascades and tags together.", "sum(max by (kind) (juice_trends_raised))"),
        ("Rising now", "Rises that last.", "sum(max by (kind) (juice_trends_rising))"),
    ):
        made.with_panel(number(title, about_it, prom((expr, ""))))
    made.with_panel(
        number(
            "Earned amplification",
            "Share of all shares, quotes and tags that nobody was given anything for.",
            [
                Sql(
                    """SELECT 1 - sum(incentivised) / sum(events) FROM account_panes
                       WHERE direction = 'received' AND kind IN ('share', 'quote', 'tag') AND $__timeFilter(pane)
                       HAVING sum(events) > 0"""
                )
            ],
            unit="percentunit",
            steps=((None, "red"), (0.5, "orange"), (0.8, "green")),
        )
    )
    made.with_panel(
        rows(
            "Cascades",
            "The largest; choose one to see how it came about.",
            """SELECT root, author, size, forecast_size, growing, depth, breadth, structural_virality, reach,
                      incentivised / size AS incentivised, shares_per_minute, time_to_half, started_at, last_at
               FROM cascades WHERE kind = 'share' ORDER BY size DESC LIMIT 100""",
            width=16,
            units={"time_to_half": "s", "incentivised": "percentunit"},
            links={
                "root": ("Look at it", HERE),
                "author": ("Explain", "/d/juice-influence?var-account=${__value.text}"),
            },
        )
    )
    made.with_panel(
        rows(
            "Rises",
            "Hashtags that rise and cascades about to go viral, the newest first.",
            """SELECT kind, name, raised_at, ended_at, size, forecast_size, z FROM trends
               ORDER BY raised_at DESC LIMIT 100""",
            width=8,
        )
    )
    made.with_panel(
        curve(
            "Amplification received",
            "Shares, quotes and tags per hour of event time, earned and incentivised.",
            [
                Sql(
                    """SELECT toStartOfHour(pane) AS time, sum(p.events - p.incentivised) AS earned,
                              sum(p.incentivised) AS incentivised
                       FROM account_panes AS p
                       WHERE direction = 'received' AND kind IN ('share', 'quote', 'tag') AND $__timeFilter(pane)
                       GROUP BY time ORDER BY time""",
                    series=True,
                )
            ],
            width=12,
            stacked=True,
        )
    )
    made.with_panel(
        curve(
            "Hashtags",
            "Uses per hour of the ten most used.",
            [
                Sql(
                    """SELECT toStartOfHour(time) AS time, tag, count() AS uses FROM events ARRAY JOIN tags AS tag
                       WHERE $__timeFilter(events.time) AND tag IN (
                           SELECT tag FROM events ARRAY JOIN tags AS tag WHERE $__timeFilter(events.time)
                           GROUP BY tag ORDER BY count() DESC LIMIT 10)
                       GROUP BY time, tag ORDER BY time""",
                    series=True,
                )
            ],
            width=12,
        )
    )
    made.with_row(Row("Cascade $root"))
    made.with_panel(
        curve(
            "Growth and forecast",
            "Shares so far, and the final size as it is forecast now.",
            [
                Sql(
                    """SELECT minute AS time, sum(n) OVER (ORDER BY minute) AS shares,
                              (SELECT ifNull(max(forecast_size), 0) FROM cascades WHERE root = '$root') AS forecast
                       FROM (SELECT toStartOfMinute(at) AS minute, count() AS n FROM cascade_nodes
                             WHERE cascade = '$root' GROUP BY minute) ORDER BY time""",
                    series=True,
                )
            ],
            width=12,
        )
    )
    made.with_panel(
        rows(
            "Who carried it",
            "Shares of this cascade, the best connected first.",
            """SELECT actor, at, type, actor_followers AS followers, parent_named AS below, klass FROM cascade_nodes
               WHERE cascade = '$root' ORDER BY followers DESC NULLS LAST, at LIMIT 100""",
            height=8,
            links={"actor": ("Explain", "/d/juice-influence?var-account=${__value.text}")},
        )
    )
    return made
