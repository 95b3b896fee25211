"""Cascades as a subject: who belongs, laws, what is not what it should be, release, and real data."""

from __future__ import annotations

import random
from collections import defaultdict
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.fact import LIKE, POST, QUOTE, REPLY, SHARE, TAG, Fact
from schemas.rows.trends import TRENDS
from streams.measures.cascade.catalogue import CASCADE_EPISODES
from streams.subject import DAY, HOUR, MINUTE, RELEASE, Due, Now, Rows
from streams.subjects.cascades import Cascades
from tests.unit.cascades.helpers import end_of, given_events, plain_facts, run, shown
from tests.unit.cascades.test_tree import plain_shape

START = 1_341_100_020_000
LATER = Now(START + DAY, 0)


def post(**given: Any) -> Fact:
    """Return the root's own post."""
    usual = {"id": "root", "kind": POST, "time": START, "actor": "author", "object": "R", "followers": 500}
    return Fact(**usual | given)


def share(id: str, **given: Any) -> Fact:
    """Return a share of R by an account of its own, a second after START."""
    usual = {"kind": SHARE, "time": START + 1_000, "actor": f"by-{id}", "object": "R", "author": "author"}
    return Fact(**{"id": id, "followers": 10} | usual | given)


def row_of(facts: list[Fact], *, root: str = "R", kind: str = "share", now: Now = LATER, **how: Any) -> dict[str, Any]:
    """Return the live row of a root after `facts`."""
    return shown(run(Cascades(**how), [facts], now), CASCADE_EPISODES)[root, kind, 0]


SOME = st.sampled_from(["R", "Q", "1", "2", "3", "4", "a", "b", "c", "never", ""])
FACTS = st.lists(
    st.builds(
        Fact,
        id=st.integers(1, 60).map(str),
        kind=st.sampled_from([SHARE, SHARE, QUOTE, POST, TAG, LIKE, REPLY]),
        time=st.integers(START - HOUR, START + 9 * HOUR),
        actor=st.sampled_from(["ada", "bob", "cy", "di", "ed"]),
        receivers=st.lists(st.sampled_from(["ada", "bob", "cy", "fay"]), max_size=3).map(tuple),
        followers=st.sampled_from([-1, 0, 1, 500, 10**9, 10**12]),
        klass=st.integers(0, 2),
        object=SOME,
        root=st.sampled_from(["R", "R", "R", "Q", ""]),
        author=st.sampled_from(["", "ada", "zoe"]),
        parent=SOME,
    ),
    unique_by=lambda fact: fact.id,
    max_size=25,
)


@settings(max_examples=200)
@given(facts=FACTS, seed=st.integers(0, 99), cut=st.integers(1, 7))
def test_any_order_and_grouping_gives_the_same_rows(facts: list[Fact], seed: int, cut: int) -> None:
    """Neither the order of facts, nor their grouping, nor a stay in the store changes what is shown."""
    whole = shown(run(Cascades(), [facts], LATER), CASCADE_EPISODES)
    random.Random(seed).shuffle(facts)
    batches = [facts[i : i + cut] for i in range(0, len(facts), cut)]
    assert shown(run(Cascades(), batches, LATER), CASCADE_EPISODES) == whole
    assert shown(run(Cascades(), batches, LATER, store=True), CASCADE_EPISODES) == whole
    assert shown(run(Cascades(), batches, LATER, between=Now(START, 0)), CASCADE_EPISODES) == whole


@settings(max_examples=200)
@given(facts=FACTS, undone=st.integers(0, 25), seed=st.integers(0, 99), cut=st.integers(1, 7))
def test_what_is_undone_never_was(facts: list[Fact], undone: int, seed: int, cut: int) -> None:
    """A fact and its retraction leave nothing, whichever comes first and whatever hung below."""
    kept, gone = facts[undone:], facts[:undone]
    mixed = [*facts, *(replace(fact, sign=-1) for fact in gone)]
    random.Random(seed).shuffle(mixed)
    batches = [mixed[i : i + cut] for i in range(0, len(mixed), cut)]
    expected = shown(run(Cascades(), [kept], LATER), CASCADE_EPISODES)
    assert shown(run(Cascades(), batches, LATER, store=bool(seed % 2)), CASCADE_EPISODES) == expected


def test_real_retweet_trees_get_the_rows_that_brute_force_computes() -> None:
    """Each of the 60 trees given has its size, depth, breadth and virality, whatever order its shares come
    in.
    """
    trees: dict[str, dict[str, str]] = defaultdict(dict)
    for event in given_events("twitter15-trees"):
        if event["type"] == "share":
            trees[event["root"]][event["object"]] = event["parent"]
    facts = list(plain_facts(given_events("twitter15-trees")))
    random.Random(15).shuffle(facts)
    batches = [facts[i : i + 1_000] for i in range(0, len(facts), 1_000)]
    rows = shown(run(Cascades(), batches, Now(end_of(facts), 0), store=True), CASCADE_EPISODES)
    assert len(rows) == len(trees) == 60
    for root, parents in trees.items():
        number = {name: n for n, name in enumerate([root, *parents])}
        depth, breadth, virality = plain_shape({number[node]: number[up] for node, up in parents.items()})
        row = rows[root, "share", 0]
        assert (row["size"], row["depth"], row["breadth"]) == (len(parents), depth, breadth)
        assert row["structural_virality"] == pytest.approx(virality)
        assert row["waiting"] == 0


def test_reach_counts_each_account_once() -> None:
    """Reach is the author's followers and those of every amplifier, once each, with the most it ever had."""
    rng = random.Random(3)
    facts = [post()]
    most: dict[str, int] = {"author": 500}
    for n in range(300):
        actor, followers = f"a{rng.randrange(80)}", rng.choice([0, 7, 10**9, rng.randrange(5_000)])
        most[actor] = max(most.get(actor, 0), followers)
        facts.append(share(str(n), actor=actor, followers=followers))
    row = row_of(facts)
    assert row["reach"] == sum(most.values())
    assert row["people"] == len(most) - 1


def test_unknown_followers_reach_nobody_and_a_billion_is_counted() -> None:
    """Followers of 0, of 10⁹ and unstated ones are all taken as they are."""
    facts = [share(str(n), followers=followers) for n, followers in enumerate((0, 10**9, -1))]
    assert row_of([post(followers=-1), *facts])["reach"] == 10**9


def test_without_a_root_the_object_is_the_root_and_shares_hang_below_it() -> None:
    """A share that names the object alone joins the object's cascade, as a quote does."""
    row = row_of([share("1"), share("2", kind=QUOTE, object="own-2", root="R"), share("3", root="R")])
    assert (row["size"], row["depth"], row["breadth"]) == (3, 1, 3)


def test_a_parent_may_be_named_by_its_event_or_by_the_post_it_created() -> None:
    """Both ways of naming a parent lead to the same node."""
    facts = [
        share("1", kind=QUOTE, root="R", object="post-1"),
        share("2", root="R", object="R", parent="1"),
        share("3", root="R", object="post-1", parent="post-1"),
    ]
    row = row_of(facts)
    assert (row["depth"], row["breadth"], row["waiting"]) == (2, 2, 0)


def test_a_parent_that_comes_later_takes_its_children_in() -> None:
    """Until a parent comes its children hang below the root and are counted as waiting."""
    edges = (("3", "2"), ("2", "1"), ("1", "R"))
    facts = [share(id, root="R", parent=parent) for id, parent in edges]
    shapes = []
    for count in (1, 2, 3):
        row = row_of(facts[:count])
        shapes.append((row["depth"], row["waiting"]))
    assert shapes == [(1, 1), (2, 1), (3, 0)]


def test_a_parent_in_another_cascade_is_no_parent() -> None:
    """A share whose parent belongs to another root hangs below its own root, and waits."""
    facts = [share("other", root="Q", object="Q"), share("1", root="R", parent="other")]
    row = row_of(facts)
    assert (row["size"], row["depth"], row["waiting"]) == (1, 1, 1)


def test_the_post_that_a_share_acts_on_is_not_its_own() -> None:
    """Two shares of a post that is not there both wait for it; neither takes itself for it."""
    facts = [share(id, root="R", object="unseen", parent="unseen") for id in ("1", "2")]
    row = row_of(facts)
    assert (row["depth"], row["waiting"]) == (1, 2)


def test_circles_and_shares_that_are_their_own_parent_have_a_shape() -> None:
    """The earliest share of a circle hangs below the root; a share that names itself names nobody."""
    facts = [
        share("1", root="R", parent="3", time=START + 2),
        share("2", root="R", parent="1", time=START + 3),
        share("3", root="R", parent="2", time=START + 1),
        share("4", root="R", parent="4"),
    ]
    row = row_of(facts)
    assert (row["size"], row["depth"], row["breadth"], row["waiting"]) == (4, 3, 2, 0)


def test_sharing_ones_own_post_does_not_count() -> None:
    """An action on oneself counts in no measure, so it makes no cascade."""
    assert not shown(run(Cascades(), [[share("1", actor="author")]], LATER), CASCADE_EPISODES)


def test_children_of_an_undone_share_hang_below_the_root() -> None:
    """What is undone leaves the tree; what hung below it stays, below the root, and waits."""
    facts = [share("1", root="R"), share("2", root="R", parent="1"), share("3", root="R", parent="2")]
    row = row_of([*facts, replace(facts[1], sign=-1)])
    assert (row["size"], row["depth"], row["waiting"]) == (2, 1, 1)


def test_an_account_that_undoes_everything_leaves_no_row() -> None:
    """A cascade whose every share is undone is shown no more."""
    facts = [share(str(n)) for n in range(5)]
    rows = run(Cascades(), [facts, [replace(fact, sign=-1) for fact in facts]], LATER, between=LATER)
    assert rows.by_table["cascade_episodes"]
    assert not shown(rows, CASCADE_EPISODES)


def test_a_root_that_never_comes_leaves_the_first_share_as_start() -> None:
    """Without the root's post the first share is the start, and shares say who the author is."""
    facts = [share("1", time=START + 5_000), share("2", time=START + 65_000)]
    row = row_of(facts)
    assert (row["root_seen"], row["author"], row["reach"]) == (False, "author", 20)
    assert row["started_at"] == START + 5_000
    assert row_of([*facts, post()])["started_at"] == START


def test_a_post_that_nobody_shared_is_no_row() -> None:
    """Posts are remembered for their author's sake; nothing is said of them until somebody shares."""
    assert not run(Cascades(), [[post()]], LATER).by_table


def test_bought_shares_are_told_apart() -> None:
    """Sizes by class add up to the size."""
    row = row_of([share(str(n), klass=klass) for n, klass in enumerate((0, 0, 0, 1, 2, 2))])
    assert (row["size"], row["earned"], row["incentivised"], row["undisclosed"]) == (6, 3, 3, 2)


def test_tempo_is_that_of_the_last_five_minutes() -> None:
    """Shares per minute, their peak and the time to half follow the clock of the events."""
    times = [0, 1, 2, 61, 62, 600, 601, 602]
    facts = [post(), *(share(str(n), time=START + second * 1_000) for n, second in enumerate(times))]
    row = row_of(facts, now=Now(START // MINUTE * MINUTE + 11 * MINUTE, 0))
    assert row["shares_per_minute"] == 3 / 5
    assert row["peak_per_minute"] == 3
    assert 60 <= row["time_to_half"] <= 120
    assert row["growing"]
    assert not row_of(facts)["growing"]


def test_a_tag_chain_is_a_tree_of_who_was_tagged_by_whom() -> None:
    """A meme's chain has a node per tagged account, below the one who tagged; starters hang at the root."""
    facts = [
        Fact("t1", TAG, START + 1, "ada", receivers=("bob", "cy"), root="meme", followers=100),
        Fact("t2", TAG, START + 2, "bob", receivers=("di",), root="meme", followers=50),
        Fact("t3", TAG, START + 3, "di", receivers=("ed", "bob"), root="meme", followers=7),
        Fact("t4", TAG, START + 4, "ed", receivers=("fay",), followers=7),
    ]
    row = row_of(facts, root="meme", kind="tag")
    # meme → bob, cy; bob → di → ed, bob again
    assert (row["size"], row["depth"], row["breadth"], row["people"], row["reach"]) == (5, 3, 2, 3, 157)


@pytest.mark.parametrize("kept", [False, True], ids=["released", "in one batch"])
def test_silence_releases_a_cascade_and_its_final_row_stays(kept: bool) -> None:
    """After the silence the final row is kept under its episode, and later shares begin another one; also where the state stays
    for a while, because the batch that ended it has folded into it.
    """
    cascades, rows = Cascades(silence=DAY), Rows()
    state = cascades.empty("sR")
    cascades.fold("sR", state, [post(), share("1"), share("2", time=START + HOUR)], rows)
    due = cascades.present("sR", state, Now(START + 2 * HOUR, START), rows)
    assert Due.of(due).time > START + 2 * HOUR
    over = START + HOUR + DAY + MINUTE
    assert cascades.present("sR", state, Now(over + HOUR, over - 1), rows) == Due(floor=over)
    assert cascades.present("sR", state, Now(over + HOUR, over), rows) == RELEASE
    (row,) = shown(rows, CASCADE_EPISODES).values()
    assert (row["episode"], row["size"], row["final"], row["forecast_size"]) == (START + HOUR, 2, True, 2.0)

    again = state if kept else cascades.empty("sR")
    cascades.fold("sR", again, [share("3", time=START + 30 * HOUR)], rows)
    cascades.present("sR", again, Now(START + 31 * HOUR, START + 29 * HOUR), rows)
    assert {key[2]: row["size"] for key, row in shown(rows, CASCADE_EPISODES).items()} == {
        START + HOUR: 2,
        0: 1,
    }


def test_no_fact_that_may_still_come_meets_a_released_cascade() -> None:
    """Silence alone does not release: a retraction of the last share must no longer be possible."""
    cascades = Cascades(silence=MINUTE)
    state = cascades.empty("sR")
    cascades.fold("sR", state, [share("1")], Rows())
    due = cascades.present("sR", state, Now(START + HOUR, START + 1_000), Rows())
    assert due != RELEASE
    assert Due.of(due).floor > START + 1_000


@pytest.mark.parametrize("shares", [1, 50])
def test_a_silent_cascade_is_looked_at_a_few_times_and_then_released(shares: int) -> None:
    """Following the due times leads to the release in few steps."""
    cascades = Cascades()
    state = cascades.empty("sR")
    cascades.fold("sR", state, [post(), *(share(str(n)) for n in range(shares))], Rows())
    looks = [START]
    while (due := cascades.present("sR", state, Now(looks[-1], looks[-1] - 2 * HOUR), Rows())) != RELEASE:
        time, floor = Due.of(due)
        looks.append(min(time, floor + 2 * HOUR))
    assert all(a < b for a, b in pairwise(looks))
    assert len(looks) < 11
    assert looks[-1] >= START + 7 * DAY


def test_a_cascade_beyond_the_limit_is_counted_exactly_and_says_that_its_shape_is_not() -> None:
    """Sizes stay exact beyond the limit, undone shares included, and the state stays small."""
    facts = [share(str(n), klass=n % 2) for n in range(3_000)]
    row = row_of([*facts, *(replace(fact, sign=-1) for fact in facts[2_000:])], limit=100)
    assert (row["size"], row["incentivised"], row["truncated"]) == (2_000, 1_000, True)
    cascades = Cascades(limit=100)
    state = cascades.empty("sR")
    cascades.fold("sR", state, facts, Rows())
    assert len(cascades.dump(state)) < 8_000


def test_the_state_of_the_largest_cascade_fits_into_a_record() -> None:
    """A cascade as large as is kept, every share below another one, takes less than 8 MB."""
    cascades = Cascades()
    state = cascades.empty("sR")
    rng = random.Random(1)
    facts = [
        share(str(n), root="R", object=f"o{n}", parent=f"o{rng.randrange(n or 1)}", time=START + n * 999)
        for n in range(125_000)
    ]
    cascades.fold("sR", state, facts, Rows())
    assert state.tree.spilled
    assert len(cascades.dump(state)) < 8_000_000


def test_a_large_state_says_the_same_whether_it_was_kept_or_decoded() -> None:
    """A state that comes back from memory, and one decoded from its bytes, present the same rows and bytes."""
    facts = [post(), *(share(str(n), root="R", parent=str(n // 3), time=START + n * 999) for n in range(9_000))]
    cascades = Cascades()
    state = cascades.empty("sR")
    cascades.fold("sR", state, facts[:6_000], Rows())
    raw = cascades.dump(state)
    kept, decoded = cascades.load("sR", raw), Cascades().load("sR", raw)
    assert kept is state
    assert decoded is not state
    rows = []
    for one in (kept, decoded):
        cascades.fold("sR", one, facts[6_000:], Rows())
        said = Rows()
        cascades.present("sR", one, LATER, said)
        rows.append((said.by_table, cascades.dump(one)))
    assert rows[0] == rows[1]
    assert cascades.load("sR", raw) is not state


def test_a_row_holds_until_it_is_due() -> None:
    """Whenever a cascade is looked at between two due times, its row is the same."""
    cascades = Cascades()
    state = cascades.empty("sR")
    cascades.fold("sR", state, [post(), *(share(str(n), followers=900) for n in range(60))], Rows())
    now = START + MINUTE
    for _ in range(5):
        rows = Rows()
        due = Due.of(cascades.present("sR", state, Now(now, 0), rows)).time
        for minute in range(now, due, max((due - now) // 5 // MINUTE * MINUTE, MINUTE)):
            cascades.present("sR", state, Now(minute, 0), rows)
        said = rows.by_table["cascade_episodes"]
        assert len(said) > 2
        assert all(row == said[0] for row in said)
        now = due


def test_a_cascade_about_to_go_viral_is_said_once() -> None:
    """A rise has one row, raised while most is to come, and ended when it has come."""
    cascades, rows = Cascades(), Rows()
    facts = list(plain_facts(given_events("seismic-cascade")))
    state = cascades.empty("sseismic")
    now, left = facts[0].time, list(reversed(facts))
    while now < facts[0].time + 7 * DAY:
        now += 10 * MINUTE if now < facts[0].time + 2 * HOUR else 6 * HOUR
        batch = []
        while left and left[-1].time < now:
            batch.append(left.pop())
        cascades.fold("sseismic", state, batch, rows)
        state = cascades.load("sseismic", cascades.dump(state))
        cascades.present("sseismic", state, Now(now, 0), rows)
    (row,) = shown(rows, TRENDS).values()
    sizes = [r[TRENDS.names.index("size")] for r in rows.by_table["trends"]]
    assert sizes[0] < 1_000
    assert row["name"] == "seismic"
    assert facts[0].time < row["raised_at"] * 1_000 < facts[0].time + HOUR
    assert row["ended_at"] > row["raised_at"]
    begun, ended = (dict(zip(TRENDS.names, told, strict=True)) for told in rows.news["trends"])
    assert begun["id"] == ended["id"] == row["id"]
    assert (begun["raised_at"], begun["ended_at"]) == (row["raised_at"], None)
    assert (ended["raised_at"], ended["ended_at"]) == (row["raised_at"], row["ended_at"])


def test_of_a_chain_of_tags_no_rise_is_said_nor_withdrawn() -> None:
    """Nor when a tag is taken back, of however many."""
    chain = [Fact(f"t{n}", TAG, START + n, f"by{n}", (f"to{n}",), root="meme") for n in range(25)]
    rows = run(Cascades(), [[*chain, replace(chain[3], sign=-1)]], LATER)
    assert shown(rows, CASCADE_EPISODES)["meme", "tag", 0]["size"] == 24
    assert "trends" not in rows.by_table


def test_a_backlog_is_warned_of_as_of_when_it_happened() -> None:
    """Whoever looks every minute, now and then, or once when it is over, gets the same moment of warning."""
    facts = list(plain_facts(given_events("seismic-cascade")))[:4_000]
    moments = set()
    for step in (1, 7, 60, 100_000):
        cascades, rows = Cascades(), Rows()
        state = cascades.empty("sseismic")
        now, left = facts[0].time // MINUTE * MINUTE, list(reversed(facts))
        while left:
            now += step * MINUTE
            batch = []
            while left and left[-1].time < now:
                batch.append(left.pop())
            cascades.fold("sseismic", state, batch, rows)
            cascades.present("sseismic", state, Now(now, 0), rows)
            state = cascades.load("sseismic", cascades.dump(state))
        raised = TRENDS.names.index("raised_at")
        moments |= {row[raised] for row in rows.by_table["trends"]}
        assert len({row[raised] for row in rows.news["trends"]}) == 1
    (moment,) = moments
    assert sum(fact.time < moment * 1_000 for fact in facts[1:]) < 100


def test_state_of_another_format_is_refused() -> None:
    """Bytes that are not a cascade's state are corruption, and said to be."""
    with pytest.raises(ValueError, match="not the state of a cascade"):
        Cascades().load("sR", b"\x07abc")
