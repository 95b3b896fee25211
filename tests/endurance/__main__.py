"""Whether memory grows with time, how soon state is back after kill -9, and what many keys cost.

    python -m tests.endurance memory --hours 24 --rate 8
    python -m tests.endurance recovery --keys 1000000
    python -m tests.endurance keys --keys 10000 1000000 5000000

Each runs on a stack of its own. Ends with 1 when a limit is passed: memory at the end more than 20 % above that at 2 h of
event time; state back, or the first result, after more than 15 s; more than 30 % slower with many keys than with few.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime

from tests import measured
from tests.endurance import keys, memory, recovery
from tests.simulator.plan import MINUTE, Plan

LIMITS = {"memory": 0.2, "recovery": 15.0, "keys": 0.3}


def main(arguments: list[str] | None = None) -> int:
    """Run it; return 0 when no limit was passed."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.endurance", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=LIMITS, help="what to measure")
    parser.add_argument("--hours", type=float, default=24, help="memory: of event time (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=8, help="memory: events per second of it (default: %(default)s)")
    parser.add_argument(
        "--pace", type=float, default=0, help="memory: events per second sent; 0: all wait (default: 0)"
    )
    parser.add_argument("--accounts", type=int, default=100, help="memory: people (default: %(default)s)")
    parser.add_argument(
        "--horizon", type=float, default=20, help="memory: JUICE_HORIZON, in minutes (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="memory: of the simulator (default: %(default)s)")
    parser.add_argument(
        "--keys",
        type=int,
        nargs="+",
        default=[1_000_000],
        help="recovery: keys in state; keys: in each state, the fewest first",
    )
    parser.add_argument("--events", type=int, default=200_000, help="keys: in each turn (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="keys: turns of each state (default: %(default)s)")
    parser.add_argument("--disk", metavar="FOLDER", default="", help="keys: JUICE_STATE, to keep state on disk")
    parser.add_argument("--write", action="store_true", help="put what was measured into docs/")
    asked = parser.parse_args(arguments)
    fewest, several = (keys.FEW, True) if asked.what == "keys" else (1, False)
    if asked.hours <= memory.EARLY or min(asked.keys) < fewest or min(asked.events, asked.rounds) < 1:
        parser.error(
            f"--hours: more than {memory.EARLY:g}; --keys: at least {fewest:,}; --events, --rounds: at least 1"
        )
    if asked.keys != sorted(asked.keys) or (len(asked.keys) > 1) != several:
        parser.error("--keys: one for recovery; several for keys, the fewest first")
    good, text = {"memory": _memory, "recovery": _recovery, "keys": _keys}[asked.what](asked)
    print(f"\n{text}")
    if asked.write and good:
        measured.write(asked.what, text if asked.what == "recovery" else f"{datetime.now(UTC):%Y-%m-%d}: {text}")
    return 0 if good else 1


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


def _memory(asked: argparse.Namespace) -> tuple[bool, str]:
    events = round(asked.hours * 3600 * asked.rate)
    horizon = round(asked.horizon * MINUTE)
    plan = Plan(seed=asked.seed, events=events, rate=asked.rate, accounts=asked.accounts, horizon=horizon)
    found = memory.run(plan, asked.pace, say)
    worker, sink = found.growth(lambda look: look.worker), found.growth(lambda look: look.sink)
    good = max(worker, sink) <= LIMITS["memory"]
    verdict = "within" if good else "NOT within"
    compared = f"From 2 h to {found.end:g} h: worker {worker:+.0%}, sink {sink:+.0%}, {verdict} {LIMITS['memory']:.0%}."
    return good, f"{memory.table(found)}\n\n{compared}"


def _recovery(asked: argparse.Namespace) -> tuple[bool, str]:
    found = recovery.run(asked.keys[0], say)
    good = all(max(restart.recovery, restart.first) <= LIMITS["recovery"] for restart in found)
    verdict = "all within" if good else "NOT within"
    return good, f"{recovery.table(found)}\n\nState and first result: {verdict} {LIMITS['recovery']:.0f} s."


def _keys(asked: argparse.Namespace) -> tuple[bool, str]:
    settings = {"state": asked.disk} if asked.disk else {}
    found = keys.run(asked.keys, asked.events, asked.rounds, say, **settings)
    good = keys.loss(found) <= LIMITS["keys"]
    verdict = "within" if good else "NOT within"
    told = f"{asked.events:,} events in each turn, state {'on disk' if asked.disk else 'in memory'}."
    return good, f"{told}\n\n{keys.table(found)}\n\nLoss: {keys.loss(found):.0%}, {verdict} {LIMITS['keys']:.0%}."


if __name__ == "__main__":
    sys.exit(main())
