"""When rows are said, as of when, and when an account is forgotten."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.fact import Fact
from streams.subject import DAY, HOUR, MINUTE
from tests.unit.measures.test_windows import dealings
from tests.unit.measures.world import NOON, World, act, minute_after

WINDOWS = ("5m", "1h", "24h", "7d", "30d")


def windows_shown(world: World, account: str) -> list[str]:
    """Return the windows of which an analyst sees a row."""
    return [window for window in WINDOWS if world.row(account, window) is not None]


def test_silence_empties_one_window_after_the_other() -> None:
    """An account that falls silent is seen falling: at each due time at most what the windows still hold is
    shown."""
    world = World()
    like = act("like", "bob", "ada", at=NOON + 30_000)
    world.happen(like)
    world.look(minute_after(like), only="ada")
    assert windows_shown(world, "ada") == list(WINDOWS)
    shown = {0: len(WINDOWS)}
    now = 0
    while "ada" in world.stored:
        now = world.due["ada"]
        world.look(now, floor=now - 2 * HOUR, only="ada")
        left = len(windows_shown(world, "ada"))
        if left != min(shown.values()):
            shown[now - NOON] = left
    assert shown == {
        0: 5,
        6 * MINUTE: 4,
        61 * MINUTE: 3,
        DAY + MINUTE: 2,
        7 * DAY + MINUTE: 1,
        30 * DAY + 12 * HOUR - DAY + MINUTE: 0,
    }
    assert now == NOON + 61 * DAY - 12 * HOUR + MINUTE, "and forgotten when no row speaks of the day of its last action"


def test_a_row_is_as_of_its_last_change() -> None:
    """A row says when what it says became true, however late one looks."""
    world = World()
    world.happen(act("like", "bob", "ada"), act("share", "cy", "ada", at=NOON - 50 * MINUTE))
    world.look(NOON + 5 * MINUTE)
    assert world.read("ada", "5m")["as_of"] == (NOON + MINUTE) // 1000, "the like entered"
    world.look(NOON + 40 * MINUTE)
    assert world.read("ada", "1h")["as_of"] == (NOON + 11 * MINUTE) // 1000, "the share left the hour"
    assert world.read("ada", "24h")["as_of"] == (NOON + MINUTE) // 1000, "and nothing left the day"
    world.look(NOON + 7 * HOUR)
    assert world.read("ada", "24h")["as_of"] == (NOON + 6 * HOUR) // 1000, "scores are brought up to date"


def test_nothing_is_said_twice() -> None:
    """Looking again before anything is due says no rows."""
    world = World()
    like = act("like", "bob", "ada")
    world.happen(like)
    world.look(minute_after(like))
    said = world.said
    world.look(world.due["ada"] - MINUTE)
    assert world.said == said


def test_scores_of_one_moment_are_the_same_in_every_window() -> None:
    """Influence is a standing: all rows of an account show one value, also after a window lost something."""
    world = World()
    for number in range(30):
        world.happen(act("share", f"fan{number}", "ada", at=NOON - number * 40 * MINUTE))
    world.look(NOON + 20 * MINUTE)
    assert len({world.read("ada", window)["influence"] for window in windows_shown(world, "ada")}) == 1


@given(data=st.data(), facts=st.lists(dealings(), min_size=1, max_size=12, unique_by=lambda fact: fact.id))
@settings(max_examples=60, deadline=None)
def test_rows_are_a_function_of_the_facts_and_the_time(data: st.DataObject, facts: list[Fact]) -> None:
    """Every column, as_of included, is the same whether one looked once or at any times before."""
    facts = sorted(facts, key=lambda fact: fact.time)
    end = NOON + data.draw(st.integers(1, 50 * 60)) * MINUTE
    once, often = World(), World()
    once.happen(*facts)
    once.look(end)
    while facts:
        cut = data.draw(st.integers(1, len(facts)))
        often.happen(*facts[:cut])
        newest, facts = minute_after(*facts[:cut]), facts[cut:]
        floor = min([newest - 75 * MINUTE, *(fact.time for fact in facts)])
        often.look(newest, floor=floor)
        soon = min([end, *(fact.time // MINUTE * MINUTE for fact in facts)])
        if soon > newest:
            often.look(data.draw(st.integers(newest // MINUTE, soon // MINUTE)) * MINUTE, floor=floor)
    often.look(end, floor=end - 75 * MINUTE)
    for account in ("ada", "bob"):
        for window in WINDOWS:
            assert often.row(account, window) == once.row(account, window)


def test_state_of_a_quiet_account_is_small() -> None:
    """An account with a handful of events takes less than 300 bytes, before and after they are settled."""
    world = World()
    for number, kind in enumerate(("like", "share", "reply", "mention", "like")):
        world.happen(act(kind, f"did:plc:{number:024d}", "ada", at=NOON + number * MINUTE))
    assert len(world.stored["ada"]) < 300
    world.look(NOON + 10 * MINUTE)
    assert len(world.stored["ada"]) < 300
    world.look(NOON + DAY, floor=NOON + DAY - 2 * HOUR)
    assert len(world.stored["ada"]) < 300


def test_state_does_not_grow_with_time() -> None:
    """An account that lives the same life for a year needs no more for the second half than for the first."""
    world = World()
    sizes = []
    for day in range(360):
        at = NOON + day * DAY
        world.happen(*(act("like", f"fan{(day * 7 + n) % 50}", "ada", at=at + n * HOUR) for n in range(6)))
        world.look(at + 8 * HOUR, floor=at + 5 * HOUR, only="ada")
        for other in list(world.stored.keys() - {"ada"}):
            del world.stored[other]
        sizes.append(len(world.stored["ada"]))
    assert max(sizes[180:]) <= max(sizes[:180])
