"""Where peers come from: a venv each from the package index, jars from Maven; kept for the next run."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jgo.maven import MavenContext
from jgo.parse import Coordinate

from infra.stack import java
from infra.stack.artifacts import FOLDER

PATIENCE_S: Final = 600
ECJ: Final = ("org.eclipse.jdt:ecj:3.42.0",)
"""Eclipse's compiler runs on a JRE, so no JDK is needed."""


class NotInstalled(Exception):
    """A peer that could not be installed; the message says which and why."""


@dataclass(frozen=True, kw_only=True)
class Installer:
    """Installs into `folder`; `say` is told, once, what is being fetched."""

    folder: Path = FOLDER / "bench"
    say: Callable[[str], None] = print

    def python(self, name: str, requirements: Sequence[str]) -> Path:
        """Return the Python of a venv that holds `requirements`, made anew when they have changed.

        Raises NotInstalled with pip's last lines.
        """

        def make(venv: Path) -> None:
            self._run([sys.executable, "-m", "venv", str(venv)])
            pip = [
                str(venv / "bin" / "python"),
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ]
            self._run([*pip, *requirements])

        return self._once(f"{name}-{_digest(requirements)}", make, move=False) / "bin" / "python"

    def jars(self, name: str, coordinates: Sequence[str]) -> list[Path]:
        """Return the jars of `group:artifact:version` and of all they need. Raises NotInstalled."""

        def fetch(into: Path) -> None:
            with tempfile.TemporaryDirectory() as cache:
                maven = MavenContext(repo_cache=Path(cache), timeout=60)
                wanted = [maven.create_dependency(_coordinate(coordinate)) for coordinate in coordinates]
                direct, needed = maven.resolver.resolve(wanted)
                for dependency in [*direct, *needed]:
                    if dependency.scope in ("compile", "runtime"):
                        jar = Path(dependency.artifact.resolve())
                        shutil.copyfile(jar, into / jar.name)

        return sorted(self._once(f"{name}-{_digest(coordinates)}", fetch).glob("*.jar"))

    def classes(self, source: Path, jars: Sequence[Path]) -> Path:
        """Return the folder of `source` compiled: by the `javac` beside `java`, or without one by ecj."""
        javac = java.find().path.resolve().with_name("javac")
        path = ":".join(map(str, jars))

        def compile_into(folder: Path) -> None:
            if javac.exists():
                self._run([str(javac), "-nowarn", "-cp", path, "-d", str(folder), str(source)])
            else:
                ecj = [str(java.find().path), "-cp", ":".join(map(str, self.jars("ecj", ECJ)))]
                ecj += ["org.eclipse.jdt.internal.compiler.batch.Main", "-nowarn", "-17"]
                self._run([*ecj, "-cp", path, "-d", str(folder), str(source)])

        return self._once(f"classes-{_digest([source.read_text(), path])}", compile_into)

    def _once(self, name: str, fill: Callable[[Path], None], *, move: bool = True) -> Path:
        """Return the folder `name`, filled by `fill` when it is not there; half an installation is never
        taken.

        What cannot be moved (`move=False`: a venv knows where it lies) is filled in its place, and marked
        when whole.
        """
        folder = self.folder / name
        mark = self.folder / f"{name}.whole"
        if mark.exists():
            return folder
        self.say(f"installing {name.rsplit('-', 1)[0]} …")
        filled = folder if not move else folder.with_name(name + ".partial")
        for old in {folder, filled}:
            shutil.rmtree(old, ignore_errors=True)
        filled.mkdir(parents=True)
        try:
            fill(filled)
        except (OSError, RuntimeError, subprocess.TimeoutExpired) as error:
            raise NotInstalled(f"{name}: {error}") from error
        if filled != folder:
            filled.rename(folder)
        mark.touch()
        return folder

    def _run(self, command: list[str]) -> None:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        if done.returncode != 0:
            last = "\n".join((done.stderr + done.stdout).strip().splitlines()[-5:])
            raise NotInstalled(f"{Path(command[0]).name}: {last}")


def _coordinate(name: str) -> Coordinate:
    group, artifact, version = name.split(":")
    return Coordinate(groupId=group, artifactId=artifact, version=version, scope="compile")


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join([sys.version, *parts]).encode()).hexdigest()[:12]
