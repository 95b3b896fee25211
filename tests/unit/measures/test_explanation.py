"""The explanation of a row says what moved the score, and why."""

from __future__ import annotations

import pytest

from streams.measures.account.explanation import explain, remarks
from tests.unit.measures.test_influence import crowd
from tests.unit.measures.world import DAY, HOUR, MINUTE, NOON, World, act


def test_the_lines_of_a_statement_add_up() -> None:
    """The numbers below a score, as printed, come to the score, to their last digit's rounding."""
    world = World()
    world.happen(*crowd(60), *crowd(20, at=NOON - 5 * HOUR, name="more"), act("reply", "ada", "fan3", at=NOON - DAY))
    world.look(NOON + MINUTE, only="ada")
    lines = explain(world.read("ada"))
    starts = [n for n, line in enumerate(lines) if line.says in ("Influence", "Outreach")]
    for start in starts:
        parts = []
        for line in lines[start + 1 :]:
            if not line.says.startswith("  "):
                break
            parts.append(float(line.number))
        assert parts
        assert sum(parts) == pytest.approx(float(lines[start].number), abs=0.051 * (len(parts) + 1))


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
