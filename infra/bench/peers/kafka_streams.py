"""Kafka Streams, on the Java of the local stack; compiled with ecj where there is no JDK."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from infra.bench import programs
from infra.bench.installer import Installer
from infra.bench.peer import Peer
from infra.bench.programs.task import Task
from infra.stack import java
from infra.stack.artifacts import KAFKA

SOURCE: Final = Path(programs.__file__).with_name("OneMinuteCounts.java")
JARS: Final = (
    f"org.apache.kafka:kafka-streams:{KAFKA}",
    "com.fasterxml.jackson.core:jackson-databind:2.19.2",
)


class KafkaStreams(Peer):
    """Java, one stream thread."""

    name = "kafka-streams"
    title = "Kafka Streams"
    form = "its windowed count on one thread; RocksDB, a commit a second"
    durable = "the changelog is written and the offsets are committed"

    def __init__(self) -> None:
        self._classpath: list[Path] = []

    def install(self, installer: Installer) -> None:
        """Fetch the jars and compile the program."""
        jars = installer.jars("kafka-streams", JARS)
        classes = installer.classes(SOURCE, jars)
        self._classpath = [classes, *jars]

    def command(self, task: Task, library: Path) -> list[str]:
        """Run it with as much heap as the broker beside it leaves on a small machine."""
        path = ":".join(map(str, self._classpath))
        return [str(java.find().path), "-Xmx1g", "-cp", path, SOURCE.stem, *task.arguments()]

    def versions(self) -> dict[str, str]:
        """Return Kafka's and Java's."""
        return {"kafka-streams": KAFKA, "java": str(java.find().version)}
