"""A clock that stands."""

from __future__ import annotations

import pytest

from streams.engine import clients, consumer, holes, lease, pacing


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let the clock of the consumer and its parts stand; whoever changes the one number in the list moves it."""
    moment = [1_000.0]
    for module in (clients, consumer, holes, lease, pacing):
        monkeypatch.setattr(module, "monotonic", lambda: moment[0])
    return moment
