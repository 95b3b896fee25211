"""The validation of influence, and influence on real events."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.decode import decode
from schemas.fact import Fact, fact_of
from streams.operations.validate import BASELINES, spearman, validate
from streams.subject import DAY, HOUR
from tests.unit.measures.world import NOON, act

HIGGS = Path(__file__).parents[2] / "infra" / "data" / "higgs-july-1-3.ndjson.gz"
JULY_1 = 1_341_100_800_000


@cache
def higgs() -> list[Fact]:
    """Return the real events that are shipped."""
    facts = []
    with gzip.open(HIGGS) as lines:
        for line in lines:
            decoded = decode(line.rstrip(b"\n"))
            assert isinstance(decoded, tuple)
            facts.append(fact_of(*decoded))
    return facts


def rank_by_sorting(values: list[float]) -> np.ndarray:
    """Return mean ranks the slow way: how many are smaller, and half of those that are equal."""
    array = np.array(values)
    return np.array([(array < value).sum() + ((array == value).sum() - 1) / 2 for value in array])


@given(pairs=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=40))
def test_spearman_is_the_correlation_of_ranks(pairs: list[tuple[int, int]]) -> None:
    """With or without ties, ρ equals numpy's correlation of mean ranks; constant sides have none."""
    left, right = [float(a) for a, _ in pairs], [float(b) for _, b in pairs]
    found = spearman(left, right)
    if len(set(left)) == 1 or len(set(right)) == 1:
        assert found is None
    else:
        expected = np.corrcoef(rank_by_sorting(left), rank_by_sorting(right))[0, 1]
        assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("days", [1, 2])
def test_influence_foretells_the_next_day(days: int) -> None:
    """On real events influence correlates with the shares of the next day clearly better than plain counts
    do."""
    split = JULY_1 + days * DAY
    found = validate(higgs(), split=split, until=split + DAY)
    assert found.accounts > found.shared > 100
    best = max(found.correlations[name] or 0.0 for name in BASELINES)
    influence = found.correlations["influence"] or 0.0
    assert influence > best + 0.04
    if days == 2:
        assert influence > 0.44, "0.40 is to be beaten clearly"


@pytest.mark.parametrize("hours", [30, 36, 42, 54, 60])
def test_influence_foretells_the_next_half_day(hours: int) -> None:
    """The same holds from any hour on and for half a day."""
    split = JULY_1 + hours * HOUR
    found = validate(higgs(), split=split, until=split + DAY // 2)
    influence = found.correlations["influence"] or 0.0
    assert influence > max(found.correlations[name] or 0.0 for name in BASELINES)


def test_only_what_came_before_ranks_and_only_shares_after_count() -> None:
    """What comes after the split moves no rank, and nothing but shares before the end is foretold."""
    before = [act("share", f"fan{n}", "ada", at=NOON - n) for n in range(9)] + [act("like", "x", "bob", at=NOON - 1)]
    after = [
        act("share", "y", "ada", at=NOON),
        act("like", "y", "bob", at=NOON),
        act("share", "y", "bob", at=NOON + DAY),
        act("share", "y", "new", at=NOON),
    ]
    found = validate(before + after, split=NOON, until=NOON + DAY)
    assert (found.accounts, found.shared) == (2, 1)
    assert set(found.correlations) == {"influence", *BASELINES}
    assert all(value == 1.0 for value in found.correlations.values())
    empty = validate([], split=NOON, until=NOON + DAY)
    assert (empty.accounts, empty.correlations["influence"]) == (0, None)
