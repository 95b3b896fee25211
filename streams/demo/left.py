"""What a demo leaves in JUICE_HOME: whose the data there are, and which processes run still.

A demo removes what an earlier one left, and nothing else. So it notes which stack it made, by Kafka's cluster id, which is
new with every stack, and how much it had published when it was done. What somebody has claimed with `juice up`, what holds
more by now, or other topics, and what was made by nobody knows whom, is not touched.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec
from kafka.errors import KafkaError

from infra import stack
from infra.kafka import admin_client, ends, reader, topic_partitions
from infra.settings import SettingsError, load
from infra.stack import StackError, StackInfo
from infra.stack.home import write_private
from infra.stack.process import Process, stop_all
from streams.names import Names
from streams.topics import topic_specs

STOP_WITHIN = 25.0
"""Seconds for processes to end by themselves."""


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """What is noted. `published` is how many records each topic had that others may write to."""

    cluster: str = ""
    """Cluster id of the stack that a demo made; none where its data are nobody's to remove."""
    published: dict[str, int] = {}
    processes: tuple[Process, ...] = ()


def note(home: Path, processes: Iterable[Process] = ()) -> None:
    """Write down that what there is in `home` now is a demo's, and what it left running; raise SettingsError or KafkaError."""
    info = stack.status(home)
    if info.cluster:
        _write(home, Left(cluster=info.cluster, published=_published(info), processes=tuple(processes)))


def claim(home: Path) -> None:
    """Write down that the data in `home` are somebody's from now on."""
    if _mark(home).exists():
        _write(home, msgspec.structs.replace(_read(home), cluster=""))


def stop_left(home: Path) -> None:
    """Stop what a demo left running; a pid that belongs to somebody else by now is left alone."""
    left = _read(home)
    if left.processes:
        stop_all(left.processes, grace=STOP_WITHIN)
        _write(home, msgspec.structs.replace(left, processes=()))


def remove(home: Path) -> None:
    """Stop what runs in `home` and remove its data, and what was noted of them."""
    stop_left(home)
    stack.down(home, wipe=True)
    _mark(home).unlink(missing_ok=True)


def clear(home: Path) -> None:
    """Remove what an earlier demo left; raise SettingsError, and change nothing, where there is anything else."""
    if not any((home / name).exists() for name in ("stack.json", "kafka", "clickhouse")):
        stop_left(home)
        return
    if not _untouched(home):
        raise SettingsError(
            f"{home} holds data that are not a demo's alone; set JUICE_HOME to another folder for the demo, "
            "or remove them with `juice down --wipe`"
        )
    remove(home)


def _untouched(home: Path) -> bool:
    """Tell whether the stack is the one that a demo made, and holds no more than it had; a stack at rest is started for that."""
    left, info = _read(home), stack.status(home)
    if not left.cluster or left.cluster != info.cluster:
        return False
    try:
        if info.pids:
            return _published(info) == left.published
        try:
            return _published(stack.up(home)) == left.published
        finally:
            stack.down(home)
    except (StackError, SettingsError, KafkaError) as error:
        why = str(error).splitlines()[0]
        raise SettingsError(
            f"what an earlier demo left in {home} cannot be looked at ({why}); remove it with `juice down --wipe`"
        ) from None


def _published(info: StackInfo) -> dict[str, int]:
    """Return how many records each topic has but those that the stages themselves write to, even when nobody does anything."""
    kafka, names = info.kafka_internal, Names()
    if not kafka:
        return {}
    here = load({"JUICE_KAFKA": kafka})
    own = {spec.name for spec in topic_specs(here, 1)} - {names.events}
    with admin_client(here, kafka) as admin:
        topics = [topic for topic in topic_partitions(admin) if topic not in own and not topic.startswith("__")]
    with reader(here, kafka) as consumer:
        return {topic: sum(ends(consumer, topic).values()) for topic in topics}


def _mark(home: Path) -> Path:
    return home / "demo"


def _read(home: Path) -> Left:
    """Return what was noted; nothing where that cannot be read, so that nothing is removed."""
    try:
        return msgspec.json.decode(_mark(home).read_bytes(), type=Left)
    except (FileNotFoundError, msgspec.MsgspecError):
        return Left()


def _write(home: Path, left: Left) -> None:
    """Replace the note in one step."""
    fresh = _mark(home).with_suffix(".tmp")
    write_private(fresh, msgspec.json.encode(left))
    fresh.replace(_mark(home))
