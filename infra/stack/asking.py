"""Do servers that run answer? One that is frozen is connected to all the same, since the system answers for it."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import Final

from infra.stack.info import StackInfo
from infra.stack.state import CLICKHOUSE

WITHIN: Final = 1.0
"""Seconds in which a server has to say something."""
PING: Final = b"GET /ping HTTP/1.0\r\n\r\n"
VERSIONS: Final = struct.pack(">ihhih", 10, 18, 0, 1, -1)
"""Kafka's request ApiVersions, which everybody may ask, in its first version: its length, what it is, and no client's name."""


def silent(info: StackInfo) -> frozenset[str]:
    """Return the names of the servers that run and do not answer."""
    return frozenset(name for name, address, request in _questions(info) if not _answers(address, request))


def _questions(info: StackInfo) -> Iterator[tuple[str, str, bytes]]:
    """Give name, address and request of each server that runs; of brokers the address where nobody is asked for a login."""
    brokers = iter(info.kafka_internal.split(","))
    for service in info.services:
        address, request = (service.address, PING) if service.name == CLICKHOUSE else (next(brokers), VERSIONS)
        if service.running:
            yield service.name, address, request


def _answers(address: str, request: bytes) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), WITHIN) as connection:
            connection.sendall(request)
            return bool(connection.recv(1))
    except OSError:
        return False
