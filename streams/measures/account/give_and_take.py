"""Give and take: what was given, what was received, and whether it came back.

- Definition: given = actions on others (but follow and unfollow); balance = given − received. Of the people
  engaged with in the window, those who acted towards the account within 7 days after it: `returned_people`;
  their share is `returned_share`. Counting people, not actions, keeps two who trade all day from looking like
  a generous crowd.
- Units: actions; persons; a share of 1. NULL where nobody was engaged with.
- Source: the ledger of the mission.
- Fooled by: what came back late, or outside the stream; in a window that just began, little can have come
  back.
"""

from __future__ import annotations

from typing import Final

from schemas.fact import CHECKIN, FOLLOW, POST, UNFOLLOW
from schemas.rows.table import Column
from streams.measures.account.measure import WindowMeasure, WindowView, ratio, split

_NOT_TO_OTHERS: Final = (POST, CHECKIN, FOLLOW, UNFOLLOW)
_NO_ENGAGEMENT: Final = (FOLLOW, UNFOLLOW)


def give_and_take(view: WindowView) -> tuple[float | None, ...]:
    """Return given (three, and undisclosed), balance (three), returned people and share.

    >>> from streams.measures.account.person import Person
    >>> view = WindowView(people=(Person(out_earned=9, returned=9), Person(out_earned=8)), start=5)
    >>> view.given[1], view.received[3] = 4, 1  # replies given, a like received
    >>> give_and_take(view)
    (4, 4, 0, 0, 3, 3, 0, 1, 0.5)
    """
    given = sum(view.given)
    if given:
        given = _net(view.given, given, _NOT_TO_OTHERS)
    received = sum(view.received)
    if received:
        received = _net(view.received, received, _NO_ENGAGEMENT)
    bought = hidden = received_bought = 0
    if any(view.given_bought):
        bought = _net(view.given_bought, sum(view.given_bought), _NOT_TO_OTHERS)
        hidden = _net(view.given_undisclosed, sum(view.given_undisclosed), _NOT_TO_OTHERS)
    if any(view.received_bought):
        received_bought = _net(view.received_bought, sum(view.received_bought), _NO_ENGAGEMENT)
    start = view.start
    people = returned = 0
    for person in view.people:
        if person.out_earned >= start or person.out_bought >= start:
            people += 1
            if person.returned >= start:
                returned += 1
    return (
        given,
        max(given - bought, 0),
        bought,
        hidden,
        given - received,
        (given - bought) - (received - received_bought),
        bought - received_bought,
        returned * view.scale,
        ratio(returned, people),
    )


def _net(counts: list[int], number: int, without: tuple[int, ...]) -> int:
    """Return `number`, the sum of `counts`, without some kinds, and not below 0."""
    for kind in without:
        number -= counts[kind]
    return max(number, 0)


MEASURE: Final = WindowMeasure(
    (
        *split("given", "UInt64", "actions on others but follow and unfollow"),
        Column("given_undisclosed", "UInt64", "of the incentivised, those that do not say so"),
        *split("balance", "Int64", "given less engagement received"),
        Column("returned_people", "UInt64", "people engaged with who acted in return within 7 days"),
        Column("returned_share", "Nullable(Float64)", "returned_people among given_people"),
    ),
    give_and_take,
)
