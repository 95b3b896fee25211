"""Every dashboard is what the code says, and every query on it finds something in a running installation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.database import connect
from infra.grafana.__main__ import FOLDER
from infra.grafana.generate import generated
from infra.grafana.parts import CLICKHOUSE, PLUGIN, PROMETHEUS
from tests.conftest import Living
from tests.world import END

BOARDS = {name: json.loads(text) for name, text in generated().items()}
VALUES = {
    "window": "24h",
    "board": "influence",
    "account": "buyer",
    "root": "seismic",
    "campaign": "photo-popup",
    "instance": ".*",
}
"""What the variables are set to: an account, a cascade and a campaign of the world."""


def panels(board: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the panels of a board, those in rows included."""
    for panel in board["panels"]:
        yield from panel.get("panels", []) if panel["type"] == "row" else [panel]


def queries(kind: str, key: str) -> list[Any]:
    """Return (expression) parameters for every target of a data source."""
    return [
        pytest.param(target[key], id=f"{name.removesuffix('.json')}: {panel['title']} {target['refId']}")
        for name, board in BOARDS.items()
        for panel in panels(board)
        for target in panel["targets"]
        if target["datasource"]["type"] == kind
    ]


def expand(text: str) -> str:
    """Put in variables and macros as Grafana and its ClickHouse plug-in do."""
    first, last = END - timedelta(days=30), END + timedelta(days=1)
    text = re.sub(
        r"\$__timeFilter\(([\w.]+(?:\([\w.]+\))?)\)",
        lambda m: f"{m[1]} >= toDateTime({first.timestamp():.0f}) AND {m[1]} <= toDateTime({last.timestamp():.0f})",
        text,
    )
    text = text.replace("$__rate_interval", "1m")
    return re.sub(r"\$\{?(\w+)\}?", lambda m: VALUES[m[1]], text)


def test_files_are_what_the_code_says() -> None:
    """The committed JSON equals what `python -m infra.grafana` writes, and there are no other files."""
    assert {file.name: file.read_text() for file in FOLDER.iterdir()} == generated()


def test_boards_are_stable_and_point_at_what_is_provisioned() -> None:
    """Uids are unique and named juice-…, links lead to boards that exist, data sources are those provisioned."""
    uids = {board["uid"] for board in BOARDS.values()}
    assert uids == {"juice-pipeline", "juice-influence", "juice-amplification", "juice-campaigns"}
    linked = set(re.findall(r"/d/([\w-]+)", json.dumps(BOARDS)))
    assert linked <= uids
    assert linked
    folder = Path(FOLDER).parent / "provisioning"
    sources = yaml.safe_load((folder / "datasources" / "juice.yml").read_text())["datasources"]
    assert {(s["type"], s["uid"]) for s in sources} == {(s.type_val, s.uid) for s in (PROMETHEUS, CLICKHOUSE)}
    used = set(re.findall(r'"uid": "(juice-(?:prometheus|clickhouse)[\w-]*)"', json.dumps(BOARDS)))
    assert used == {PROMETHEUS.uid, CLICKHOUSE.uid}
    assert PLUGIN in (Path(FOLDER).parents[2] / "docker-compose.yml").read_text()


@pytest.mark.parametrize("board", BOARDS.values(), ids=list(BOARDS))
def test_panels_are_complete(board: dict[str, Any]) -> None:
    """Every panel has a title, an explanation, a unit, thresholds and a query; a board has annotations and links."""
    for panel in panels(board):
        defaults = panel["fieldConfig"]["defaults"]
        assert panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert defaults["unit"], panel["title"]
        assert defaults["thresholds"]["steps"], panel["title"]
        assert panel["targets"], panel["title"]
    assert {note["name"] for note in board["annotations"]["list"]} == {"Alerts", "Deployments"}
    assert board["links"]
    assert board["templating"]["list"]


@pytest.mark.parametrize("expr", queries("prometheus", "expr"))
def test_promql_answers(living: Living, expr: str) -> None:
    """A real Prometheus that scrapes the installation answers the expression, and not with nothing."""
    assert living.prometheus.query(expand(expr)), expand(expr)


@pytest.mark.parametrize("sql", queries("grafana-clickhouse-datasource", "rawSql"))
def test_sql_answers(living: Living, sql: str) -> None:
    """The real ClickHouse with the world in it answers the query, and not with nothing."""
    assert run(living, sql), expand(sql)


def run(living: Living, sql: str) -> list[Any]:
    """Run a dashboard's SQL with the installation's database as the default one, as the data source has it."""
    client = connect(living.here.settings)
    client.database = living.here.settings.database
    return list(client.query(expand(sql)).result_rows)


@pytest.mark.parametrize(
    ("board", "variable"),
    [(name, v["name"]) for name, board in BOARDS.items() for v in board["templating"]["list"] if v["type"] == "query"],
)
def test_variables_find_values(living: Living, board: str, variable: str) -> None:
    """The query behind a variable offers something to choose, the value these tests use among it."""
    found = next(v for v in BOARDS[board]["templating"]["list"] if v["name"] == variable)
    if found["datasource"]["type"] == "prometheus":
        selector, label = re.fullmatch(r"label_values\((.+), (\w+)\)", found["query"]).groups()  # type: ignore[union-attr]
        assert living.prometheus.get(f"label/{label}/values", **{"match[]": selector})
    else:
        assert run(living, found["query"])


def test_annotations_are_valid(living: Living) -> None:
    """Prometheus understands the annotations; they may be empty, for on a good day nothing fires."""
    for board in BOARDS.values():
        for note in board["annotations"]["list"]:
            living.prometheus.query(note["target"]["expr"])
