"""Trees, growth and steps, without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from streams.page.shapes import filled, growth, nested

START = datetime(2024, 1, 1, tzinfo=UTC)


def share(node: str, parent: str = "", own: str = "", second: int = 0, followers: int = 100) -> dict[str, Any]:
    """Return a row of `queries.shares`."""
    at = START + timedelta(seconds=second)
    return {
        "node": node,
        "own": own,
        "parent": parent,
        "type": "share",
        "actor": f"by {node}",
        "at": at,
        "followers": followers,
        "klass": "earned",
    }


def test_a_share_hangs_below_the_post_or_the_id_that_it_names() -> None:
    """A parent is found by its event id and by its own post; one that never came leaves the share below the root."""
    rows = [share("a", own="copy"), share("b", "copy"), share("c", "b"), share("d", "never came")]
    tree = nested("root", "author", rows, 10)
    assert tree["name"] == "author"
    first, last = tree["children"]
    assert (first["id"], last["id"]) == ("a", "d")
    assert first["children"][0]["id"] == "b"
    assert first["children"][0]["children"][0]["id"] == "c"


def test_shares_beyond_the_limit_are_counted_where_they_would_hang() -> None:
    """Every share is either drawn or hidden below the drawn node that leads to it."""
    rows = [share("a"), share("b", "a"), share("c", "b"), share("d", "c"), share("e")]
    tree = nested("root", "", rows, 1)
    assert tree["name"] == "root"
    assert tree["hidden"] == 1
    assert [(child["id"], child["hidden"]) for child in tree["children"]] == [("a", 3)]


def test_a_share_that_names_itself_ends() -> None:
    """A loop of parents cannot be made: only what came before can be a parent."""
    tree = nested("root", "x", [share("a", "b"), share("b", "a"), share("c", "c")], 10)
    assert [child["id"] for child in tree["children"]] == ["a", "c"]


def test_growth_ends_with_all_shares_and_never_looks_ahead() -> None:
    """The size at the end is that of the cascade, and early forecasts do not depend on later shares."""
    rows = [share(str(n), second=10 * n, followers=1_000 * n) for n in range(1, 200)]
    until = START + timedelta(seconds=2_000)
    whole = growth(rows, started=START, until=until, author_followers=50, points=20)
    assert whole[-1]["size"] == 199
    assert [row["size"] for row in whole] == sorted(row["size"] for row in whole)
    early = [row for row in whole if row["elapsed"] <= 990]
    half = growth(rows[:99], started=START, until=until, author_followers=50, points=20)
    moments = {row["elapsed"]: row["forecast"] for row in half}
    assert any(row["forecast"] for row in early)
    assert all(moments[row["elapsed"]] == row["forecast"] for row in early if row["size"] < 99)


def test_steps_have_no_gaps() -> None:
    """Steps without actions are zero, and nothing that was counted is lost."""
    rows = [{"at": START + timedelta(minutes=m), "earned": m} for m in (0, 15, 45)]
    steps = filled(rows, until=START + timedelta(minutes=50), seconds=3_600, step=900)
    assert sum(row["earned"] for row in steps) == 60
    times = [row["at"] for row in steps]
    assert {b - a for a, b in pairwise(times)} == {timedelta(minutes=15)}
    assert filled([], until=START, seconds=3_600, step=900) == []
