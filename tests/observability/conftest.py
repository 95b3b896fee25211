"""The world, once those who look at it from outside have seen all of it."""

from __future__ import annotations

import pytest

from tests.conftest import Living
from tests.observability.watchers import eventually


@pytest.fixture(scope="session")
def living(living: Living) -> Living:
    """Wait for the lookout, which asks every half minute: what it says must be of the whole world, and scraped."""
    said = f"min(juice_look_last_success_timestamp_seconds) > {living.since}"
    eventually(lambda: living.prometheus.query(said), 240, living.here.logs())
    return living
