"""The long run: every fault again and again, on one broker and on three, and the table of docs/reliability.md.

    python -m tests.faults --minutes 5 --seconds 5 --write
    python -m tests.faults --faults 200 --seconds 2 --rate 4500 --minutes 95 --write

Ends with 1 when anything was wrong after a fault. `make chaos` calls it.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from tests import measured
from tests.faults.catalogue import FAULTS, Fault
from tests.faults.world import Outcome, world

SESSION = "6s"
"""The page's numbers include it."""
SHARES = {3: 0.1, 1: 1.0}
"""Up to which part of the run there are so many brokers. With three what is about brokers; with one the rest, which is
lighter on a small machine."""


def run(faults: Sequence[Fault], brokers: int, asked: argparse.Namespace, *, until: float, limit: int) -> list[Outcome]:
    """Make each fault once, then those that are short again and again, until the time is over or there were `limit`.

    Stops at the first that leaves something wrong.
    """
    found: list[Outcome] = []
    short = [fault for fault in faults if not fault.lasts]
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, world(Path(folder), brokers, session_timeout=SESSION) as here:
        for number, fault in enumerate((*faults, *short * 1_000)):
            if number >= len(faults) and (time.monotonic() > until or (limit and number >= limit)):
                break
            seconds = max(asked.seconds, fault.lasts)
            outcome = here.round(fault, partial(time.sleep, seconds), rate=asked.rate)
            found.append(outcome)
            after = f"{number + 1} after {time.monotonic() - begun:.0f} s, {here.sent:,} events"
            said = f"{outcome.fault}: {outcome.fired}; {outcome.seconds:.1f} s; {outcome.wrong or 'exact'} ({after})"
            print(said, flush=True)
            if outcome.wrong:
                print(here.here.logs(), file=sys.stderr)
                return found
        if wrong := here.wrong_at_the_end():
            found.append(Outcome("all of them", "counted at the end", 0.0, 0, wrong))
            print(f"at the end: {wrong}", flush=True)
    return found


def table(outcomes: Sequence[Outcome], seed: int) -> str:
    """Return the run as the lines of a page."""
    names = dict.fromkeys(outcome.fault for outcome in outcomes)
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d}, seed {seed}: {len(outcomes)} faults while "
        f"{sum(outcome.events for outcome in outcomes):,} events flowed; after the last of them each was counted, once.",
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
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10, help="so long at most, and each fault once at least")
    parser.add_argument("--faults", type=int, default=0, help="so many at most, and each once at least; 0: no limit")
    parser.add_argument("--seconds", type=float, default=5, help="how long a fault is kept up")
    parser.add_argument("--rate", type=float, default=200, help="events a second that flow meanwhile")
    parser.add_argument("--only", default="", help="faults with this in their name, and no others")
    parser.add_argument("--seed", type=int, default=1, help="of the order of faults")
    parser.add_argument("--write", action="store_true", help="put the table into docs/reliability.md")
    asked = parser.parse_args()
    chosen = [fault for fault in FAULTS if asked.only in fault.name]
    if not chosen or (asked.only and asked.write):
        parser.error("--only: what no fault has in its name, or together with --write")
    begun, outcomes = time.monotonic(), list[Outcome]()
    for brokers, share in SHARES.items():
        faults = [fault for fault in chosen if fault.brokers == brokers]
        if not faults:
            continue
        random.Random(asked.seed).shuffle(faults)
        until, limit = begun + share * asked.minutes * 60, round(share * asked.faults) - len(outcomes)
        outcomes += run(faults, brokers, asked, until=until, limit=max(limit, 0))
        if any(outcome.wrong for outcome in outcomes):
            break
    print("\n" + (text := table(outcomes, asked.seed)))
    good = not any(outcome.wrong for outcome in outcomes)
    if asked.write and good:
        measured.write("measured", text)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
