"""The board of a contest: exact while everybody fits, never wrong beyond."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.campaigns.board import LIMIT, Board
from streams.campaigns.rule import Caps
from streams.campaigns.tally import Tally

NO_CAPS = Caps()


def board_of(entries: list[tuple[str, int]], limit: int) -> Board:
    """Return the board after entries (account, time), trimmed to `limit` bytes after each."""
    board = Board()
    for unit, (account, time) in enumerate(entries):
        board.add(account, time, unit, 1)
        board.trim(NO_CAPS, limit)
    return board


entries = st.lists(st.tuples(st.sampled_from("abcdefghij"), st.integers(0, 10**6)), max_size=120)


@settings(max_examples=300, deadline=None)
@given(entries, st.integers(50, 3_000), st.integers(1, 4))
def test_a_certain_place_is_right(said: list[tuple[str, int]], limit: int, places: int) -> None:
    """However little the board may remember, a place that it calls certain is the place in a full count."""
    points = Counter(account for account, _ in said)
    reached = {account: max(time for who, time in said if who == account) for account in points}
    full = sorted(points, key=lambda account: (-points[account], reached[account], account))
    board = board_of(said, limit)
    leaders = board.leaders(places, NO_CAPS)
    for leader in leaders:
        if leader.certain:
            assert full[leader.place - 1] == leader.account
    if not board.dropped:
        assert [leader.account for leader in leaders] == full[:places]
        assert all(leader.certain for leader in leaders)


def test_a_clear_winner_is_certain_in_a_crowd() -> None:
    """Who leads by more than anybody who was forgotten had is named, however large the crowd."""
    crowd = [(f"guest{n % 40_000}", n) for n in range(60_000)]
    said = [*crowd[:30_000], *(("ann", 70_000 + n) for n in range(50)), *crowd[30_000:]]
    board = Board()
    for unit, (account, time) in enumerate(said):
        board.add(account, time, unit, 1)
        if unit % 500 == 0:
            board.trim(NO_CAPS)
    assert board.dropped > 10_000
    (winner,) = board.leaders(1, NO_CAPS)
    assert (winner.account, winner.certain) == ("ann", True)


def test_the_size_is_bounded() -> None:
    """Names as long as names may be do not make the board larger than its limit."""
    board = Board()
    for n in range(2_000):
        board.add(f"{n:0>512}", n, n, 1)
    board.trim(NO_CAPS)
    size = sum(len(name) + tally.size for name, tally in board.entrants.items())
    assert 0 < size <= LIMIT


def test_a_tie_for_the_prize_is_not_certain_once_somebody_was_forgotten() -> None:
    """When the lead is no greater than what somebody forgotten may have had, nobody is named."""
    board = Board({"ann": Tally(), "bob": Tally()}, dropped=1, missing=2)
    for unit in range(3):
        board.add("ann", unit, unit, 1)
    board.add("bob", 9, 9, 1)
    assert [leader.certain for leader in board.leaders(1, NO_CAPS)] == [False]
    board.add("ann", 10, 10, 1)
    assert [leader.certain for leader in board.leaders(1, NO_CAPS)] == [True]
