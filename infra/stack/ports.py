"""Ports on loopback: is one free, who has it, which one to take."""

from __future__ import annotations

import contextlib
import random
import socket

import psutil

from infra.stack.errors import PortTaken, StackError
from infra.stack.process import Process

LOOPBACK = "127.0.0.1"

# Below the range the system hands to outgoing connections (from 32768 on Linux, 49152 on macOS): a server
# that is killed and started again must find its port as it left it.
_OURS = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """True when a server could listen on this port of loopback now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # TIME_WAIT does not count as taken
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def choose(*, what: str, fixed: int | None, wishes: tuple[int, ...] = (), taken: frozenset[int] = frozenset()) -> int:
    """The port for `what`.

    `fixed` is the user's: it or PortTaken. Otherwise the first free of `wishes`, otherwise any free one.
    `taken` are ports promised to others of this stack.
    """
    if fixed:
        if not 0 < fixed < 65_536:
            raise StackError(f"{fixed} is not a port for {what}: choose one from 1 to 65535, or 0 for any")
        if fixed in taken or not is_free(fixed):
            raise PortTaken(
                f"port {fixed} for {what} is in use{_owner(fixed)}; free it, or choose another (0 takes any)"
            )
        return fixed
    for port in (*wishes, *random.sample(_OURS, 200)):
        if port not in taken and is_free(port):
            return port
    raise StackError(f"no free port found for {what}")


def listens(process: Process | None, port: int) -> bool:
    """True when this very process listens on this port: a stranger who was quicker does not count."""
    try:
        found = psutil.Process(process.pid).net_connections(kind="tcp") if process else []
    except psutil.Error:
        return False
    return any(c.status == psutil.CONN_LISTEN and c.laddr and c.laddr[1] == port for c in found)


def _owner(port: int) -> str:
    with contextlib.suppress(psutil.Error):  # some systems show other users' sockets to root only
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr[1] == port:
                if connection.pid is None:
                    break
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return ""
