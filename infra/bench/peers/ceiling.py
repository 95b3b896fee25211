"""What nothing on Faust's driver can pass: fetch and decode, and nothing else."""

from __future__ import annotations

from importlib.metadata import version
from typing import ClassVar

from infra.bench.peer import PythonPeer


class Ceiling(PythonPeer):
    """Not a peer; the height of the room."""

    name = "ceiling"
    title = "ceiling"
    form = "aiokafka fetches, msgspec decodes the fields the count needs, nothing is counted"
    durable = "nothing"
    peer = False
    counts = False
    program: ClassVar[str] = "ceiling"

    def versions(self) -> dict[str, str]:
        """Return those of the project's own environment."""
        return {package: version(package) for package in ("aiokafka", "msgspec")}
