"""Who takes part, in the order of the report."""

from __future__ import annotations

from infra.bench.peer import Peer
from infra.bench.peers.bytewax import Bytewax, BytewaxInMemory
from infra.bench.peers.ceiling import Ceiling
from infra.bench.peers.clickhouse import ClickHouse
from infra.bench.peers.juice import Juice, JuiceEngine, JuiceEverything
from infra.bench.peers.kafka_streams import KafkaStreams
from infra.bench.peers.plain_faust import PlainFaust
from infra.bench.peers.quix import Quix

PEERS: tuple[type[Peer], ...] = (
    JuiceEngine,
    Juice,
    JuiceEverything,
    PlainFaust,
    Quix,
    KafkaStreams,
    Bytewax,
    BytewaxInMemory,
    ClickHouse,
    Ceiling,
)
