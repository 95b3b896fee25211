"""Where a table's bytes are: one mapping per partition, so that giving a partition up is dropping one mapping.

Faust's memory store keeps every partition's keys in one dict beside a second one that says which partition each key is
of; losing a partition then walks all keys. Ours knows the partition of each write, and costs one dict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from faust.stores.base import Store

from streams.engine.disk import OnDisk

State = MutableMapping[bytes, bytes]
"""Keys and values of one partition. A value begins with its fence, so none is empty."""


def write(data: State, writes: Mapping[bytes, bytes | None]) -> None:
    """Put values into a partition, and take away those that are None."""
    if isinstance(data, OnDisk):
        data.write(writes)
        return
    for key, value in writes.items():
        if value is None:
            data.pop(key, None)
        else:
            data[key] = value


def as_of_now(data: State) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a partition to its end, even if the loop writes to it meanwhile, as it does in the recovery
    of a later generation: what comes out is of no use then, and not used.
    """
    if isinstance(data, OnDisk):
        yield from data.items()
        return
    for key in tuple(data):
        if (value := data.get(key)) is not None:
            yield key, value


class PartitionedStore(Store[bytes, bytes]):
    """Store of raw keys and values by partition, in memory, or in `folder` if it has one."""

    folder: Path | None = None

    def __post_init__(self) -> None:
        self.partitions: dict[int, State] = {}

    def partition(self, number: int) -> State:
        """Return the keys and values of one partition; an empty mapping if nothing is known of it."""
        found = self.partitions.get(number)
        if found is None:
            found = {} if self.folder is None else OnDisk(self.folder, f"{self.table_name}-{number}")
            self.partitions[number] = found
        return found

    def drop(self, numbers: Iterable[int]) -> None:
        """Forget partitions that were given up."""
        for number in numbers:
            self.partitions.pop(number, None)

    def persisted_offset(self, tp: Any) -> int | None:
        """Return None: everything is read back from the changelog."""
        return None

    async def on_recovery_completed(self, active_tps: set[Any], standby_tps: set[Any]) -> None:
        """Do nothing: partitions were dropped when they were revoked."""

    def apply_changelog_batch(
        self, batch: Iterable[Any], to_key: Callable[..., Any], to_value: Callable[..., Any]
    ) -> None:
        """Refuse: `BatchTable` applies changelogs itself."""
        raise NotImplementedError

    async def backup_partition(self, tp: Any, flush: bool = True, purge: bool = False, keep: int = 1) -> None:
        """Refuse: the changelog is the backup."""
        raise NotImplementedError

    def restore_backup(self, tp: Any, latest: bool = True, backup_id: int = 0) -> None:
        """Refuse: the changelog is the backup."""
        raise NotImplementedError

    def reset_state(self) -> None:
        """Forget everything."""
        self.partitions.clear()
