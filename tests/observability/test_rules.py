"""Alerts: each can fire, each can be silent, each leads to a page that says what to do; and one does arrive."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.stack import StackInfo
from tests.harness import installation
from tests.observability.tools import tool
from tests.observability.watchers import FOLDER, alertmanager, eventually, prometheus, telemetry_port, webhook

ROOT = Path(__file__).parents[2]
CASES = sorted((Path(__file__).parent / "rules").glob("*.test.yml"))
ALERTS: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"] for rule in group["rules"]
]


def test_rules_and_configuration_are_valid() -> None:
    """promtool accepts the rules and the configuration."""
    for command in (["rules", "recording.yml", "alerts.yml"], ["config", "prometheus.yml"]):
        checked = subprocess.run(
            [tool("promtool"), "check", *command], cwd=FOLDER, capture_output=True, text=True, check=False
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_cases_hold() -> None:
    """promtool runs every case as written."""
    ran = subprocess.run([tool("promtool"), "test", "rules", *CASES], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert["alert"]))
def test_every_alert_has_both_cases_and_says_what_to_do(alert: dict[str, Any]) -> None:
    """One case fires, one is silent; there are a summary, a description with a number, and a section to read."""
    tests = [test for cases in CASES for test in yaml.safe_load(cases.read_text())["tests"]]
    checks = [check for test in tests for check in test.get("alert_rule_test", [])]
    outcomes = {bool(c["exp_alerts"]) for c in checks if c["alertname"] == alert["alert"]}
    assert outcomes == {True, False}
    notes = alert["annotations"]
    assert notes["summary"]
    assert "{{ $value" in notes["description"] or re.search(r"\d|minute|two|five|ten", notes["description"])
    page, anchor = notes["runbook_url"].split("#")
    section = re.search(rf"^## {alert['alert']}\n(.+?)(?=^## |\Z)", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)
    assert anchor == alert["alert"].lower()
    assert section
    assert [part for part in ("Means", "Look at", "Do") if f"**{part}.**" not in section[1]] == []


def test_recording_rules_are_named_level_metric_operation() -> None:
    """Each is level:metric:operation, and its expression is on the metric that it names."""
    for group in yaml.safe_load((FOLDER / "recording.yml").read_text())["groups"]:
        for rule in group["rules"]:
            level, metric, operation = rule["record"].split(":")
            assert level
            assert operation
            assert metric.removesuffix("_busy") in rule["expr"], rule["record"]


def test_a_fault_arrives_at_the_webhook(stack: StackInfo, tmp_path: Path) -> None:
    """Rubbish comes and the worker is killed: the alerts fire and arrive; mended, one is resolved."""
    with (
        installation(stack, tmp_path) as here,
        webhook() as (hook, arrived),
        alertmanager(tmp_path / "am", hook) as manager,
    ):
        worker, sink = here.start("worker"), here.start("sink")
        targets = {
            "juice-worker": [f"127.0.0.1:{telemetry_port(worker)}"],
            "juice-sink": [f"127.0.0.1:{telemetry_port(sink)}"],
        }
        with prometheus(tmp_path / "prom", targets, manager, faster=60) as watching:
            eventually(lambda: len(watching.query("juice_ready == 1")) == 2, 90, here.logs())
            good = [
                b'{"id":"%d","type":"like","time":%d,"actor":"a","object_author":"b"}' % (n, 1341100800000 + n)
                for n in range(200)
            ]
            here.feed(good)
            assert here.drain() is None, here.logs()
            settled = {"JuiceLookoutBlind"}
            eventually(lambda: watching.firing() <= settled and "nothing else fires", 60, here.logs())
            here.feed([b"rubbish"] * 100)
            eventually(lambda: "JuiceDeadLetters" in watching.firing(), 90, f"{watching.firing()} {here.logs()}")
            worker.kill()
            eventually(lambda: "JuiceWorkerAbsent" in {a["labels"]["alertname"] for a in arrived}, 60, str(arrived))
            got = next(a for a in arrived if a["labels"]["alertname"] == "JuiceWorkerAbsent")
            assert got["status"] == "firing"
            assert got["annotations"]["runbook_url"] == "docs/runbook.md#juiceworkerabsent"
            eventually(lambda: "JuiceDeadLetters" in {a["labels"]["alertname"] for a in arrived}, 60, str(arrived))
            again = here.start("worker", worker_port=targets["juice-worker"][0].split(":")[1])
            resolved = {"alertname": "JuiceWorkerAbsent", "status": "resolved"}
            eventually(
                lambda: any(
                    {"alertname": a["labels"]["alertname"], "status": a["status"]} == resolved for a in arrived
                ),
                120,
                again.said(),
            )
