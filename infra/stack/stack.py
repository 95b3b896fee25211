"""The local stack as a whole: up, down, status, and single servers for tests that break things.

    info = up(".juice")            # starts what does not run, returns when Kafka and ClickHouse answer
    info.kafka, info.clickhouse    # "127.0.0.1:19092", "http://127.0.0.1:18123"
    stop(".juice", "kafka-1", signal.SIGKILL)
    start(".juice", "kafka-1")
    down(".juice")                 # leaves the data, and no process

All raise StackError (errors.py). Those that start or stop hold the folder's lock, so they may meet.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from infra import clock
from infra.stack import clickhouse, kafka
from infra.stack.errors import StackError, StartFailed
from infra.stack.home import Home
from infra.stack.info import StackInfo, describe
from infra.stack.plan import Wishes, plan
from infra.stack.process import ending_with, stop_all, tail
from infra.stack.state import Service, State

PATIENCE_S = 180.0  # seconds; three JVMs on two cores that others use as well take one minute of them


def up(
    home: Path | str,
    *,
    kafka_port: int | None = None,
    clickhouse_port: int | None = None,
    brokers: int | None = None,
    kafka_properties: Mapping[str, str] | None = None,
    clickhouse_users: Path | None = None,
    patience: float = PATIENCE_S,
) -> StackInfo:
    """Start what does not run of the stack in `home`; return when Kafka and ClickHouse answer.

    Ports: None takes that of last time or the default, or another when it is in use; 0 takes any free one; a
    number is taken, or PortTaken raised (broker n gets kafka_port + n - 1). `brokers`: 1 or 3, for the
    life of the data. `kafka_properties` are laid over the brokers' own, with `{node}`, `{port}` and `{internal}` filled in;
    `clickhouse_users` is a ClickHouse users file; both are remembered until `down`.

    A start that fails is StartFailed and leaves nothing running that it started.
    """
    wishes = Wishes(
        kafka_port=kafka_port,
        clickhouse_port=clickhouse_port,
        brokers=brokers,
        kafka_properties=kafka_properties,
        clickhouse_users=clickhouse_users,
    )
    place = Home.at(home)
    with place.locked():
        _stop_strays(place)
        state = plan(place.load(), wishes)
        try:
            state = _start(place, state, state.services, patience=patience)
        except StartFailed as error:
            # Two stacks may choose the same free port at the same moment; the second one then looks again.
            if "ddress already in use" not in error.message:
                raise
            state = plan(place.load(), wishes)
            state = _start(place, state, state.services, patience=patience)
        return describe(place, state)


def down(home: Path | str, *, wipe: bool = False) -> None:
    """Stop every server of the stack; harmless when none runs.

    `wipe` removes its data and logs as well; then no server need put them in order first, and all are killed.
    """
    place = Home.at(home)
    sig = signal.SIGKILL if wipe else signal.SIGTERM
    if not place.path.exists():  # never there, or removed below servers that still run
        _stop_strays(place, sig)
        return
    with place.locked():
        state = place.load()
        if state is not None:
            stop_all((service.process for service in state.services if service.process), sig)
            place.save(state.at_rest())
        _stop_strays(place, sig)
        if wipe:
            place.wipe()


def status(home: Path | str) -> StackInfo:
    """What runs in `home` now; a stack that was never started is one that does not run."""
    place = Home.at(home)
    return describe(place, place.load())


def start(home: Path | str, service: str, *, patience: float = PATIENCE_S) -> StackInfo:
    """Start one server (`clickhouse`, `kafka-1`, …) of a stack that is up, where it was, and wait for it."""
    place = Home.at(home)
    with place.locked():
        state = _state_with(place, service)
        return describe(place, _start(place, state, (state[service],), patience=patience))


def stop(home: Path | str, service: str, sig: signal.Signals = signal.SIGTERM, *, grace: float = 20.0) -> StackInfo:
    """End one server with `sig`, after `grace` seconds with SIGKILL. The stack still counts as up."""
    place = Home.at(home)
    with place.locked():
        state = _state_with(place, service)
        process = state[service].process
        if process is not None:
            process.stop(sig, grace=grace)
        return describe(place, state)


def send(home: Path | str, service: str, sig: signal.Signals) -> None:
    """Send a signal to one running server: SIGSTOP freezes it, and returns when it is frozen; SIGCONT wakes it."""
    process = _state_with(Home.at(home), service)[service].process
    if process is None or not process.send(sig):
        raise StackError(f"{service} does not run: start it with `juice up`")


def _state_with(home: Home, service: str) -> State:
    state = home.load()
    if state is None:
        raise StackError(f"no stack was ever started in {home.path}: run `juice up`")
    try:
        state[service]
    except KeyError:
        names = ", ".join(known.name for known in state.services)
        raise StackError(f"the stack has no {service!r}: choose one of {names}") from None
    return state


def _start(home: Home, state: State, services: Iterable[Service], *, patience: float) -> State:
    """Start those that do not run, write each down at once, wait for them. Stops them again on failure."""
    dead = [service for service in services if not service.alive()]
    offsets = {service.name: _size(home.log(service.name)) for service in dead}
    home.save(state)
    kafka.prepare(home, state, [service.node for service in dead if service.node])
    try:
        for service in dead:
            process = kafka.start(home, service.node) if service.node else clickhouse.start(home, state)
            state = state.having(msgspec.structs.replace(service, process=process))
            home.save(state)
        _await(home, state, offsets, deadline=clock.monotonic() + patience)
    except BaseException:
        started = (state[service.name].process for service in dead)
        stop_all(process for process in started if process)
        for service in dead:
            state = state.having(service)
        home.save(state)
        raise
    return state


def _await(home: Home, state: State, offsets: Mapping[str, int], *, deadline: float) -> None:
    """Return when all that were started answer; StartFailed has the end of the log of one that does not."""
    waiting = [state[name] for name in offsets]
    while waiting:
        for service in waiting:
            late = clock.monotonic() > deadline
            if not service.alive() or late:
                what = "did not answer in time" if service.alive() else "stopped right after its start"
                log = home.log(service.name)
                end = tail(log, since=offsets[service.name]) or "(it wrote nothing)"
                raise StartFailed(f"{service.name} {what}; the end of {log}:\n{end}")
        waiting = [
            service
            for service in waiting
            if not (kafka.ready(service, state) if service.node else clickhouse.ready(service))
        ]
        time.sleep(0.05)


def _stop_strays(home: Home, sig: signal.Signals = signal.SIGTERM) -> None:
    """Stop servers of this folder that nobody remembers: their start was killed before it wrote them down."""
    state = home.load()
    known = {service.process.pid for service in state.services if service.process} if state else set()
    ours = [clickhouse.command_end(home), *(kafka.command_end(home, node) for node in (1, 2, 3))]
    stop_all((process for end in ours for process in ending_with(*end) if process.pid not in known), sig)


def _size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0
