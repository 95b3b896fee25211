"""What people and programs are told about a stack."""

from __future__ import annotations

import msgspec

from infra.stack.home import Home
from infra.stack.ports import LOOPBACK
from infra.stack.state import State


class ServiceInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One server. `pid` is that of the running process, None when it does not run."""

    name: str
    running: bool
    address: str
    pid: int | None
    log: str


class StackInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A stack. `kafka` and `clickhouse` are "" unless it is up; `running` is true when every server runs.

    A stack one of whose servers died is still up (the addresses stay), but not `running`.
    `kafka_internal` is the brokers' own plain listener, for administration where `kafka` asks for a login. `cluster` is Kafka's
    cluster id, which stays with the data: a stack that is made anew has another. It is "" where there is none.
    """

    home: str
    running: bool
    kafka: str
    clickhouse: str
    kafka_internal: str
    cluster: str
    services: tuple[ServiceInfo, ...]

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of the servers that run, by name."""
        return {service.name: service.pid for service in self.services if service.pid is not None}

    def to_json(self) -> str:
        """One JSON object, indented, as `juice status --json` prints it."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode()


def describe(home: Home, state: State | None) -> StackInfo:
    """The stack that is remembered, looked at now."""
    if state is None:
        return StackInfo(
            home=str(home.path), running=False, kafka="", clickhouse="", kafka_internal="", cluster="", services=()
        )
    up = any(service.process for service in state.services)
    services = []
    for service in state.services:
        alive = service.alive()
        services.append(
            ServiceInfo(
                name=service.name,
                running=alive,
                address=f"{LOOPBACK}:{service.port}",
                pid=service.process.pid if service.process and alive else None,
                log=str(home.log(service.name)),
            )
        )
    return StackInfo(
        home=str(home.path),
        running=all(service.running for service in services),
        kafka=",".join(f"{LOOPBACK}:{broker.port}" for broker in state.brokers) if up else "",
        clickhouse=f"http://{LOOPBACK}:{state.clickhouse.port}" if up else "",
        kafka_internal=",".join(f"{LOOPBACK}:{broker.internal}" for broker in state.brokers) if up else "",
        cluster=state.cluster,
        services=tuple(services),
    )
