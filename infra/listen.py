"""Where to listen: at an address of this machine, or else one line that says why not."""

from __future__ import annotations

import errno
import os
import socket

from infra.settings import SettingsError

WHERE = "JUICE_METRICS_HOST"
"""The setting that says at which address everything listens."""


def refused(error: OSError, host: str, port: int) -> SettingsError:
    """Return why one cannot listen there."""
    if error.errno == errno.EADDRNOTAVAIL:
        return SettingsError(f"{WHERE}: {host} is no address of this machine")
    if isinstance(error, socket.gaierror):
        return SettingsError(f"{WHERE}: {host}: {str(error.strerror).lower()}")
    return SettingsError(f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0).lower()}")


def listener(host: str, port: int) -> socket.socket:
    """Return a socket that listens there; raise SettingsError with the reason where that cannot be."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise refused(error, host, port) from None
