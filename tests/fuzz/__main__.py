"""Hostile records through the stages in memory: no exception, every record accounted for, every reason true.

    python -m tests.fuzz --records 1000000 --seed 1

Ends with 1 at the first batch with something wrong, and says how to repeat it alone.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections import Counter
from time import monotonic

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.fuzz.hostile import batch
from tests.fuzz.trial import trial

BATCH = 2_000
"""Records of a batch; each has stages of its own, so memory stays what it is."""


def main(arguments: list[str] | None = None) -> int:
    """Run it; return 0 when everything was as it must be."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=100_000, help="how many, at least one (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of all that is random (default: %(default)s)")
    parser.add_argument("--only", type=int, help="this batch and no other, to repeat what went wrong")
    asked = parser.parse_args(arguments)
    if asked.records < 1:
        parser.error("--records: at least 1")
    batches = range((asked.records + BATCH - 1) // BATCH) if asked.only is None else (asked.only,)
    begun, total = monotonic(), Counter[str]()
    columns = (TextColumn("fuzz"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("fuzz", total=asked.records)
        for number in batches:
            count = min(BATCH, asked.records - number * BATCH)
            try:
                total += trial(batch(asked.seed, number, count), number)
            except Exception as error:
                progress.stop()
                traceback.print_exc()
                again = f"--records {asked.records} --seed {asked.seed} --only {number}"
                print(f"fuzz: wrong in batch {number}, after {total['read']:,} records: {error!r}")
                print(f"fuzz: repeat it with python -m tests.fuzz {again}")
                return 1
            progress.advance(bar, count)
    read = total.pop("read")
    parts = ", ".join(f"{count:,} {what}" for what, count in total.most_common())
    took = monotonic() - begun
    print(f"fuzz: {read:,} records in {took:.0f} s, all accounted for: {parts}; 0 exceptions")
    return 0


if __name__ == "__main__":
    sys.exit(main())
