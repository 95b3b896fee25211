"""`python -m tests.simulator`: show a simulated log, feed it to the product, check what that made of it.

python -m tests.simulator show --seed 7 --events 20000
python -m tests.simulator run --seed 7 --kafka 127.0.0.1:19092 --clickhouse http://127.0.0.1:18123
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import fields
from time import monotonic, sleep

import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError

from tests.simulator.check import CHECKS, differences
from tests.simulator.feed import FeedError, feed
from tests.simulator.log import records
from tests.simulator.oracle import Oracle, Outcome
from tests.simulator.plan import Plan
from tests.simulator.reading import read

NUMBERS = [f for f in fields(Plan) if f.name != "mix"]


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0, 1 when the product is wrong, 2 when it could not be tried."""
    options = _parser().parse_args(arguments)
    plan = Plan(**{f.name: getattr(options, f.name) for f in NUMBERS})
    try:
        if options.command == "show":
            return _show(plan)
        if options.command in ("feed", "run"):
            _feed(plan, options)
        return _check(plan, options) if options.command in ("check", "run") else 0
    except (FeedError, ClickHouseError, ValueError) as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 2


def oracle_of(plan: Plan) -> Oracle:
    """Return the oracle after the whole log of `plan`."""
    oracle = Oracle(partitions=plan.partitions, lateness=plan.lateness, horizon=plan.horizon)
    for partition, raw in records(plan):
        oracle.take(partition, raw)
    return oracle


def _show(plan: Plan) -> int:
    """Print what a log holds and what must become of it."""
    kinds: Counter[str] = Counter()
    size, oracle = 0, Oracle(partitions=plan.partitions, lateness=plan.lateness, horizon=plan.horizon)
    for partition, raw in records(plan):
        said = read(raw)
        kinds[said if isinstance(said, str) else said.kind] += 1
        size += len(raw)
        oracle.take(partition, raw)
    outcomes = Counter(Outcome(code).name.lower() for codes in oracle.outcomes for code in codes)
    tally = oracle.tally
    sums = {
        "records": sum(kinds.values()),
        "bytes": size,
        "accepted ids": oracle.accepted,
        "accounts": len(tally.accounts),
        "account panes": sum(map(bool, tally.panes.values())),
        "ties and days": sum(map(bool, tally.ties.values())),
        "cascades": sum(map(bool, tally.cascades.values())),
        "largest cascade": max(map(len, tally.cascades.values()), default=0),
    }
    parts = {"the log": kinds, "what becomes of it": outcomes, "what is counted": Counter(sums)}
    for title, numbers in parts.items():
        print(title, *(f"{count:>12,}  {name}" for name, count in numbers.most_common()), sep="\n")
    return 0


def _feed(plan: Plan, options: argparse.Namespace) -> None:
    began = monotonic()
    sent = sum(
        feed(
            records(plan),
            kafka=options.kafka,
            topic=options.topic,
            partitions=plan.partitions,
            rate=options.pace,
        )
    )
    seconds = monotonic() - began
    print(f"fed {sent:,} records to {options.topic} in {seconds:.1f} s, {sent / seconds:,.0f}/s", flush=True)


def _check(plan: Plan, options: argparse.Namespace) -> int:
    """Wait until ClickHouse agrees with the oracle, and still does a moment later; say where it does not."""
    oracle = oracle_of(plan)
    client = clickhouse_connect.get_client(dsn=options.clickhouse, autogenerate_session_id=False)
    deadline = monotonic() + options.wait
    agreed = False
    while True:
        found = differences(client, options.database, oracle, tables=options.only)
        if found and monotonic() >= deadline:
            print(*found, sep="\n")
            return 1
        if agreed and not found:
            names = ", ".join(options.only or CHECKS)
            print(f"exact: {sum(map(len, oracle.outcomes)):,} records, {oracle.accepted:,} accepted; {names}")
            return 0
        agreed = not found
        sleep(2.0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulator",
        description="A seeded network of people, and an oracle that knows what must be counted of it.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "command",
        choices=("show", "feed", "check", "run"),
        help="show what the log holds; feed it; check ClickHouse against the oracle; run: feed and check",
    )
    plan = parser.add_argument_group("the plan, with its defaults (durations in ms of event time, shares from 0 to 1)")
    for f in NUMBERS:
        plan.add_argument(f"--{f.name}", type=type(f.default), default=f.default, help="%(default)s")
    product = parser.add_argument_group("the product")
    product.add_argument("--kafka", default="127.0.0.1:19092", help="bootstrap servers")
    product.add_argument("--topic", default="social.events", help="empty, with the plan's number of partitions")
    product.add_argument("--pace", type=float, default=0.0, help="records a second; 0: as fast as it goes")
    product.add_argument("--clickhouse", default="http://127.0.0.1:18123", help="where ClickHouse serves HTTP")
    product.add_argument("--database", default="juice", help="of ClickHouse")
    product.add_argument("--wait", type=float, default=120.0, help="seconds until ClickHouse must be right")
    product.add_argument("--only", nargs="*", choices=CHECKS, default=[], help="what to look at; nothing: everything")
    return parser


if __name__ == "__main__":
    sys.exit(main())
