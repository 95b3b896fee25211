"""The endpoints, against a real ClickHouse with real data."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests import world
from tests.conftest import Served


def get(served: Served, name: str, **asked: str) -> Any:
    """Return the answer of an endpoint."""
    answer = httpx.get(f"{served.url}api/{name}", params=asked, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("board", ["influence", "outreach", "amplification", "people"])
def test_boards_are_those_of_the_view(served: Served, board: str) -> None:
    """A board has the accounts, ranks and values of the view `leaderboards`."""
    rows = get(served, "leaderboard", board=board, window="24h", limit="50")
    view = served.here.query(
        "SELECT rank, account, value FROM {db}.leaderboards WHERE board = {board:String} AND window = '24h' "
        "ORDER BY rank LIMIT 50",
        board=board,
    )
    assert len(rows) == 50
    assert [(row["rank"], row["account"], row["value"]) for row in rows] == [tuple(row) for row in view]


def test_a_statement_adds_up(served: Served) -> None:
    """The lines of a statement add up to the score, and the history to what was received."""
    first = get(served, "leaderboard", board="influence", window="24h")[0]["account"]
    found = get(served, "account", id=first, window="24h")
    scores = found["scores"]
    assert sum(line["points"] for line in found["statement"]["influence"]) == pytest.approx(
        scores["influence"], abs=0.01
    )
    assert sum(line["received"] or 0 for line in found["ledger"]) >= scores["engagement"] > 0
    panes = served.here.query(
        "SELECT sum(events - incentivised) FROM {db}.account_panes "
        "WHERE account = {a:String} AND direction = 'received'",
        a=first,
    )
    whole = get(served, "account", id=first, window="30d")["history"]
    assert sum(row["earned"] for row in whole) == panes[0][0]


@pytest.mark.parametrize("name", world.NAUGHTY)
def test_any_name_can_be_looked_up(served: Served, name: str) -> None:
    """What looks like markup, SQL, a path or a template is a name like any other."""
    found = get(served, "account", id=name, window="24h")
    assert found["account"] == name
    assert found["scores"]["engagement"] == 6
    cascade = get(served, "cascade", root=f"post of {name}")
    assert cascade["cascade"]["size"] == 6
    assert cascade["cascade"]["author"] == name


def test_a_cascade_is_drawn_whole_and_its_last_forecast_is_the_products(served: Served) -> None:
    """The tree has as many shares as are said to be drawn; growth ends at the size and the forecast ClickHouse has."""
    found = get(served, "cascade", root=world.ROOT)
    about = found["cascade"]
    left, nodes, hidden = [found["tree"]], -1, 0
    while left:
        node = left.pop()
        nodes, hidden = nodes + 1, hidden + node["hidden"]
        left.extend(node["children"])
    assert nodes == found["drawn"] == 300
    assert nodes + hidden == found["read"] == about["size"] == world.SHARES
    assert found["growth"][-1]["size"] == world.SHARES
    assert about["forecast_size"] > world.SHARES
    assert found["growth"][-1]["forecast"] == pytest.approx(about["forecast_size"], rel=1e-9)


def test_the_depth_of_the_tree_is_that_of_the_measure(served: Served) -> None:
    """Copies of copies hang as deep as the cascade's own measure says."""

    def depth(node: dict[str, Any]) -> int:
        return max((1 + depth(child) for child in node["children"]), default=0)

    found = get(served, "cascade", root=f"post of {world.NAUGHTY[0]}")
    assert depth(found["tree"]) == found["cascade"]["depth"] > 1


def test_trends_have_tags_and_their_history(served: Served) -> None:
    """Uses of a hashtag over the steps add up to its uses in the window."""
    found = get(served, "trends", window="30d")
    first = next(row for row in found["tags"] if row["tag"] == "duboischallenge")
    assert sum(row["events"] for row in found["history"] if row["tag"] == first["tag"]) == first["events"]
    assert any(row["name"] == world.ROOT for row in found["trends"])


def test_a_campaign_has_standings_and_honesty(served: Served) -> None:
    """Standings are those of the view; amplification is split into earned, bought, and not said."""
    assert {row["campaign"] for row in get(served, "campaigns")} >= {world.CONTEST, "gowalla", "photo-popup"}
    found = get(served, "campaign", id=world.CONTEST, limit="100")
    view = served.here.query(
        "SELECT account FROM {db}.campaign_standings WHERE campaign = {c:String} ORDER BY rank LIMIT 100",
        c=world.CONTEST,
    )
    assert [row["account"] for row in found["standings"]] == [row[0] for row in view]
    assert sum(row["points"] for row in found["standings"]) > 300
    shares = next(row for row in found["amplification"] if row["type"] == "share")
    assert shares["events"] == shares["earned"] + shares["incentivised"] == 6 * len(world.NAUGHTY)
    assert 0 < shares["undisclosed"] < shares["incentivised"]


def test_concentration_is_between_none_and_all(served: Served) -> None:
    """Every measure has a share of the top and a Gini between 0 and 1, now and day by day."""
    found = get(served, "concentration", window="7d")
    assert {row["measure"] for row in found["measures"]} >= {"engagement", "people", "influence"}
    assert len(found["daily"]) >= 2
    for row in (*found["measures"], *found["daily"]):
        assert 0 <= row["gini"] <= 1
        assert 0 < row["top_1_percent_share"] <= 1


def test_the_pipeline_accounts_for_every_record(served: Served) -> None:
    """What was fed was read and accepted, nothing is on its way, and every written table is listed."""
    found = get(served, "pipeline")
    assert sum(row["residue"] for row in found["conservation"]) == 0
    assert sum(row["read"] for row in found["conservation"]) >= len(world.events())
    assert {"events", "account_scores", "cascade_episodes"} <= {row["table"] for row in found["tables"]}
    assert found["newest"]["event_at"].endswith("Z")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("api/leaderboard?window=1y", 400),
        ("api/leaderboard?board=influence;DROP", 400),
        ("api/leaderboard?limit=101", 400),
        ("api/leaderboard?limit=-1", 400),
        ("api/cascades?order=author", 400),
        ("api/account", 400),
        ("api/account?id=" + "n" * 1_025, 400),
        ("api/account?id=nobody%20here", 404),
        ("api/cascade?root=nothing", 404),
        ("api/campaign?id=none", 404),
        ("api/nothing", 404),
        ("static/../app.py", 404),
        ("static/%2e%2e/app.py", 404),
    ],
)
def test_what_cannot_be_asked_is_said_plainly(served: Served, path: str, status: int) -> None:
    """A question outside of what there is gets a status and, from the endpoints, one line; never a stack trace."""
    answer = httpx.get(served.url + path, timeout=30)
    assert answer.status_code == status
    assert len(answer.text) < 300
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("path", ["", "api/windows", "events", "static/style.css"])
def test_nothing_can_be_sent(served: Served, path: str) -> None:
    """Every method that could change anything is refused, everywhere."""
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert httpx.request(method, served.url + path, timeout=30).status_code == 405


@pytest.mark.parametrize("path", ["", "api/windows", "api/nothing", "static/style.css"])
def test_every_response_has_the_strict_policy(served: Served, path: str) -> None:
    """Pages, answers, errors and files carry the policy, and it allows nothing inline."""
    headers = httpx.get(served.url + path, timeout=30).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_another_name_for_this_machine_is_refused(served: Served) -> None:
    """A host name that somebody pointed at loopback gets no data."""
    answer = httpx.get(served.url + "api/windows", headers={"host": "evil.example"}, timeout=30)
    assert answer.status_code == 400
    assert "default-src 'none'" in answer.headers["content-security-policy"]
