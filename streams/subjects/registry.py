"""Every kind of subject there is: what the stages run and the tests try.

`Ledger` stands in `chosen` alone, since it takes the place of `Accounts`. Tables are declared elsewhere (`streams.tables`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from streams.campaigns.rulebook import Rulebook
from streams.subject import Subject
from streams.subjects.accounts import Accounts
from streams.subjects.campaigns import Campaigns
from streams.subjects.cascades import SILENCE, Cascades
from streams.subjects.entrants import Entrants
from streams.subjects.ledger import Ledger
from streams.subjects.mayors import Mayors
from streams.subjects.tags import Tags
from streams.subjects.ties import Ties


def all_subjects(*, rulebook: Rulebook | None = None, silence: int = SILENCE) -> tuple[Subject[Any], ...]:
    """Return one of each subject; those of campaigns share the rules in `rulebook` (none by default), and cascades end
    after a `silence` in milliseconds.
    """
    rules = Rulebook() if rulebook is None else rulebook
    return Accounts(), Ties(), Cascades(silence=silence), Tags(), Mayors(rules), Campaigns(rules), Entrants(rules)


def chosen(
    names: Collection[str], *, rulebook: Rulebook | None = None, silence: int = SILENCE
) -> tuple[Subject[Any], ...]:
    """Return the subjects of these names, all for none, with the rest as in `all_subjects`; raise ValueError for one that
    there is not, for two that exclude each other, and for one without another that it needs.

    >>> [subject.name for subject in chosen(["ledger"])]
    ['ledger']
    >>> chosen(["acounts"])
    Traceback (most recent call last):
    ...
    ValueError: no subject acounts; there are accounts, ties, cascades, tags, mayors, campaigns, entrants, ledger
    """
    subjects = all_subjects(rulebook=rulebook, silence=silence)
    if not names:
        return subjects
    known = {subject.name: subject for subject in (*subjects, Ledger())}
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"no subject {', '.join(unknown)}; there are {', '.join(known)}")
    if Campaigns.name in names and Entrants.name not in names:
        raise ValueError("campaigns counts what entrants keeps: choose both")
    if {Accounts.name, Ledger.name} <= set(names):
        raise ValueError("accounts has the ledger in it: choose one of the two")
    return tuple(known[name] for name in known if name in names)
