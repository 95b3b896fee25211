"""What a start is to look like, decided before anything is started."""

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import psutil
import pytest

from infra.stack import PortTaken, StackError, ports
from infra.stack.plan import CLICKHOUSE_PORT, KAFKA_PORT, Wishes, plan
from infra.stack.process import Process
from infra.stack.state import State


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with closing(socket.socket()) as listener:
        listener.bind((ports.LOOPBACK, 0))
        listener.listen()
        yield int(listener.getsockname()[1])


def running(state: State, *names: str) -> State:
    """The same, with this very process in the place of those servers."""
    me = Process(pid=os.getpid(), created=psutil.Process().create_time())
    for name in names:
        state = state.having(msgspec.structs.replace(state[name], process=me))
    return state


def test_any_free_port_means_all_different_and_free() -> None:
    """With 0, three brokers and ClickHouse get ten ports, each free and none twice."""
    state = plan(None, Wishes(kafka_port=0, clickhouse_port=0, brokers=3))
    chosen = [port for service in state.services for port in service.ports]
    assert len(chosen) == 10
    assert len(set(chosen)) == 10
    assert all(ports.is_free(port) for port in chosen)
    assert {KAFKA_PORT, CLICKHOUSE_PORT}.isdisjoint(chosen)


def test_the_default_port_gives_way_when_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Left to us, the default port is taken where it is free, and another one where it is not."""
    monkeypatch.setattr(ports, "is_free", lambda port: True)
    assert plan(None, Wishes()).clickhouse.port == CLICKHOUSE_PORT
    monkeypatch.setattr(ports, "is_free", lambda port: port not in (KAFKA_PORT, CLICKHOUSE_PORT))
    state = plan(None, Wishes())
    assert state.clickhouse.port not in (0, CLICKHOUSE_PORT)
    assert state["kafka-1"].port not in (0, KAFKA_PORT)


def test_a_port_the_user_fixed_is_taken_or_refused(taken: int) -> None:
    """A fixed port in use is an error that names the port, the server and who has it."""
    with pytest.raises(PortTaken, match=rf"port {taken} for clickhouse is in use by .*pid {os.getpid()}"):
        plan(None, Wishes(kafka_port=0, clickhouse_port=taken))


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_number_that_is_no_port_is_refused(port: int) -> None:
    """Numbers outside 1 to 65535 are named as such."""
    with pytest.raises(StackError, match="is not a port"):
        plan(None, Wishes(kafka_port=0, clickhouse_port=port))


def test_brokers_get_consecutive_ports_from_a_fixed_one() -> None:
    """Broker n listens on the n-th port from the one asked for."""
    first = next(p for p in range(25_000, 30_000) if all(map(ports.is_free, range(p, p + 3))))
    state = plan(None, Wishes(kafka_port=first, clickhouse_port=0, brokers=3))
    assert [broker.port for broker in state.brokers] == [first, first + 1, first + 2]


def test_a_stack_comes_back_where_it_was() -> None:
    """Ports and cluster of last time are chosen again."""
    first = plan(None, Wishes(kafka_port=0, clickhouse_port=0))
    assert plan(first, Wishes()) == first
    assert plan(first, Wishes(kafka_port=0, clickhouse_port=0)) == first


def test_what_runs_stays_and_is_not_moved() -> None:
    """A running server keeps its port, and a wish for another is refused with what to do."""
    first = plan(None, Wishes(kafka_port=0, clickhouse_port=0))
    now = running(first, "clickhouse", "kafka-1")
    assert plan(now, Wishes()) == now
    with pytest.raises(PortTaken, match=r"already running.*juice down"):
        plan(now, Wishes(clickhouse_port=now.clickhouse.port + 1))
    with pytest.raises(StackError, match=r"other properties.*juice down"):
        plan(now, Wishes(kafka_properties={"num.io.threads": "9"}))
    with pytest.raises(StackError, match=r"other users.*juice down"):
        plan(now, Wishes(clickhouse_users=Path("users.xml")))


def test_users_are_those_of_before_or_wait_for_a_rest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """While it runs, the same users file may be named again, from wherever; at rest another one is taken."""
    monkeypatch.chdir(tmp_path)
    users = Path("users.xml")
    first = plan(None, Wishes(kafka_port=0, clickhouse_port=0, clickhouse_users=users))
    now = running(first, "clickhouse", "kafka-1")
    assert plan(now, Wishes(clickhouse_users=tmp_path / users)) == now
    assert plan(first, Wishes(clickhouse_users=Path("/others.xml"))).users == "/others.xml"


def test_a_broker_returns_to_the_ports_its_running_peers_know(monkeypatch: pytest.MonkeyPatch) -> None:
    """While one broker runs, another whose inner port was taken meanwhile is refused, not moved."""
    now = running(plan(None, Wishes(kafka_port=0, clickhouse_port=0, brokers=3)), "kafka-1")
    monkeypatch.setattr(ports, "is_free", lambda port: port != now["kafka-2"].controller)
    with pytest.raises(PortTaken, match=str(now["kafka-2"].controller)):
        plan(now, Wishes())


@pytest.mark.parametrize("brokers", [2, 4, -1])
def test_only_one_or_three_brokers_are_offered(brokers: int) -> None:
    """Two brokers survive nothing that one does not, so they are not offered."""
    with pytest.raises(StackError, match="choose 1 or 3"):
        plan(None, Wishes(brokers=brokers))


def test_the_number_of_brokers_belongs_to_the_data() -> None:
    """One broker's data is not made into a cluster's behind the user's back."""
    first = plan(None, Wishes(kafka_port=0, clickhouse_port=0))
    with pytest.raises(StackError, match="juice down --wipe"):
        plan(first, Wishes(brokers=3))
