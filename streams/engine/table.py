"""A Faust table that is written and recovered in batches, plugged in as an ordinary `Table` subclass.

Faust sends a changelog record for each write by itself (180 µs) and recovers 4,000 records/s, decoding each. Here a
stage hands over all writes of a batch at once, and recovery puts raw bytes into the store.

Every value begins with its fence, eight bytes: the offset of the last input record it has applied (for the progress
record: the next one to apply). After a kill between state and progress the input comes again; what a value has seen it
skips, so nothing counts twice. Recovery keeps, per key, the value whose fence is furthest, not the one written last:
whatever a worker wrote is right as of its fence, so even a write that came too late can do no harm. A deletion has its fence
in a header.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from faust.tables import Table

from streams.engine.disk import DiskError
from streams.engine.faults import Exit, crash_point, die
from streams.engine.outbox import Send, send_all
from streams.engine.progress import FENCE, PROGRESS
from streams.engine.store import PartitionedStore, State, write

AS_OF: Final = "as of"
"""Header of a deletion: the next input offset when it was made."""
INPUT: Final = "input"
"""Header of a progress record: the id of the topic of which the offset is."""
END: Final = b"\xff" * 8


class BatchTable(Table[bytes, bytes]):
    """Raw keys and values by partition; see the module's docstring."""

    app: Any

    recovered_records = 0

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.inputs: dict[int, bytes] = {}
        """By partition: the id of the topic of which its recovered progress is, where known."""

    def _new_store(self) -> PartitionedStore:
        store = PartitionedStore(
            "memory://",
            self.app,
            self,
            table_name=self.name,
            key_type=bytes,
            value_type=bytes,
            loop=self.loop,
        )
        store.folder = self.app.folder
        return store

    def _new_changelog_topic(self, **kwargs: Any) -> Any:
        topic: Any = super()._new_changelog_topic(**kwargs)
        topic.key_serializer = topic.value_serializer = "raw"
        topic.key_type = topic.value_type = bytes
        return topic

    @property
    def store(self) -> PartitionedStore:
        """Return where the bytes are."""
        return cast(PartitionedStore, self.data)

    def partition(self, number: int) -> State:
        """Return all keys and values of one partition."""
        return self.store.partition(number)

    def progress(self, number: int) -> tuple[int, bytes] | None:
        """Return the next input offset of a partition and what its stage keeps with it; None when nothing was done."""
        raw = self.store.partition(number).get(PROGRESS)
        return None if raw is None else (FENCE.unpack_from(raw)[0], raw[FENCE.size :])

    async def flush(
        self, number: int, writes: Mapping[bytes, bytes | None], offset: int, kept: bytes, of: bytes = b""
    ) -> int:
        """Write `writes` (None deletes) and then the progress record, acknowledged; return the bytes written.

        `of` is the id of the topic of which `offset` is, empty where it is not known.
        """
        topic = self.changelog_topic_name
        progress = FENCE.pack(offset) + kept
        deleted = ((AS_OF, FENCE.pack(offset)),)
        sends = [Send(topic, number, key, value, deleted if value is None else ()) for key, value in writes.items()]
        sends.append(Send(topic, number, PROGRESS, progress, ((INPUT, of),) if of else ()))
        data = self.store.partition(number)  # which may be given up meanwhile: then nobody begins it anew
        size = await send_all(self.app.producer._producer, sends)
        write(data, {**writes, PROGRESS: progress})
        return size

    def apply_changelog_batch(self, batch: Iterable[Any]) -> None:
        """Put a run of changelog messages into the store. Faust logs and skips errors in recovery; ours are final."""
        crash_point("worker.recovering")
        try:
            for event in batch:
                message = event.message
                data = self.store.partition(message.partition)
                for record in message.value.records:
                    self.recovered_records += 1
                    known = data.get(record.key)
                    if (value := record.value) is not None:
                        if known is None or value[:8] >= known[:8]:
                            data[record.key] = value
                            if record.key == PROGRESS:
                                self.inputs[message.partition] = dict(record.headers).get(INPUT, b"")
                    elif known is not None and known[:8] < dict(record.headers).get(AS_OF, END):
                        del data[record.key]
        except DiskError as error:
            die(Exit.FAULT, f"state of {self.name} on disk: {error}")
        except Exception as error:
            die(Exit.CORRUPTION, f"changelog of {self.name}: {error!r}")

    async def on_changelog_event(self, event: Any) -> None:
        """Do nothing for single changelog messages."""

    async def on_rebalance(
        self, assigned: set[Any], revoked: set[Any], newly_assigned: set[Any], generation_id: int = 0
    ) -> None:
        """Forget the partitions that were given up."""
        topic = self.changelog_topic_name
        mine = {tp.partition for tp in assigned if tp.topic == topic}
        self.store.drop([number for number in self.store.partitions if number not in mine])
