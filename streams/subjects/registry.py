"""Every kind of subject there is: the one list that the stages, the tests and the migrations read."""

from __future__ import annotations

from typing import Any

from streams.campaigns.rulebook import Rulebook
from streams.subject import Subject
from streams.subjects.accounts import Accounts
from streams.subjects.campaigns import Campaigns
from streams.subjects.cascades import Cascades
from streams.subjects.entrants import Entrants
from streams.subjects.mayors import Mayors
from streams.subjects.tags import Tags
from streams.subjects.ties import Ties


def all_subjects(*, rulebook: Rulebook | None = None) -> tuple[Subject[Any], ...]:
    """Return one of each subject; those of campaigns share the rules in `rulebook` (none by default)."""
    rules = Rulebook() if rulebook is None else rulebook
    return Accounts(), Ties(), Cascades(), Tags(), Mayors(rules), Campaigns(rules), Entrants(rules)
