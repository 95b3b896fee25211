"""Odd but valid events have defined results."""

from __future__ import annotations

from tests.unit.measures.world import DAY, HOUR, MINUTE, NOON, World, act
from tests.unit.test_subject_laws import changed


def test_unfollow_before_follow_is_a_loss_and_a_gain() -> None:
    """An unfollow nobody followed is one follower less, whatever comes after; net follows may be negative."""
    world = World()
    world.happen(act("unfollow", "bob", "ada", at=NOON - 10 * MINUTE))
    world.look(NOON - 8 * MINUTE)
    assert world.read("ada")["net_follows"] == -1
    assert world.read("ada")["engagement"] == 0
    world.happen(act("follow", "bob", "ada", at=NOON))
    world.look(NOON + MINUTE)
    assert world.read("ada")["net_follows"] == 0
    assert world.read("ada")["influence"] == 0.0


def test_follower_counts_of_nothing_and_of_a_billion() -> None:
    """0 and 10⁹ followers are taken as said, and neither moves a score."""
    world = World()
    world.happen(
        act("share", "nobody", "ada", actor_followers=0),
        act("share", "everybody", "ada", actor_followers=10**9),
        act("post", "ada", at=NOON - MINUTE, actor_followers=0),
    )
    world.look(NOON + MINUTE)
    row = world.read("ada")
    assert row["potential_reach"] == 10**9
    assert row["followers"] == 0
    assert row["amplification_per_1k_followers"] is None, "there is no rate per nobody"


def test_following_or_liking_oneself_is_nothing() -> None:
    """What one does to oneself concerns no account."""
    world = World()
    world.happen(act("follow", "ada", "ada"), act("like", "ada", "ada"), act("mention", "ada", "ada"))
    assert world.stored == {}


def test_an_account_that_undoes_everything_is_gone() -> None:
    """Once all is taken back there is no row, and no state."""
    world = World()
    facts = [act("like", "ada", f"other{n}", at=NOON + n * MINUTE) for n in range(5)]
    world.happen(*facts)
    world.look(NOON + 5 * MINUTE)
    assert world.read("ada")["given"] == 5
    world.happen(*(changed(fact, sign=-1) for fact in facts))
    world.look(NOON + 6 * MINUTE)
    assert world.row("ada") is None
    assert "ada" not in world.stored
    assert world.panes["ada", NOON // 1000, "given", "like"] == (0, 0, 0)


def test_an_undo_that_comes_first_leaves_nothing_below_zero() -> None:
    """Should an undo be counted before its event, no count is shown negative, and both together are
    nothing."""
    world = World()
    like = act("like", "bob", "ada", incentive="paid")
    world.happen(changed(like, sign=-1))
    world.look(NOON + MINUTE)
    assert world.row("ada") is None
    assert world.panes["ada", NOON // 1000, "received", "like"] == (0, 0, 0)
    world.happen(like)
    world.look(NOON + 2 * MINUTE)
    assert world.row("ada") is None


def test_a_late_event_lands_in_its_own_minute() -> None:
    """What comes late counts where it happened, in panes, people and scores."""
    in_time, late = World(), World()
    facts = [act("share", f"fan{n}", "ada", at=NOON - n * MINUTE) for n in range(20)]
    in_time.happen(*reversed(facts))
    late.happen(*facts[:10])
    late.look(NOON + MINUTE)
    late.happen(*facts[10:])
    for world in (in_time, late):
        world.look(NOON + 2 * MINUTE)
    assert late.read("ada") == in_time.read("ada")


def test_the_epoch_itself_is_a_time_like_any_other() -> None:
    """Events of the first minute of 1970 are counted and do not get stuck."""
    world = World()
    world.happen(act("like", "bob", "ada", at=0))
    world.look(MINUTE)
    assert world.panes["ada", 0, "received", "like"] == (1, 0, 0)
    world.look(61 * DAY, floor=61 * DAY - HOUR)
    world.look(123 * DAY, floor=123 * DAY - HOUR)
    assert world.stored == {}


def test_a_person_silent_for_two_months_is_a_stranger_again() -> None:
    """Who was forgotten can be asked cold again."""
    world = World()
    world.happen(act("like", "old", "ada", at=NOON - 70 * DAY), act("mention", "ada", "old"))
    world.happen(act("like", "friend", "ada", at=NOON - 50 * DAY), act("mention", "ada", "friend"))
    world.look(NOON + MINUTE)
    assert world.read("ada")["cold_asked_people"] == 1
