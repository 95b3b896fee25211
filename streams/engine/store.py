"""Where a table's bytes are: one mapping per partition, so that giving a partition up is dropping one mapping.

Faust's memory store keeps every partition's keys in one dict beside a second one that says which partition each key is
of; losing a partition then walks all keys. Ours knows the partition of each write, and costs one dict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from faust.stores.base import Store


class PartitionedStore(Store[bytes, bytes]):
    """In-memory store of raw keys and values by partition."""

    def __post_init__(self) -> None:
        self.partitions: dict[int, dict[bytes, bytes]] = {}

    def partition(self, number: int) -> dict[bytes, bytes]:
        """Return the keys and values of one partition; an empty mapping if nothing is known of it."""
        found = self.partitions.get(number)
        if found is None:
            found = self.partitions[number] = {}
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
