"""The program of juice's engine: what it counts is the truth, and stays it when a batch is repeated after a kill."""

from __future__ import annotations

from random import Random

import pytest

from infra.bench.programs.engine import CELL, Counts
from infra.bench.records import batches
from infra.bench.workload import Workload, draw, true_counts
from tests.pipe import Record

SMALL = Workload(records=4_000, accounts=60, partitions=3, per_second=20)


@pytest.mark.parametrize("seed", range(4))
def test_counts_are_exact_whatever_is_repeated(seed: int) -> None:
    """Batches of any size; after some, only a part of what they wrote is there and progress is not, and all comes again."""
    rng, body = Random(seed), Counts()
    counted, repeated = dict[tuple[str, int], int](), 0
    for partition in range(SMALL.partitions):
        values = [v for batch in batches(SMALL, draw(SMALL)) if batch.partition == partition for v in batch.values]
        log = [Record(offset, 0, None, value) for offset, value in enumerate(values)]
        table: dict[bytes, bytes] = {}
        body.restore(partition, table, 0, b"")
        done = 0
        while done < len(log):
            batch = log[done : done + rng.randint(1, 300)]
            writes = {key: value for key, value in body.process(partition, batch, False).writes.items() if value}
            if rng.random() < 0.3:  # killed on the way
                table.update(rng.sample(sorted(writes.items()), len(writes) // 2))
                repeated += len(writes) // 2
            else:
                table.update(writes)
                done += len(batch)
        for key, value in table.items():
            account, minute = key.decode().split(" ")
            counted[account, int(minute)] = CELL.unpack(value)[1]
    assert repeated
    assert counted == true_counts(draw(SMALL))
