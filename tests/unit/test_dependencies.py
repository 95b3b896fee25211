"""What we depend on is looked up, and what could not be looked up is never taken for good."""

from __future__ import annotations

import pytest

from infra import dependencies


def test_every_licence_of_what_is_installed_is_on_the_list() -> None:
    """Nothing that is installed has a licence that nobody has looked at."""
    found = dependencies.licences()
    assert len(found) > 50
    assert dependencies.refused(found) == []


@pytest.mark.parametrize(
    ("looked_up", "arguments", "code", "says"),
    [
        (([], 0, 9), [], 0, "advisories     9 packages looked up"),
        (([], 9, 9), [], 0, "NOT CHECKED    known faults of 9 of 9 packages"),
        (([], 9, 9), ["--strict"], 1, "NOT CHECKED    known faults of 9 of 9 packages"),
        ((["a 1: PYSEC-1, mended in 2"], 0, 9), [], 1, "known fault    a 1: PYSEC-1, mended in 2"),
    ],
)
def test_what_was_not_checked_is_said(
    looked_up: tuple[list[str], int, int],
    arguments: list[str],
    code: int,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A known fault fails the check; advisories out of reach are said aloud, and fail it when it is strict."""
    monkeypatch.setattr(dependencies, "advisories", lambda: looked_up)
    monkeypatch.setattr(dependencies, "licences", lambda: {"a": "MIT"})
    assert dependencies.main(arguments) == code
    assert says in capsys.readouterr().out
