"""A worker and a sink as children of the demo, ended with it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from infra.settings import SettingsError
from streams.demo.left import STOP_WITHIN


@contextmanager
def running(
    names: tuple[str, ...], environ: Mapping[str, str], logs: Path
) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Run `juice NAME` for each of `names`, logging to `logs`; stop them on the way out."""
    logs.mkdir(parents=True, exist_ok=True)
    children: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name in names:
            children[name] = start(name, environ, logs)
        yield children
    finally:
        stop(children.values())


def start(name: str, environ: Mapping[str, str], logs: Path) -> subprocess.Popen[bytes]:
    """Start `juice NAME` in a session of its own, so that Ctrl-C reaches it through us, in order."""
    with (logs / f"{name}.log").open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "streams.cli", name],
            env={**os.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )


def stop(children: object) -> None:
    """Ask all to stop, wait, and kill what does not."""
    processes = list(children)  # type: ignore[call-overload]
    for child in processes:
        if child.poll() is None:
            child.terminate()
    for child in processes:
        try:
            child.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def check(children: Mapping[str, subprocess.Popen[bytes]], logs: Path) -> None:
    """Raise SettingsError with the log's last line if a child has ended."""
    for name, child in children.items():
        if child.poll() is not None:
            lines = (logs / f"{name}.log").read_text(errors="replace").strip().splitlines() or [""]
            raise SettingsError(
                f"the {name} ended with code {child.returncode}: {lines[-1][:300]} (see {logs / name}.log)"
            )
