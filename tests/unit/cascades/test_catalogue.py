"""The catalogue of cascade measures: found by looking, documented, shown to work by their own examples."""

from __future__ import annotations

import re
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

import pytest

import streams.measures.cascade as package
from streams.measures.cascade.catalogue import CASCADE_EPISODES, MEASURES, measured
from streams.measures.cascade.view import cascade

MODULES = [import_module(f"{package.__name__}.{found.name}") for found in iter_modules(package.__path__)]
MEASURE_MODULES = [module for module in MODULES if hasattr(module, "MEASURE")]


@pytest.mark.parametrize("module", MEASURE_MODULES, ids=lambda module: module.__name__.rsplit(".", 1)[-1])
def test_every_measure_says_what_it_is(module: ModuleType) -> None:
    """A measure's file says what it is, in what units, whence, and what fools it, and shows an example."""
    for asked in ("Definition", "Units", "Source", "Fooled by"):
        assert asked in (module.__doc__ or ""), f"{module.__name__} does not say its {asked}"
    function = module.MEASURE.of
    assert ">>>" in (function.__doc__ or ""), f"{function.__name__} shows no example"
    assert function.__module__ == module.__name__
    assert len(function(cascade())) == len(module.MEASURE.columns), "of a root that nobody shared"


def test_every_measure_is_found() -> None:
    """The catalogue holds each file's measure, so that a file is all it takes to add one."""
    assert {id(module.MEASURE) for module in MEASURE_MODULES} == {id(measure) for measure in MEASURES}
    assert len(MEASURES) > 4


def test_columns_have_names_of_their_own_and_say_what_they_hold() -> None:
    """In the order in which a row says them, in one phrase each."""
    names = CASCADE_EPISODES.names
    assert len(set(names)) == len(names)
    assert len(measured(cascade())) == names.index("root_seen") - names.index("size") - 1
    for column in CASCADE_EPISODES.columns:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name)
        assert column.doc
        assert not column.doc.endswith(".")
