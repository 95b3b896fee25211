"""An audit while events still come."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from infra.database import connect
from infra.stack import StackInfo
from streams.cli.check import run_audit
from streams.operations.audit import BETWEEN, LOOKS, Difference, Undone
from tests.harness import Installation, installation

NOON = datetime(2012, 7, 4, 12, tzinfo=UTC)


def insert(here: Installation, table: str, **row: object) -> None:
    """Put a row into the storage of a table."""
    store = f"{here.settings.database}.{table}_store"
    connect(here.settings).insert(store, [[*row.values(), 1]], column_names=[*row, "version"])


def given(here: Installation, account: str) -> None:
    """Say of an account's one post what the stream would."""
    insert(here, "account_panes", account=account, pane=NOON, direction="given", kind="post", events=1)


def test_what_is_on_its_way_is_no_difference(stack: StackInfo, tmp_path: Path) -> None:
    """Of three posts without panes, one gets its pane before the second look and one before the last: what stays as it was
    is the difference.
    """
    with installation(stack, tmp_path) as here:
        for account in ("quick", "slow", "lost"):
            insert(here, "events", id=account, type="post", time=NOON, actor=account, incentive="none")
        late = ["quick", "slow"]

        def pause(_: float) -> None:
            if late:
                given(here, late.pop(0))

        _, differences, _ = run_audit(here.settings, pause=pause)
        assert [(found.account, found.stream, found.events) for found in differences] == [
            ("lost", (0, 0, 0), (1, 0, 0))
        ]
        given(here, "lost")
        work, differences, _ = run_audit(here.settings, pause=pause)
        assert (work.tally.panes, differences) == (3, [])


def test_records_on_their_way_are_waited_for(stack: StackInfo, tmp_path: Path) -> None:
    """A record that is read and not yet accepted is looked for again, and only as often as panes are."""
    with installation(stack, tmp_path) as here:
        outcome = {"partition": 0, "source_partition": 0, "records": 1}
        insert(here, "outcomes", stage="ingest", outcome="read", **outcome)
        pauses: list[float] = []
        assert not run_audit(here.settings, pause=pauses.append)[2].holds
        assert pauses == [BETWEEN] * (LOOKS - 1)

        def refuse(_: float) -> None:
            insert(here, "outcomes", stage="ingest", outcome="malformed", **outcome)
            insert(here, "dead_letters", reason="malformed")

        assert run_audit(here.settings, pause=refuse)[2].holds


def test_what_only_one_side_takes_for_undone_is_found(stack: StackInfo, tmp_path: Path) -> None:
    """Retractions are recounted, both ways; on their way they are waited for, as panes are."""
    with installation(stack, tmp_path) as here:
        later = {"said": 1, "unsaid": 2, "invented": 3, "late": 4, "far": 4}
        for name, minutes in later.items():
            insert(here, "events", id=f"of {name}", type="mention", time=NOON, actor="a", incentive="none")
            if name != "invented":
                at = NOON + timedelta(minutes=minutes) if name != "far" else NOON + timedelta(hours=1, milliseconds=1)
                insert(here, "events", id=f"u {name}", type="undo", time=at, actor="z", undo_of=f"of {name}")

        def retract(name: str) -> None:
            insert(here, "retractions", id=f"of {name}", time=NOON, undo=f"u {name}", undo_time=NOON)

        insert(here, "events", id="lost", type="post", time=NOON, actor="lost", incentive="none")
        retract("said")
        retract("invented")
        _, differences, _ = run_audit(here.settings, pause=lambda _: None if here.query(LATE) else retract("late"))
        assert [(found.id, found.said, found.counted) for found in differences if isinstance(found, Undone)] == [
            ("of invented", True, False),
            ("of unsaid", False, True),
        ]
        assert [found.account for found in differences if isinstance(found, Difference)] == ["lost"]
        shown = here.juice("audit", "--json")
        assert shown.returncode == 1
        assert [found["id"] for found in json.loads(shown.stdout)["retractions"]] == ["of invented", "of unsaid"]
        assert "of unsaid" in here.juice("audit").stdout


LATE = "SELECT 1 FROM {db}.retractions WHERE id = 'of late'"
