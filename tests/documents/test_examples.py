"""What docstrings show is what happens, in every module that shows anything."""

from __future__ import annotations

import doctest
import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("streams", "schemas", "sinks", "infra", "tests")
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): shown
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
    if (shown := len(re.findall(r"(?m)^ *>>> ", path.read_text())))
}
"""By name, how many examples it shows."""


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_true(name: str) -> None:
    """Each example gives what it says, and none is where nobody looks."""
    found = doctest.testmod(import_module(name))
    assert (found.failed, found.attempted) == (0, MODULES[name])


def test_examples_are_found() -> None:
    """Those of measures, where each file must have one, and of the rest."""
    assert sum(name.startswith("streams.measures.") for name in MODULES) > 15
    assert {"streams.runs", "schemas.text", "infra.dependencies", "sinks.lag"} <= set(MODULES)
    assert MODULES["infra.dependencies"] > 3
