"""A real Prometheus and Alertmanager on free ports, scraping an installation under test, with intervals of a second."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import yaml

from tests.harness import Running
from tests.observability.tools import tool

FOLDER = Path(__file__).parents[2] / "infra" / "prometheus"


def telemetry_port(process: Running, timeout: float = 60) -> int:
    """Return the port on which a worker or sink serves its telemetry, as it says in its log."""
    return eventually(
        lambda: (
            int(found[1])
            if (found := re.search(r"telemetry='http://127\.0\.0\.1:(\d+)/metrics'", process.said()))
            else None
        ),
        timeout,
        f"{process.name} says no port: {process.said()[-500:]}",
    )


def eventually(look: Callable[[], Any], timeout: float, why: str) -> Any:
    """Return what `look` returns once that is not None or empty; fail with `why` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not (found := look()):
        assert time.monotonic() < deadline, why
        time.sleep(0.3)
    return found


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Prometheus:
    """A Prometheus that runs the product's rules."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **parameters: str) -> Any:
        """Return the data of an API call; fail with the server's own words."""
        try:
            with urlopen(f"{self.url}/api/v1/{path}?{urlencode(parameters)}") as answer:  # loopback
                return json.load(answer)["data"]
        except OSError as error:
            body = error.read().decode() if hasattr(error, "read") else str(error)
            raise AssertionError(f"{path} {parameters}: {body}") from None

    def query(self, expr: str) -> list[Any]:
        """Return the samples of an instant query."""
        return list(self.get("query", query=expr)["result"])

    def firing(self) -> set[str]:
        """Return the names of the alerts that fire."""
        return {a["labels"]["alertname"] for a in self.get("alerts")["alerts"] if a["state"] == "firing"}


@contextmanager
def webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Give the address of a webhook and the alerts that have arrived there."""
    arrived: list[dict[str, Any]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            arrived.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["alerts"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", arrived
    server.shutdown()


@contextmanager
def _server(command: list[str], folder: Path, ready: str) -> Iterator[None]:
    log = folder / f"{Path(command[0]).name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=out)
    try:
        eventually(lambda: _answers(ready) or process.poll() is not None, 60, f"{ready} does not answer")
        assert process.poll() is None, log.read_text()[-2000:]
        yield
    finally:
        process.terminate()
        process.wait(20)


def _answers(url: str) -> bool:
    try:
        with urlopen(url) as answer:  # loopback
            return bool(answer.status == 200)
    except OSError:
        return False


@contextmanager
def prometheus(
    folder: Path, targets: Mapping[str, list[str]], alertmanager: str = "", faster: int = 1, every: str = "1s"
) -> Iterator[Prometheus]:
    """Run a Prometheus on the product's own rule files; `targets` by job, scraped `every` so often.

    `faster` divides every `for:` and keeps expressions as they are.
    """
    folder.mkdir(exist_ok=True)
    rules = []
    for name in ("recording.yml", "alerts.yml"):
        text = (FOLDER / name).read_text()
        shorter = re.sub(
            r"for: (\d+)([smh])", lambda m: f"for: {int(m[1]) * {'s': 1, 'm': 60, 'h': 3600}[m[2]] // faster}s", text
        )
        (folder / name).write_text(shorter)
        rules.append(str(folder / name))
    config = {
        "global": {"scrape_interval": every, "evaluation_interval": every},
        "rule_files": rules,
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": list(of_job)}]} for job, of_job in targets.items()
        ],
    }
    if alertmanager:
        config["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    command = [
        tool("prometheus"), "--config.file=prometheus.yml", "--storage.tsdb.path=data",
        f"--web.listen-address={address}",
        "--log.level=warn",
    ]  # fmt: skip
    with _server(command, folder, f"http://{address}/-/ready"):
        yield Prometheus(f"http://{address}")


@contextmanager
def alertmanager(folder: Path, hook: str) -> Iterator[str]:
    """Run an Alertmanager on the product's own routes, with a webhook of ours and no waiting; give its address."""
    folder.mkdir(exist_ok=True)
    config = yaml.safe_load((FOLDER / "alertmanager.yml").read_text())
    config["route"] |= {"group_wait": "0s", "group_interval": "1s"}
    for receiver in config["receivers"]:
        for each in receiver["webhook_configs"]:
            del each["url_file"]
            each["url"] = hook
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    command = [
        tool("prometheus-alertmanager"), "--config.file=alertmanager.yml", "--storage.path=data",
        "--cluster.listen-address=",
        f"--web.listen-address={address}",
    ]  # fmt: skip
    with _server(command, folder, f"http://{address}/-/ready"):
        yield address
