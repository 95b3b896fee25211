"""The explanation of a row says what moved the score, and why."""

from __future__ import annotations

import pytest

from streams.measures.explanation import parts, remarks
from tests.unit.measures.test_influence import crowd
from tests.unit.measures.world import DAY, HOUR, MINUTE, NOON, World, act


@pytest.mark.parametrize("score", ["influence", "outreach"])
def test_the_parts_of_a_score_add_up(score: str) -> None:
    """They come to the score, and each has a word and says for what it is."""
    world = World()
    world.happen(*crowd(60), *crowd(20, at=NOON - 5 * HOUR, name="more"), act("reply", "ada", "fan3", at=NOON - DAY))
    world.look(NOON + MINUTE, only="ada")
    row = world.read("ada")
    found = parts(row, score)
    assert all(part.part and part.doc for part in found)
    assert sum(part.points for part in found) == pytest.approx(row[score], abs=0.051 * (len(found) + 1))
    assert any(part.points for part in found)


def test_what_was_discounted_is_remarked() -> None:
    """Prizes, answers, bought followers, trades, promotion and cold asks each have their sentence, and only
    then."""
    quiet, loud = World(), World()
    quiet.happen(*crowd(5))
    quiet.look(NOON + MINUTE, only="ada")
    assert list(remarks(quiet.read("ada"))) == []
    loud.happen(
        *[fact for day in range(1, 6) for fact in crowd(50, at=NOON - day * DAY)],
        *crowd(20, incentive="sweepstake", disclosed=True, name="won"),
        *[act("mention", "ada", f"fan{n}", at=NOON - HOUR) for n in range(20)],
        *crowd(20),
        *[act("mention", "ada", f"stranger{n}", at=NOON - HOUR) for n in range(40)],
        *[act("follow", f"bot{n}", "ada", at=NOON - 4 * HOUR) for n in range(900)],
        *[act("like", "ada", "pal", at=NOON - n * 9 * MINUTE) for n in range(9)],
        *[act("like", "pal", "ada", at=NOON - n * 9 * MINUTE + 1) for n in range(9)],
        *[act("post", "ada", at=NOON - n, promo=True) for n in range(3)],
    )
    loud.look(NOON + MINUTE, only="ada")
    said = " ".join(remarks(loud.read("ada")))
    for word in ("quarter", "answered", "look bought", "traded", "promote", "never dealt"):
        assert word in said
