"""The bench's workload: what it draws, how it is spelled, and that its truth is the truth."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from infra.bench.records import batches
from infra.bench.workload import KINDS, PER_MILLION, Workload, account_name, draw, true_counts
from schemas.decode import Rejected, decode

SMALL = Workload(records=25_000, accounts=500, partitions=3, per_second=100)


def spelled(workload: Workload) -> list[tuple[int, bytes, bytes]]:
    """Return every record as (partition, key, value)."""
    return [
        (batch.partition, key, value)
        for batch in batches(workload, draw(workload))
        for key, value in zip(batch.keys, batch.values, strict=True)
    ]


def test_same_workload_is_the_same_bytes() -> None:
    """Two equal workloads are the same records in the same order, and another seed is others."""
    once = spelled(SMALL)
    assert once == spelled(SMALL)
    assert once != spelled(replace(SMALL, seed=2))


@pytest.mark.parametrize("keyed_by", ["receiver", "actor"])
@pytest.mark.parametrize("size", [250, 1_000])
def test_truth_is_what_a_recount_of_the_json_finds(keyed_by: str, size: int) -> None:
    """Counting the decoded records one by one gives the truth that the generator states."""
    workload = Workload(records=5_000, record_bytes=size, accounts=200, keyed_by=keyed_by)  # type: ignore[arg-type]
    counted: Counter[tuple[str, int]] = Counter()
    for _, _, value in spelled(workload):
        event = msgspec.json.decode(value)
        who = event["targets"][0] if event["type"] in ("follow", "mention") else event.get("object_author")
        if who:
            counted[who, event["time"] // 60_000 * 60_000] += 1
    assert dict(counted) == true_counts(draw(workload))


def test_every_record_is_an_event_the_product_accepts() -> None:
    """No record would be dead-lettered, and all ids differ."""
    decoded = [decode(value) for _, _, value in spelled(SMALL)]
    assert not [found for found in decoded if isinstance(found, Rejected)]
    assert len({found[0].id for found in decoded if not isinstance(found, Rejected)}) == SMALL.records


@pytest.mark.parametrize("size", [231, 250, 1_000])
def test_records_have_the_size_asked_for(size: int) -> None:
    """Every record has exactly the bytes asked for."""
    workload = Workload(records=1_000, record_bytes=size)
    assert {len(value) for _, _, value in spelled(workload)} == {size}


def test_a_size_too_small_is_refused() -> None:
    """A record that cannot hold its fields is refused, with the size that could."""
    with pytest.raises(ValueError, match="must be at least 2"):
        spelled(Workload(records=10, record_bytes=200))


@pytest.mark.parametrize("wrong", [{"records": 0}, {"accounts": 1}, {"partitions": 0}, {"per_second": 0}])
def test_a_workload_that_cannot_be_drawn_is_refused(wrong: dict[str, int]) -> None:
    """Nonsense is refused when it is said, not when it is drawn."""
    with pytest.raises(ValueError, match="must be"):
        Workload(**{"records": 10, **wrong})  # type: ignore[arg-type]


@pytest.mark.parametrize("keyed_by", ["receiver", "actor"])
def test_a_key_lives_in_one_partition(keyed_by: str) -> None:
    """Records of one key are all in one partition, and no partition is empty."""
    workload = Workload(records=20_000, accounts=300, partitions=5, keyed_by=keyed_by)  # type: ignore[arg-type]
    homes: dict[bytes, set[int]] = {}
    for partition, key, _ in spelled(workload):
        homes.setdefault(key, set()).add(partition)
    assert all(len(home) == 1 for home in homes.values())
    assert set.union(*homes.values()) == set(range(5))


def test_the_key_is_who_receives_or_who_acts() -> None:
    """Keyed by receiver, the key of all that is received is its receiver; keyed by actor, it is the actor."""
    for keyed_by in ("receiver", "actor"):
        workload = Workload(records=2_000, accounts=100, keyed_by=keyed_by)
        for _, key, value in spelled(workload):
            event = msgspec.json.decode(value)
            receiver = (event.get("targets") or [event.get("object_author")])[0]
            expected = receiver if keyed_by == "receiver" and event["type"] != "post" else event["actor"]
            assert key.decode() == expected


def test_the_mix_is_the_networks() -> None:
    """The kinds come in the stated shares, within four standard deviations."""
    n = 200_000
    seen = np.bincount(draw(Workload(records=n)).kind, minlength=len(KINDS))
    for count, kind in zip(seen, KINDS, strict=True):
        share = PER_MILLION[kind] / 1_000_000
        assert abs(count - n * share) < 4 * (n * share * (1 - share)) ** 0.5


def test_accounts_follow_zipf() -> None:
    """The most popular account receives about twice what the second does, and ten times the tenth."""
    events = draw(Workload(records=500_000, accounts=10_000))
    received = np.sort(np.bincount(events.receiver[events.receiver >= 0]))[::-1]
    assert 1.8 < received[0] / received[1] < 2.2
    assert 9 < received[0] / received[9] < 11


def test_nobody_acts_on_themselves() -> None:
    """Actor and receiver always differ, so that no peer needs a rule for it."""
    events = draw(Workload(records=20_000, accounts=2))
    assert not np.any(events.actor == events.receiver)


def test_event_time_advances_at_the_stated_rate() -> None:
    """Over the stream event time advances by records / per_second, out of order by less than two seconds."""
    time = draw(Workload(records=60_000, per_second=500)).time
    assert 118_000 < time[-1] - time[0] < 122_000
    assert np.max(np.maximum.accumulate(time) - time) < 2_000


def test_posts_belong_to_who_wrote_them() -> None:
    """The author that an action on a post names is the one who would have written that post."""
    for _, _, value in spelled(SMALL)[:2_000]:
        event = msgspec.json.decode(value)
        if "object_author" in event:
            assert account_name(int(event["object"][1:]) // 100) == event["object_author"]
