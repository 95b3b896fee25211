"""Measures, found by looking: a file with a `MEASURE` is part of what its folder measures."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any


def measures_in(package: ModuleType) -> list[Any]:
    """Return the `MEASURE` of each file of a package that has one, in the order of the files' names."""
    modules = [import_module(f"{package.__name__}.{found.name}") for found in iter_modules(package.__path__)]
    return [module.MEASURE for module in modules if hasattr(module, "MEASURE")]
