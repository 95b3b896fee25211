"""Every kind of subject there is: the one list that the accumulate agent, the tests and the migrations read."""

from __future__ import annotations

from typing import Any

from streams.subject import Subject
from streams.subjects.accounts import Accounts


def all_subjects(*, rules: Any = None, settings: Any = None) -> tuple[Subject[Any], ...]:
    """Return one of each subject, with campaign `rules` and `settings` (None for the defaults) passed in."""
    return (Accounts(),)
