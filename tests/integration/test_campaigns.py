"""`juice campaigns` says what there is of a campaign, and shows ids that can be used."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from subprocess import CompletedProcess
from typing import Any

import pytest

from infra.database import connect
from infra.stack import StackInfo
from tests.harness import Installation, installation

DAY = datetime(2021, 6, 1, tzinfo=UTC)
REWARD, OTHER = "ab" * 16, "ac" * 16
ROWS: dict[str, dict[str, Any]] = {
    "campaigns": {
        "campaign": "a-race-for-venues-in-town",
        "kind": "mayor",
        "start": DAY,
        "end": DAY,
        "prize": "a crown" * 9,
    },
    "campaign_entries": {"account": "ada", "event": "e1", "at": DAY, "unit": "v1", "actor": "ada", "stands": True},
    "rewards": {"id": REWARD, "account": "ada@example.social", "kind": "photo", "at": DAY, "which": "a place" * 9},
}


def fill(here: Installation) -> None:
    """Put a campaign with two rewards and an entry, and nothing else, into the tables."""
    client = connect(here.settings)
    for table, row in ROWS.items():
        for more in ({}, {"id": OTHER}) if table == "rewards" else ({},):
            given = {"campaign": "a-race-for-venues-in-town", **row, **more, "version": 1}
            store = f"{here.settings.database}.{table}_store"
            client.insert(store, [list(given.values())], column_names=list(given))


@pytest.fixture(scope="module")
def here(stack: StackInfo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation that knows one campaign."""
    with installation(stack, tmp_path_factory.mktemp("campaigns")) as made:
        fill(made)
        yield made


def ask(here: Installation, *arguments: str, columns: int = 80) -> CompletedProcess[str]:
    """Run a command of the group, on a terminal so wide."""
    here.environ["COLUMNS"] = str(columns)
    return here.juice("campaigns", *arguments)


@pytest.mark.parametrize(
    ("command", "parts"), [("standings", ("standings",)), ("honesty", ("amplification", "signals"))]
)
def test_an_empty_part_is_no_unknown_campaign(here: Installation, command: str, parts: tuple[str, ...]) -> None:
    """Of a campaign that is there each part is said to be empty, and nothing is wrong; of none that is there, all is."""
    done = ask(here, command, "a-race-for-venues-in-town")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{part} of a-race-for-venues-in-town: none" for part in parts]
    unknown = ask(here, command, "no-such-race")
    assert unknown.returncode == 2
    assert "nothing is known of campaign no-such-race" in unknown.stderr


def test_what_is_shown_of_a_reward_finds_its_receipt(here: Installation) -> None:
    """Ids are whole at eighty columns, and the beginning of one is enough where no other begins so."""
    shown = ask(here, "rewards", "a-race-for-venues-in-town").stdout
    assert REWARD in shown
    assert OTHER in shown
    assert max(map(len, shown.splitlines())) <= 80
    for id in (REWARD, "ab"):
        receipt = ask(here, "receipt", id)
        assert (receipt.returncode, REWARD in receipt.stdout) == (0, True), receipt.stderr
    for id, words in (("a", "several rewards begin with a"), ("b", "no reward begins with b")):
        refused = ask(here, "receipt", id)
        assert (refused.returncode, words in refused.stderr) == (2, True)


def test_a_list_can_be_read_at_eighty_columns(here: Installation) -> None:
    """A campaign is a line, with its whole name; every column is there for who asks."""
    _, heading, line = ask(here, "list").stdout.splitlines()
    assert heading.split() == ["campaign", "kind", "start", "end", "entrants", "rewards"]
    assert line.split() == ["a-race-for-venues-in-town", "mayor", "2021-06-01", "2021-06-01", "0", "2"]
    assert "prize" in ask(here, "list", "--wide", columns=300).stdout
    assert json.loads(ask(here, "list", "--json").stdout)[0]["prize"] == "a crown" * 9
