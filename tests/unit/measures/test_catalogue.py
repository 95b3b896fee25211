"""The catalogue of account measures: found by looking, documented, shown to work by their own examples."""

from __future__ import annotations

import re
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

import pytest

import streams.measures.account as package
from schemas.rows.table import encode_rows
from streams.measures.account.catalogue import ACCOUNT_SCORES, MEASURES
from streams.measures.account.measure import StandingMeasure, WindowMeasure
from streams.measures.account.views import account, window
from tests.unit.measures.test_influence import crowd
from tests.unit.measures.world import MINUTE, NOON, World, act

MODULES = [import_module(f"{package.__name__}.{found.name}") for found in iter_modules(package.__path__)]
MEASURE_MODULES = [module for module in MODULES if hasattr(module, "MEASURE")]


@pytest.mark.parametrize("module", MEASURE_MODULES, ids=lambda module: module.__name__.rsplit(".", 1)[-1])
def test_every_measure_says_what_it_is(module: ModuleType) -> None:
    """A measure's file says what it is, in what units, whence, and what fools it, and shows a small
    stream."""
    text = module.__doc__ or ""
    for asked in ("Definition|Formula", "Units", "Source", "Fooled by"):
        assert re.search(asked, text), f"{module.__name__} does not say its {asked}"
    function = module.MEASURE.of
    assert ">>>" in (function.__doc__ or ""), f"{function.__name__} shows no example"
    assert function.__module__ == module.__name__


def test_every_measure_is_found() -> None:
    """The catalogue holds each file's measure, so that a file is all it takes to add one of what views hold already."""
    assert {id(module.MEASURE) for module in MEASURE_MODULES} == {id(measure) for measure in MEASURES}
    assert len(MEASURES) > 15


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.columns[0].name)
def test_nothing_has_a_value_in_every_column(measure: WindowMeasure | StandingMeasure) -> None:
    """Of an account of which nothing is known, a measure says something for each of its columns."""
    [said] = measure.rows(window()) if isinstance(measure, WindowMeasure) else measure.rows(account(now=1))
    assert len(said) == len(measure.columns)


def test_columns_are_documented_and_have_names_of_their_own() -> None:
    """No two columns share a name, and each says what it holds in one phrase."""
    assert len(set(ACCOUNT_SCORES.names)) == len(ACCOUNT_SCORES.columns)
    for column in ACCOUNT_SCORES.columns:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name)
        assert column.doc
        assert not column.doc.endswith(".")


def test_values_fit_their_columns() -> None:
    """Rows of a rich and of a poor account hold values that ClickHouse takes for the column's type."""
    world = World()
    world.happen(
        *crowd(30, actor_followers=10**9),
        act("post", "ada", network="bluesky", actor_followers=0),
        act("unfollow", "bob", "poor"),
    )
    world.look(NOON + MINUTE)
    for row in (world.read("ada"), world.read("poor")):
        for column in ACCOUNT_SCORES.columns:
            value = row[column.name]
            if column.type.startswith("Nullable"):
                if value is None:
                    continue
            else:
                assert value is not None, column.name
            if "UInt" in column.type and not column.type.startswith("Map"):
                assert isinstance(value, int), column.name
                assert value >= 0, column.name
            elif "Int" in column.type and not column.type.startswith("Map"):
                assert isinstance(value, int), column.name
            elif "Float" in column.type:
                assert isinstance(value, int | float), column.name
        assert encode_rows([tuple(row.values())])
