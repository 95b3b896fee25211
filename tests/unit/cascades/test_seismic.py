"""The forecast against the paper's formulas integrated numerically, share by share."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from streams.measures.cascade.catalogue import CASCADE_EPISODES
from streams.measures.cascade.seismic import exposure, forecast, memory_integral, memory_moment
from streams.measures.cascade.tempo import Tempo
from streams.subject import HOUR, Now
from streams.subjects.cascades import Cascades
from tests.unit.cascades.helpers import given_events, plain_facts, run, shown

TOLERANCE = 0.005
"""Grouping shares by the minute, and old ones by the hour, changes a forecast by less than this part."""


def memory(age: np.ndarray) -> np.ndarray:
    """Return φ as the paper has it: constant for 300 s, then a power law."""
    return 6.2657e-4 * np.where(age <= 300, 1.0, (np.maximum(age, 1) / 300) ** -1.23148) * (age > 0)


def numeric_forecast(at: float, times: np.ndarray, followers: np.ndarray) -> tuple[float, float]:
    """Return p̂ and R∞ at `at` seconds; `times` and `followers` begin with the post itself."""
    seen = times < at
    ages, followers = at - times[seen], followers[seen]
    window = min(max(at / 2, 300.0), 7_200.0)
    ago = (np.arange(2_000) + 0.5) / 2_000 * window
    kernel = 1 - ago / window
    exposed = sum(
        n * (memory(age - ago) * kernel).sum() * window / 2_000 for age, n in zip(ages, followers, strict=True) if n
    )
    late = ages[1:][ages[1:] <= window]
    p = (1 - late / window).sum() / exposed
    # ∫ from the age to infinity, of c before 300 s and of the power law behind, each by its antiderivative.
    tail = 6.2657e-4 * 300 / 0.23148
    left = np.where(ages <= 300, 6.2657e-4 * (300 - ages) + tail, tail * (np.maximum(ages, 1) / 300) ** -0.23148)
    return p, len(ages) - 1 + p * (followers * left).sum() / (1 - 100 * p)


@pytest.mark.parametrize("hours", [1, 2, 6])
def test_the_given_cascade_is_forecast_as_the_formulas_say(hours: int) -> None:
    """After 1, 2 and 6 hours the row's forecast is the numeric one within half a percent."""
    events = list(given_events("seismic-cascade"))
    instants = np.array([datetime.fromisoformat(event["time"]).timestamp() for event in events])
    followers = np.array([event["actor_followers"] for event in events], dtype=float)
    p, size = numeric_forecast(hours * 3_600.0, instants - instants[0], followers)
    start = round(instants[0] * 1_000)
    facts = [fact for fact in plain_facts(events) if fact.time < start + hours * HOUR]
    rows = shown(run(Cascades(), [facts], Now(start + hours * HOUR, 0)), CASCADE_EPISODES)
    row = rows["seismic", "share", 0]
    assert row["infectiousness"] == pytest.approx(p, rel=TOLERANCE)
    assert row["forecast_size"] == pytest.approx(size, rel=TOLERANCE)
    assert not row["unbounded"]


def test_the_given_cascade_ends_with_the_size_that_it_had() -> None:
    """All 15,562 shares are counted, and the forecasts of the first hours bracket that size."""
    facts = list(plain_facts(given_events("seismic-cascade")))
    start = facts[0].time
    forecasts = []
    for hours in (1, 2, 6, 170):
        batch = [fact for fact in facts if fact.time < start + hours * HOUR]
        (row,) = shown(run(Cascades(), [batch], Now(start + hours * HOUR, 0)), CASCADE_EPISODES).values()
        forecasts.append(row["forecast_size"])
    assert row["size"] == 15_562
    assert all(15_562 / 2.2 < size < 15_562 * 1.2 for size in forecasts)
    assert abs(forecasts[2] - 15_562) < 0.05 * 15_562


def test_the_closed_forms_are_the_integrals_of_the_memory() -> None:
    """Φ, its first moment and the exposure under the triangle agree with sums over fine steps."""
    for age in (10.0, 299.0, 301.0, 5_000.0, 200_000.0):
        step = age / 400_000
        steps = (np.arange(400_000) + 0.5) * step
        assert memory_integral(age) == pytest.approx(memory(steps).sum() * step, rel=1e-4)
        assert memory_moment(age) == pytest.approx((steps * memory(steps)).sum() * step, rel=1e-4)
        for window in (300.0, 7_200.0):
            ago = (np.arange(400_000) + 0.5) * window / 400_000
            value = (memory(age - ago) * (1 - ago / window)).sum() * window / 400_000
            assert exposure(age, window) == pytest.approx(value, rel=1e-3)


def test_a_cascade_that_spreads_faster_than_it_fades_has_no_forecast() -> None:
    """With p̂ at or above 1/n* the size is unbounded, and said to be."""
    coming = forecast(size=50, elapsed=3_600.0, followers=10, ages=[(60.0, 50, 60.0, 500)])
    assert coming.size is None
    assert coming.unbounded
    assert coming.infectiousness >= 0.01


def test_nothing_is_forecast_from_too_little() -> None:
    """Fewer than five shares, or nobody with a known follower, leave the size as it is."""
    for size, followers in ((4, 100), (50, 0)):
        coming = forecast(size=size, elapsed=600.0, followers=followers, ages=[(60.0, size, 0.0, 0)])
        assert (coming.size, coming.known) == (size, False)


def test_a_cascade_that_has_died_is_forecast_to_stay() -> None:
    """With its last shares days ago and read through a window widened to them, little is still to come."""
    tempo = Tempo()
    for second in range(0, 600, 10):
        tempo.add(second * 1_000, 50, 1)
    coming = forecast(size=60, elapsed=5 * 86_400.0, followers=1_000, ages=tempo.ages(5 * 86_400_000))
    assert coming.size is not None
    assert 60 <= coming.size < 66
