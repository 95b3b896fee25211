"""What dashboards are made of: two data sources, panels with units and thresholds, links, annotations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias, TypeVar

from grafana_foundation_sdk.builders import common, dashboard, stat, table, timeseries
from grafana_foundation_sdk.builders.prometheus import Dataquery as Prom
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    GraphThresholdsStyleMode,
    StackingMode,
)
from grafana_foundation_sdk.models.dashboard import (
    AnnotationTarget,
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
    VariableOption,
    VariableRefresh,
)

PROMETHEUS: Final = DataSourceRef(type_val="prometheus", uid="juice-prometheus")
CLICKHOUSE: Final = DataSourceRef(type_val="grafana-clickhouse-datasource", uid="juice-clickhouse")
PLUGIN: Final = "4.20.0"
"""The ClickHouse plug-in these queries are written for; docker-compose.yml installs the same."""

Steps: TypeAlias = Sequence[tuple[float | None, str]]
GOOD: Final[Steps] = ((None, "green"),)
PLAIN: Final[Steps] = ((None, "blue"),)


def over(warn: float, bad: float) -> Steps:
    """Return thresholds for what should be small."""
    return ((None, "green"), (warn, "orange"), (bad, "red"))


class Sql(Dataquery, Builder[Dataquery]):
    """A query of the ClickHouse plug-in, for which the kit has no builder."""

    def __init__(self, sql: str, *, series: bool = False) -> None:
        self.sql, self.series = " ".join(sql.split()), series

    def build(self) -> Dataquery:
        """Return the query itself."""
        return self

    def to_json(self) -> dict[str, object]:
        """Return the target as the plug-in stores it."""
        return {
            "datasource": CLICKHOUSE.to_json(),
            "editorType": "sql",
            "format": 0 if self.series else 1,
            "pluginVersion": PLUGIN,
            "queryType": "timeseries" if self.series else "table",
            "rawSql": self.sql,
            "refId": "A",
        }


class _Note(AnnotationTarget, Builder[AnnotationTarget]):
    """The PromQL of an annotation, for which the kit has no builder either."""

    def __init__(self, expr: str) -> None:
        self.expr = expr

    def build(self) -> AnnotationTarget:
        """Return the target itself."""
        return self

    def to_json(self) -> dict[str, object]:
        """Return the target as Grafana stores it."""
        return {"datasource": PROMETHEUS.to_json(), "expr": self.expr, "refId": "Anno"}


def prom(*queries: tuple[str, str]) -> list[Builder[Dataquery]]:
    """Return PromQL targets of (expression, legend)."""
    return [
        Prom().expr(" ".join(expr.split())).legend_format(legend).ref_id(chr(65 + at)).datasource(PROMETHEUS)
        for at, (expr, legend) in enumerate(queries)
    ]


_Panel = TypeVar("_Panel", stat.Panel, table.Panel, timeseries.Panel)


def _dressed(
    panel: _Panel,
    title: str,
    about: str,
    targets: Sequence[Builder[Dataquery]],
    size: tuple[int, int],
    unit: str,
    steps: Steps,
) -> _Panel:
    sql = any(isinstance(target, Sql) for target in targets)
    absolute = dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE)
    panel.title(title).description(about).span(size[0]).height(size[1]).unit(unit)
    panel.datasource(CLICKHOUSE if sql else PROMETHEUS).targets(list(targets))
    panel.thresholds(absolute.steps([Threshold(value=value, color=color) for value, color in steps]))
    return panel


def number(
    title: str,
    about: str,
    targets: Sequence[Builder[Dataquery]],
    *,
    unit: str = "short",
    steps: Steps = PLAIN,
    width: int = 4,
) -> stat.Panel:
    """Return one number, coloured by its thresholds."""
    panel = _dressed(stat.Panel(), title, about, targets, (width, 4), unit, steps)
    return panel.color_mode(BigValueColorMode.VALUE).graph_mode(BigValueGraphMode.AREA).no_value("nothing yet")


def curve(
    title: str,
    about: str,
    targets: Sequence[Builder[Dataquery]],
    *,
    unit: str = "short",
    steps: Steps = GOOD,
    width: int = 8,
    stacked: bool = False,
) -> timeseries.Panel:
    """Return curves over time; thresholds are drawn as lines where there are any."""
    panel = _dressed(timeseries.Panel(), title, about, targets, (width, 8), unit, steps)
    panel.fill_opacity(10).min(0)
    if stacked:
        panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    if len(steps) > 1:
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.LINE))
    return panel


def rows(
    title: str,
    about: str,
    sql: str,
    *,
    width: int = 12,
    height: int = 9,
    units: dict[str, str] | None = None,
    links: dict[str, tuple[str, str]] | None = None,
) -> table.Panel:
    """Return a table of a query; `units` and `links` (title, address) are by column."""
    panel = _dressed(table.Panel(), title, about, [Sql(sql)], (width, height), "short", GOOD)
    for column, unit in (units or {}).items():
        panel.override_by_name(column, [DynamicConfigValue(id_val="unit", value=unit)])
    for column, (label, address) in (links or {}).items():
        link = [{"title": label, "url": address}]
        panel.override_by_name(column, [DynamicConfigValue(id_val="links", value=link)])
    return panel


def choice(name: str, label: str, values: Sequence[str], current: str) -> dashboard.CustomVariable:
    """Return a variable with fixed values."""
    options = [VariableOption(selected=value == current, text=value, value=value) for value in values]
    chosen = VariableOption(selected=True, text=current, value=current)
    return dashboard.CustomVariable(name).label(label).values(",".join(values)).options(options).current(chosen)


def found(name: str, label: str, sql: str) -> dashboard.QueryVariable:
    """Return a variable whose values ClickHouse knows; any other may be typed."""
    query = dashboard.QueryVariable(name).label(label).datasource(CLICKHOUSE).query(" ".join(sql.split()))
    return query.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).allow_custom_value(True)


def board(uid: str, title: str, about: str, *, since: str, refresh: str = "30s") -> dashboard.Dashboard:
    """Return an empty dashboard with what all have: links to the others, alerts and deployments as annotations."""
    made = dashboard.Dashboard(title).uid(uid).description(about).tags(["juice"]).readonly()
    made.time(since, "now").refresh(refresh).timezone("utc").tooltip(DashboardCursorSync.CROSSHAIR)
    others = dashboard.DashboardLink("juice").type(DashboardLinkType.DASHBOARDS).tags(["juice"])
    made.link(others.as_dropdown(False).keep_time(True).include_vars(False))
    for name, color, expr in (
        ("Alerts", "red", 'ALERTS{alertstate="firing", alertname=~"Juice.*"}'),
        (
            "Deployments",
            "blue",
            "count by (version) (juice_build_info) unless count by (version) (juice_build_info offset 5m)",
        ),
    ):
        note = dashboard.AnnotationQuery().name(name).datasource(PROMETHEUS).enable(True).icon_color(color)
        made.annotation(note.target(_Note(expr)))
    return made
