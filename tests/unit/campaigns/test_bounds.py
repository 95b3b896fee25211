"""Whatever arrives, no state grows beyond what one record of Kafka can hold."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.fact import CHECKIN, POST, REFERRAL, TAG, Fact
from streams.campaigns.rulebook import Rulebook
from streams.subject import DAY, HOUR, Rows, Subject
from streams.subjects.campaigns import Campaigns
from streams.subjects.entrants import Entrants
from streams.subjects.mayors import Mayors
from tests.unit.campaigns.drive import LAG, Drive, fact
from tests.unit.campaigns.every_kind import every_kind

LARGEST = 4_000_000
NAME = "n" * 500


def flood(kind: int, same: bool) -> list[Fact]:
    """Return 20,000 acts within an hour, of one account or of as many, with names as long as allowed."""
    return [
        fact(
            f"{n}",
            kind,
            n,
            NAME if same else f"{n:05d}{NAME}",
            tags=("juice",),
            venue="bar" if kind == CHECKIN else "",
            receivers=(f"{NAME}{n:05d}",) if kind in (REFERRAL, TAG) else (),
            followers=10,
            media=("photo",),
            text_hash=n + 1,
            object=f"{n}",
        )
        for n in range(20_000)
    ]


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("kind", [POST, CHECKIN, REFERRAL, TAG])
def test_flood(kind: int, same: bool) -> None:
    """A flood of acts, even before anything is presented, leaves every state below four megabytes."""
    book = Rulebook(every_kind(0))
    subjects: tuple[Subject[Any], ...] = Entrants(book), Campaigns(book), Mayors(book)
    facts = flood(kind, same)
    for subject in subjects:
        groups: dict[str, list[Fact]] = {}
        for one in facts:
            for key in subject.keys(one):
                groups.setdefault(key, []).append(one)
        for key, group in groups.items():
            state = subject.empty(key)
            subject.fold(key, state, group, Rows())
            assert len(subject.dump(state)) < LARGEST, (subject.name, key[:20])


@pytest.mark.parametrize("kind", [POST, CHECKIN, REFERRAL, TAG])
def test_steady_flood(kind: int) -> None:
    """The same over three days, settled on the way, leaves every state below four megabytes."""
    book = Rulebook(every_kind(0))
    drive = Drive(Campaigns(book), Mayors(book), lag=LAG)
    facts = [
        fact(
            f"{n}",
            kind,
            n * (3 * DAY // 20_000),
            f"{n % 15_000:05d}",
            tags=("juice",),
            venue="bar" if kind == CHECKIN else "",
            receivers=(f"r{n % 9_000}",) if kind in (REFERRAL, TAG) else (),
            followers=10,
            media=("photo",),
            object=f"{n}",
        )
        for n in range(20_000)
    ]
    drive.feed(facts, 4_000)
    assert max(map(len, drive.states.values())) < LARGEST
    drive.pass_to(3 * DAY + 3 * HOUR)
    assert max(map(len, drive.states.values())) < LARGEST
