"""Compose, Prometheus, Grafana, settings and documents name the same ports, hosts, paths, users and series."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import typer.main
import yaml

from infra.settings import Settings, load, unknown
from streams.cli import register
from streams.cli.app import app
from streams.names import Names
from streams.operations.access import roles, users_file
from streams.topics import topic_specs
from tests.observability.test_telemetry import documented
from tests.observability.tools import absent

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PROMETHEUS = yaml.safe_load((ROOT / "infra/prometheus/prometheus.yml").read_text())
PAGES = ("runbook", "operations", "telemetry")
DEFAULT_PORTS = {
    "kafka": {9092, 29092},
    "clickhouse": {8123},
    "prometheus": {9090},
    "alertmanager": {9093},
    "grafana": {3000},
}
"""Where the servers of others listen by themselves."""


def listens(service: str) -> set[int]:
    """Return the ports on which a service of the compose file listens."""
    env = SERVICES[service].get("environment", {})
    of_settings = {int(value) for name, value in env.items() if re.fullmatch(r"JUICE_(WORKER|SINK|SERVE)_PORT", name)}
    return DEFAULT_PORTS.get(service, set()) | of_settings


def test_compose_itself_accepts_the_file() -> None:
    """The loader that docker compose is made of reads the file and finds nothing wrong with it."""
    go = shutil.which("go")
    if go is None:
        absent("there is no Go to build compose's loader with; the walks below still hold the file")
    module = "github.com/compose-spec/compose-go/v2/cmd@v2.9.0"
    env = {**os.environ, "GOFLAGS": "-mod=mod"}
    ran = subprocess.run(
        [str(go), "run", module, "docker-compose.yml"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert set(yaml.safe_load(ran.stdout)["services"]) == set(SERVICES)


def test_hadolint_has_nothing_to_say() -> None:
    """The Dockerfile follows hadolint's rules, all of them."""
    beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    hadolint = shutil.which("hadolint", path=beside)
    if hadolint is None:
        absent("there is no hadolint; `make setup` installs it")
    done = subprocess.run(
        [str(hadolint), "--no-color", str(ROOT / "infra/containers/Dockerfile")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_every_service_is_bounded_checked_and_pinned() -> None:
    """Images are pinned to a release, processes have limits; what stays up has a health check; ours have no privileges."""
    for name, service in SERVICES.items():
        assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+(\.\d+)?", service["image"]), name
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}, name
        assert "healthcheck" in service or name == "migrate", name
        assert "container_name" not in service, name
        if service["image"].startswith("juice"):
            assert service["read_only"] is True
            assert service["cap_drop"] == ["ALL"]
    assert not [
        port for service in SERVICES.values() for port in service.get("ports", []) if not port.startswith("127.0.0.1:")
    ]
    dockerfile = (ROOT / "infra/containers/Dockerfile").read_text()
    assert re.search(r"^USER 10001", dockerfile.split("\nFROM ")[-1], re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) == {"python:3.11.13-slim-bookworm"}
    assert "ports" not in SERVICES["worker"], "published ports would stop --scale"


def test_settings_in_compose_are_settings() -> None:
    """Every JUICE_ variable is a setting with a value it takes, and ports are the defaults that documents name."""
    for name, service in SERVICES.items():
        env = {key: str(value) for key, value in service.get("environment", {}).items() if key.startswith("JUICE_")}
        assert unknown(env) == [], name
        load({key: value for key, value in env.items() if not key.endswith("_FILE")})
    fields = Settings.model_fields
    assert listens("worker") == {fields["worker_port"].default}
    assert listens("sink") == {fields["sink_port"].default}
    assert listens("page") == {fields["serve_port"].default}


def addresses() -> Iterator[tuple[str, str, int]]:
    """Yield who names which host and port."""
    for name, service in SERVICES.items():
        env = service.get("environment", {})
        for value in (str(env.get("JUICE_KAFKA", "")), urlsplit(str(env.get("JUICE_CLICKHOUSE", ""))).netloc):
            if value:
                yield name, value.split(":")[0], int(value.split(":")[1])
        for host, port in re.findall(r"http://([\w.]+):(\d+)", json.dumps(service.get("healthcheck", {}))):
            assert host == "127.0.0.1"
            yield f"{name}'s health check", name, int(port)
        for port in service.get("ports", []):
            yield f"{name}'s published port", name, int(port.split(":")[-1])
    for scrape in PROMETHEUS["scrape_configs"]:
        for found in scrape.get("dns_sd_configs", []):
            for host in found["names"]:
                yield scrape["job_name"], host, found["port"]
        for static in scrape.get("static_configs", []):
            for target in static["targets"]:
                host, port = target.split(":")
                yield scrape["job_name"], "prometheus" if host == "localhost" else host, int(port)
    for manager in PROMETHEUS["alerting"]["alertmanagers"]:
        for target in manager["static_configs"][0]["targets"]:
            yield "alerting", target.split(":")[0], int(target.split(":")[1])
    for source in yaml.safe_load((ROOT / "infra/grafana/provisioning/datasources/juice.yml").read_text())[
        "datasources"
    ]:
        if "url" in source:
            yield source["name"], urlsplit(source["url"]).hostname or "", urlsplit(source["url"]).port or 0
        else:
            yield source["name"], source["jsonData"]["host"], source["jsonData"]["port"]


@pytest.mark.parametrize(("who", "host", "port"), list(addresses()))
def test_whoever_is_named_listens(who: str, host: str, port: int) -> None:
    """A host that is named is a service, and listens on the port that is named."""
    assert host in SERVICES, who
    assert port in listens(host), who


def test_secrets_are_given_to_those_who_read_them() -> None:
    """Each path below /run/secrets is of a secret that exists and that the service has."""
    readers = {name: json.dumps(service) for name, service in SERVICES.items()}
    readers["alertmanager"] += (ROOT / "infra/prometheus/alertmanager.yml").read_text()
    readers["grafana"] += (ROOT / "infra/grafana/provisioning/datasources/juice.yml").read_text()
    script = (ROOT / "infra/containers/clickhouse.sh").read_text()
    [looped] = re.findall(r"for role in (.+); do", script)
    readers["clickhouse"] += "".join(f"/run/secrets/clickhouse_{role}\n" for role in looped.split())
    assert '"${SECRETS:-/run/secrets}/clickhouse_$role"' in script
    for name, text in readers.items():
        read = set(re.findall(r"/run/secrets/(\w+)", text))
        assert read == set(SERVICES[name].get("secrets", [])), name
        assert read <= set(COMPOSE["secrets"])
    page = (ROOT / "docs/operations.md").read_text()
    assert [name for name in COMPOSE["secrets"] if name not in page] == []
    assert "secrets" in (ROOT / ".dockerignore").read_text().split()


def test_paths_exist_on_both_sides() -> None:
    """What is mounted is there, every volume is declared, and programs are told paths that are mounted."""
    for name, service in SERVICES.items():
        mounts = [mount.split(":") for mount in service.get("volumes", [])]
        for source, *_ in mounts:
            assert (ROOT / source).exists() if source.startswith("./") else source in COMPOSE["volumes"], (
                f"{name}: {source}"
            )
        told = re.findall(r"=(/(?:etc|prometheus|alertmanager)[\w./-]*)", " ".join(service.get("command", [])))
        told += [
            str(v) for k, v in service.get("environment", {}).items() if k in ("JUICE_CAMPAIGNS", "KAFKA_LOG_DIRS")
        ]
        for path in told:
            assert any(path.startswith(target) for _, target, *_ in mounts), f"{name}: {path}"
    assert set(PROMETHEUS["rule_files"]) <= {file.name for file in (ROOT / "infra/prometheus").iterdir()}
    provider = yaml.safe_load((ROOT / "infra/grafana/provisioning/dashboards/juice.yml").read_text())["providers"][0]
    assert any(mount.split(":")[1] == provider["options"]["path"] for mount in SERVICES["grafana"]["volumes"])
    for copied in re.findall(
        r"^COPY (?!--from)(.+) \S+$", (ROOT / "infra/containers/Dockerfile").read_text(), re.MULTILINE
    ):
        assert [path for path in copied.split() if not (ROOT / path).exists()] == []


def test_everybody_is_the_user_of_their_role() -> None:
    """ClickHouse's users are those of `juice access`; each service logs in as the one whose role names its command, with
    that one's password; a worker does not log in at all; and Grafana looks at the database that juice fills.
    """
    found = {f"juice_{role.name}": role for role in roles(load({})) if role.clickhouse}
    assert (ROOT / "infra/containers/clickhouse-users.xml").read_text() == users_file(tuple(found.values()))
    assert set(COMPOSE["secrets"]) >= {f"clickhouse_{role.name}" for role in found.values()}
    for name, service in SERVICES.items():
        env = service.get("environment", {})
        given = [secret for secret in service.get("secrets", []) if secret.startswith("clickhouse_")]
        if (user := env.get("JUICE_CLICKHOUSE_USER")) is not None:
            assert f"juice {service['command'][0]}" in found[user].doc
            assert env["JUICE_CLICKHOUSE_PASSWORD_FILE"] == f"/run/secrets/clickhouse_{found[user].name}", name
            assert given == [f"clickhouse_{found[user].name}"], name
        elif name not in ("clickhouse", "grafana"):
            assert given == [], name
            assert "JUICE_CLICKHOUSE" not in env, name
    sources = yaml.safe_load((ROOT / "infra/grafana/provisioning/datasources/juice.yml").read_text())["datasources"]
    [source] = [source for source in sources if "clickhouse" in source["type"]]
    role = found[source["jsonData"]["username"]]
    assert "Grafana" in role.doc
    assert source["secureJsonData"]["password"] == f"$__file{{/run/secrets/clickhouse_{role.name}}}"
    assert source["jsonData"]["defaultDatabase"] == Settings.model_fields["database"].default


def test_jobs_are_those_that_rules_and_dashboards_name() -> None:
    """A job that an expression names is one that is scraped."""
    texts = [file.read_text() for folder in ("prometheus", "grafana") for file in (ROOT / "infra" / folder).rglob("*.*")
             if file.suffix in (".yml", ".py")]  # fmt: skip
    jobs = {scrape["job_name"] for scrape in PROMETHEUS["scrape_configs"]}
    named = {job for text in texts for job in re.findall(r'job="([\w-]+)"', text)}
    assert named
    assert named <= jobs


def test_series_that_are_named_exist() -> None:
    """Every juice_ series in rules, dashboards and documents is on the telemetry page, or a recording rule."""
    known = set(documented()) | {
        f"{n}{s}" for n, (k, _) in documented().items() if k == "histogram" for s in ("_bucket", "_sum", "_count")
    }
    files = [*(ROOT / "infra/prometheus").glob("*.yml"), *(ROOT / "infra/grafana/dashboards").glob("*.json")]
    files += [ROOT / "docs" / f"{page}.md" for page in PAGES]
    recorded = set(re.findall(r"record: ([\w:]+)", (ROOT / "infra/prometheus/recording.yml").read_text()))
    for file in files:
        text = file.read_text()
        for rule in re.findall(r"\b\w+:juice_\w+:\w+", text):
            assert rule in recorded, f"{file.name}: {rule}"
        plain = re.sub(r"\b\w+:juice_\w+:\w+", "", text)
        named = {
            name for name in re.findall(r"(?<![\w.])juice_[a-z_]+[a-z]", plain) if not name.startswith("juice_again")
        }
        named -= {f"juice_{role.name}" for role in roles(load({}))}
        assert named <= known, f"{file.name}: {named - known}"


def test_settings_and_topics_in_documents_exist() -> None:
    """Every JUICE_ variable and every topic that a document names is one."""
    topics = {spec.name for spec in topic_specs(load({}), 1)}
    stages = {Names().source(stage) for stage in ("ingest", "accept", "accumulate")}
    assert stages <= topics
    for page in PAGES:
        text = (ROOT / "docs" / f"{page}.md").read_text()
        assert unknown(dict.fromkeys(re.findall(r"JUICE_[A-Z_]+[A-Z]", text), "")) == [], page
        assert set(re.findall(r"`(social\.[\w-]+)`", text)) <= topics, page


def commands() -> list[str]:
    """Return every juice command line of the compose file; those of documents are run, in tests/documents."""
    return sorted(f"juice {' '.join(s['command'])}" for s in SERVICES.values() if s["image"].startswith("juice"))


@pytest.mark.parametrize("line", commands())
def test_commands_of_containers_exist(line: str) -> None:
    """The command exists and takes the options and arguments that the compose file gives it."""
    register("")
    group: Any = typer.main.get_command(app)
    name, *arguments = shlex.split(line)[1:]
    assert name in group.commands, f"there is no `juice {name}`"
    assert group.commands[name].make_context(name, arguments).command.name == name
