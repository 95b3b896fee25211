"""ClickHouse over HTTP on loopback: its configuration, its process, whether it answers."""

from __future__ import annotations

import sys
import urllib.request
from pathlib import Path
from xml.sax.saxutils import escape

import psutil

from infra.clickhouse_users import users_file
from infra.stack import artifacts, clickhouse_server, ports
from infra.stack.home import Home, write_private
from infra.stack.process import Process, spawn
from infra.stack.state import CLICKHOUSE, Service, State


def configuration(home: Home, port: int, *, memory: int) -> str:
    """The server's configuration for a machine of `memory` bytes, shared with Kafka and the workers."""
    folder = home.clickhouse
    log = home.logs / "clickhouse-server.log"
    settings = {
        "path": folder / "data",
        "users_config": folder / "users.xml",
        "http_port": port,
        "listen_host": ports.LOOPBACK,
        "timezone": "UTC",
        "max_server_memory_usage": max(memory // 3, 1 << 30),
        "mark_cache_size": 64 << 20,
        "uncompressed_cache_size": 0,
        "background_pool_size": 4,
        "background_schedule_pool_size": 8,
        "background_common_pool_size": 4,
        "max_connections": 256,
        "max_concurrent_queries": 64,
    }
    plain = "".join(f"  <{key}>{escape(str(value))}</{key}>\n" for key, value in settings.items())
    logger = f"<log>{escape(str(log))}</log><size>50M</size><count>2</count>"
    backups = f"<allowed_path>{escape(str(folder / 'backups'))}</allowed_path>"
    return f"<clickhouse>\n{plain}  <logger>{logger}</logger>\n  <backups>{backups}</backups>\n</clickhouse>\n"


def start(home: Home, state: State) -> Process:
    """Write the configuration and start the server. Does not wait for it.

    `state.users` is a ClickHouse users file to serve with. In it, `default` must have no password and be
    allowed from loopback, because the session that keeps the server up is that user's. It needs no more than
    `<grants><query>GRANT SYSTEM LISTEN ON *.*</query></grants>`, with which it sees no table.
    """
    folder = home.clickhouse
    (folder / "data").mkdir(parents=True, exist_ok=True)
    home.logs.mkdir(parents=True, exist_ok=True)
    users = users_file().encode() if state.users is None else Path(state.users).read_bytes()
    write_private(folder / "users.xml", users)
    config_path(home).write_text(configuration(home, state.clickhouse.port, memory=psutil.virtual_memory().total))
    library = artifacts.clickhouse_library()
    command = [sys.executable, "-I", clickhouse_server.__file__, str(library), *command_end(home)]
    return spawn(command, log=home.log(CLICKHOUSE))


def config_path(home: Home) -> Path:
    """The server's configuration file."""
    return home.clickhouse / "config.xml"


def command_end(home: Home) -> tuple[str, str]:
    """The last words of the server's command line, which no other process has."""
    return "serve", str(config_path(home))


def ready(server: Service) -> bool:
    """True when the server answers a request over HTTP."""
    if not ports.listens(server.process, server.port):
        return False
    try:
        with urllib.request.urlopen(f"http://{ports.LOOPBACK}:{server.port}/ping", timeout=2) as answer:
            return bool(answer.read() == b"Ok.\n")
    except OSError:
        return False
