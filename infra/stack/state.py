"""What is remembered of a stack between two commands."""

from __future__ import annotations

import msgspec

from infra.stack.process import Process

CLICKHOUSE = "clickhouse"


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One server: `clickhouse` or `kafka-1` … `kafka-3`. Clients use `port`; the others only Kafka has.

    `process` is None until it is started and after it was put away; a process that died stays here.
    """

    name: str
    port: int
    internal: int = 0
    controller: int = 0
    process: Process | None = None

    @property
    def node(self) -> int:
        """Kafka's node id, from 1; 0 for ClickHouse."""
        return int(self.name.removeprefix("kafka-")) if self.name != CLICKHOUSE else 0

    @property
    def ports(self) -> tuple[int, ...]:
        """Every port it listens on."""
        return tuple(port for port in (self.port, self.internal, self.controller) if port)

    def alive(self) -> bool:
        """True while its process runs, whether or not it answers."""
        return self.process is not None and self.process.alive()


class State(msgspec.Struct, frozen=True, kw_only=True):
    """The servers of one stack, Kafka's cluster id, and what `up` was given for them.

    `properties`: laid over the brokers' own. `users`: path of a ClickHouse users file.
    """

    cluster: str
    services: tuple[Service, ...]
    properties: dict[str, str] = {}
    users: str | None = None

    @property
    def brokers(self) -> tuple[Service, ...]:
        """Kafka's nodes, in order."""
        return tuple(service for service in self.services if service.node)

    @property
    def clickhouse(self) -> Service:
        """The ClickHouse server."""
        return self[CLICKHOUSE]

    def __getitem__(self, name: str) -> Service:
        """The server of that name; KeyError when this stack has none."""
        for service in self.services:
            if service.name == name:
                return service
        raise KeyError(name)

    def having(self, service: Service) -> State:
        """The same with this server in place of the one of its name."""
        services = tuple(service if old.name == service.name else old for old in self.services)
        return msgspec.structs.replace(self, services=services)

    def at_rest(self) -> State:
        """The same with nothing running and nothing given."""
        services = tuple(msgspec.structs.replace(old, process=None) for old in self.services)
        return msgspec.structs.replace(self, services=services, properties={}, users=None)
