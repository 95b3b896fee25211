"""The long run: every fault again and again, on one broker and on three, and the table of docs/reliability.md.

    python -m tests.faults --minutes 5 --seconds 5 --write

Ends with 1 when anything was wrong after a fault. `make chaos` calls it.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.catalogue import FAULTS, Fault
from tests.faults.world import Outcome, world

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
SESSION = "6s"
"""The page's numbers include it."""
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def run(faults: Sequence[Fault], brokers: int, *, until: float, seconds: float, rate: float) -> list[Outcome]:
    """Make each fault once and then again until the time is over; stop at the first that leaves something wrong."""
    found: list[Outcome] = []
    with tempfile.TemporaryDirectory() as folder, world(Path(folder), brokers, session_timeout=SESSION) as here:
        for number, fault in enumerate((*faults, *faults * 1_000)):
            if number >= len(faults) and time.monotonic() > until:
                break
            outcome = here.round(fault, lambda: time.sleep(seconds), rate=rate)
            found.append(outcome)
            print(f"{outcome.fault}: {outcome.fired}; {outcome.seconds:.1f} s; {outcome.wrong or 'exact'}", flush=True)
            if outcome.wrong:
                print(here.here.logs(), file=sys.stderr)
                break
    return found


def table(outcomes: Sequence[Outcome], seed: int) -> str:
    """Return the run as the lines of a page."""
    names = dict.fromkeys(outcome.fault for outcome in outcomes)
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d}, seed {seed}: {len(outcomes)} faults while "
        f"{sum(outcome.events for outcome in outcomes):,} events flowed.",
        "",
        "| fault | times | seen by (the last time) | seconds to recover, median and longest | afterwards |",
        "|---|---|---|---|---|",
    ]
    for name in names:
        of_name = [outcome for outcome in outcomes if outcome.fault == name]
        took = sorted(outcome.seconds for outcome in of_name)
        wrong = [outcome.wrong for outcome in of_name if outcome.wrong]
        lines.append(
            f"| {name} | {len(of_name)} | {of_name[-1].fired} | {took[len(took) // 2]:.1f}, {took[-1]:.1f} "
            f"| {wrong[0] if wrong else 'exact, rewards once'} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Run it; return 0 when everything was exact every time."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="so long at most, and each fault once at least")
    parser.add_argument("--seconds", type=float, default=5, help="how long a fault is kept up")
    parser.add_argument("--rate", type=float, default=200, help="events a second that flow meanwhile")
    parser.add_argument("--seed", type=int, default=1, help="of the order of faults")
    parser.add_argument("--write", action="store_true", help="put the table into docs/reliability.md")
    asked = parser.parse_args()
    begun, outcomes = time.monotonic(), []
    for share, brokers in ((0.5, 3), (1.0, 1)):
        # With three brokers what is about brokers; with one the rest, which is lighter on a small machine.
        faults = [fault for fault in FAULTS if fault.brokers == brokers]
        random.Random(asked.seed).shuffle(faults)
        until = begun + share * asked.minutes * 60
        outcomes += run(faults, brokers, until=until, seconds=asked.seconds, rate=asked.rate)
    print("\n" + (text := table(outcomes, asked.seed)))
    good = not any(outcome.wrong for outcome in outcomes)
    if asked.write and good:
        page = re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}\n{text}\n{END}", PAGE.read_text(), flags=re.DOTALL)
        PAGE.write_text(page)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
