"""An installation with real data, the page served from it, and a browser."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, sync_playwright

from infra import stack as local
from tests.harness import Installation, installation
from tests.page import world

CHROMIUM = "/usr/bin/chromium"
QUIET = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)


@dataclass(frozen=True)
class Served:
    """A page that is served: where, from what, and the folder of a stack of its own."""

    url: str
    here: Installation
    home: Path


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve the page from real events, with a worker and a sink that go on; its ClickHouse may be frozen and killed."""
    folder = tmp_path_factory.mktemp("page")
    rules = folder / "rules.toml"
    rules.write_text(world.RULES)
    home = folder / "home"
    info = local.up(home, kafka_port=0, clickhouse_port=0)
    try:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with installation(info, folder, campaigns=str(rules), serve_port=str(port)) as here:
            here.feed(world.events())
            here.start("worker")
            here.start("sink")
            assert here.drain() is None, here.logs()
            here.start("serve")
            url = f"http://127.0.0.1:{port}/"
            _wait_for(url, here)
            yield Served(url, here, home)
    finally:
        local.down(home, wipe=True)


def _wait_for(url: str, here: Installation) -> None:
    for _ in range(120):
        try:
            if httpx.get(url + "api/windows", timeout=20).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    raise AssertionError(here.logs())


@pytest.fixture(scope="module")  # while it lives, nothing else in the process can run an event loop of its own
def chromium() -> Iterator[Browser]:
    """Start a headless Chromium, installing Debian's where it is missing and we may; fail plainly where we may not."""
    if not Path(CHROMIUM).exists():
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            pytest.fail(f"no {CHROMIUM}: install Debian's package `chromium`; the page was not tested in a browser")
        command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            subprocess.run(["apt-get", "update", "-q"], capture_output=True, check=False)
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.fail(f"chromium could not be installed, the page was not tested in a browser:\n{done.stderr[-500:]}")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=list(QUIET), timeout=120_000)
        yield browser
        browser.close()
