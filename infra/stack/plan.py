"""Decides what a start is to look like: which servers, on which ports. Starts nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from infra.stack import kafka, ports
from infra.stack.errors import PortTaken, StackError
from infra.stack.state import CLICKHOUSE, Service, State

KAFKA_PORT = 19092
CLICKHOUSE_PORT = 18123


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What the caller of `up` asks for; None where he leaves it to us, 0 for any free port."""

    kafka_port: int | None = None
    clickhouse_port: int | None = None
    brokers: int | None = None
    kafka_properties: Mapping[str, str] | None = None
    clickhouse_users: Path | None = None

    def port(self, service: Service) -> int | None:
        """The port asked for that server: broker n gets the n-th from `kafka_port` on."""
        if service.name == CLICKHOUSE:
            return self.clickhouse_port
        return self.kafka_port + service.node - 1 if self.kafka_port else self.kafka_port


def plan(old: State | None, wishes: Wishes) -> State:
    """The stack to be: what runs stays where it is, the rest gets ports.

    Raises PortTaken for a fixed port in use, StackError for wishes that contradict what runs or the data.
    """
    count = wishes.brokers or (len(old.brokers) if old else 1)
    if count not in (1, 3):
        raise StackError(f"a stack of {count} brokers is not offered: choose 1 or 3")
    if old is None:
        names = [CLICKHOUSE, *(f"kafka-{node}" for node in range(1, count + 1))]
        old = State(cluster=kafka.new_cluster_id(), services=tuple(Service(name=name, port=0) for name in names))
    elif len(old.brokers) != count:
        raise StackError(
            f"the data was made by a stack with another number of brokers ({len(old.brokers)}): for {count}, "
            "remove it first with `juice down --wipe`"
        )
    _refuse_changes(old, wishes)
    fresh = old
    for service in old.services:
        if not service.alive():
            fresh = fresh.having(_placed(service, fresh, wishes))
    return msgspec.structs.replace(
        fresh,
        properties=old.properties if wishes.kafka_properties is None else dict(wishes.kafka_properties),
        users=old.users if wishes.clickhouse_users is None else _path(wishes.clickhouse_users),
    )


def _path(users: Path) -> str:
    """A users file as it is remembered: `up` may be called from elsewhere the next time."""
    return str(users.absolute())


def _placed(service: Service, state: State, wishes: Wishes) -> Service:
    """The server with all its ports chosen, none of them another's."""
    taken = {port for other in state.services if other.name != service.name for port in other.ports}
    # While one node of a cluster runs, the others must come back where it looks for them.
    pinned = service.port != 0 and any(broker.alive() for broker in state.brokers)

    def choose(last: int, fixed: int | None, default: int = 0) -> int:
        first = [port for port in (last, default if fixed is None else 0) if port]
        port = ports.choose(what=service.name, fixed=fixed, wishes=tuple(first), taken=frozenset(taken))
        taken.add(port)
        return port

    default = CLICKHOUSE_PORT if service.name == CLICKHOUSE else KAFKA_PORT + service.node - 1
    port = choose(service.port, wishes.port(service), default)
    if service.name == CLICKHOUSE:
        return msgspec.structs.replace(service, port=port)
    return msgspec.structs.replace(
        service,
        port=port,
        internal=choose(service.internal, service.internal if pinned else 0),
        controller=choose(service.controller, service.controller if pinned else 0),
    )


def _refuse_changes(old: State, wishes: Wishes) -> None:
    for service in old.services:
        if not service.alive():
            continue
        wish = wishes.port(service)
        if wish not in (None, 0, service.port):
            raise PortTaken(
                f"{service.name} is already running on port {service.port}, not {wish}: "
                "run `juice down` first to move it"
            )
    if not any(service.alive() for service in old.services):
        return
    if wishes.kafka_properties is not None and dict(wishes.kafka_properties) != old.properties:
        raise StackError("Kafka is running with other properties: run `juice down` first to change them")
    if wishes.clickhouse_users is not None and _path(wishes.clickhouse_users) != old.users:
        raise StackError("ClickHouse is running with other users: run `juice down` first to change them")
