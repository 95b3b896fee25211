"""What processes serve is what docs/telemetry.md says, under load, and as Prometheus wants it."""

from __future__ import annotations

import errno
import re
import socket
import subprocess
from contextlib import ExitStack
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from infra import telemetry
from infra.listen import listener, refused
from infra.settings import SettingsError
from tests.conftest import Living
from tests.observability.tools import tool
from tests.observability.watchers import eventually

PAGE = (Path(__file__).parents[2] / "docs" / "telemetry.md").read_text()
UNBOUNDED = {"account", "actor", "author", "root", "object", "tag", "hashtag", "venue", "campaign", "id", "reward"}


def documented() -> dict[str, tuple[str, frozenset[str]]]:
    """Return type and labels by name, as the page says."""
    rows = re.findall(r"^\| `(juice_\w+)` \| (\w+) \| [^|]* \| ([^|]*) \| [^|]+ \|$", PAGE, re.MULTILINE)
    return {name: (kind, frozenset(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


def defined() -> dict[str, tuple[str, frozenset[str]]]:
    """Return the same as the code defines it."""
    found = {}
    for collector in telemetry.REGISTRY._collector_to_names:
        for family in collector.describe() if hasattr(collector, "_name") else ():
            if family.name.endswith("_created"):
                continue
            name = family.name + {"counter": "_total", "info": "_info"}.get(family.type, "")
            labels = frozenset(collector._labelnames) or (
                frozenset({"version"}) if family.type == "info" else frozenset()
            )
            found[name] = ("gauge" if family.type == "info" else family.type, labels)
    return found


def test_the_page_says_what_the_code_defines() -> None:
    """Every series is on the page with its type and labels, and no other is."""
    assert documented() == defined()


def test_help_texts_are_on_the_page() -> None:
    """What /metrics says of a series, the page says as well."""
    for collector in telemetry.REGISTRY._collector_to_names:
        if hasattr(collector, "_documentation"):
            assert collector._documentation in PAGE, collector._name


def test_no_label_grows_with_people() -> None:
    """No label is named after users, posts, tags or anything else without bounds."""
    assert not {label for _, labels in defined().values() for label in labels} & UNBOUNDED


def test_who_connects_and_asks_nothing_keeps_nobody_waiting() -> None:
    """A port scanner, or a load balancer that looks whether the port is open, delays no answer."""
    port = telemetry.serve("127.0.0.1", 0, lambda: {"live": True, "ready": True})
    with ExitStack() as silent:
        for _ in range(3):
            silent.enter_context(socket.create_connection(("127.0.0.1", port)))
        with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as answer:  # loopback
            assert answer.status == 200


def test_what_waits_in_partitions_that_were_given_up_is_forgotten() -> None:
    """A worker says of nobody's partitions but its own how much waits."""
    telemetry.consumer_lag({("social.events", 0): 50_000, ("social.events", 1): 7})
    telemetry.consumer_lag({("social.events", 1): 5})
    (family,) = telemetry._consumer_lag.collect()
    assert {sample.labels["partition"]: sample.value for sample in family.samples} == {"1": 5}
    telemetry.consumer_lag({})


@pytest.mark.parametrize("process", ["worker", "sink"])
def test_a_scrape_passes_promtool(living: Living, process: str) -> None:
    """`promtool check metrics` has nothing to say about a process under load, and types are those of the page."""
    with urlopen(f"http://{getattr(living, process)}/metrics") as answer:  # loopback
        text = answer.read().decode()
    checked = subprocess.run(
        [tool("promtool"), "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    page = documented()
    for family in text_string_to_metric_families(text):
        if family.name.startswith("juice_") and not family.name.endswith("_created"):
            name = family.name + ("_total" if family.type == "counter" else "")
            assert page[name][0] == family.type
            for sample in family.samples:
                assert set(sample.labels) - {"le"} <= page[name][1], sample


def test_everything_moves(living: Living) -> None:
    """After a world has passed, every series that a good day moves has a value that is not zero."""
    quiet = {
        "juice_sink_failures_total", "juice_holes_total", "juice_refetches_total", "juice_worker_restarts_total",
        "juice_undos_total", "juice_look_failures_total", "juice_conservation_residue_records",
        "juice_stale_events_total", "juice_kafka_disconnects_total", "juice_sink_inserting_seconds",
        "juice_group_lag_records", "juice_consumer_lag_records", "juice_recovered_records_total",
        "juice_waiting_keys", "juice_waiting_seconds",
    }  # fmt: skip
    dead = []
    for name, (kind, _) in documented().items():
        expr = f"{name}_count" if kind == "histogram" else name
        found = living.prometheus.query(f"max({expr})")
        if not found or (name not in quiet and float(found[0]["value"][1]) <= 0):
            dead.append(name)
    assert set(dead) <= {"juice_undos_total", "juice_holes_total"}


def test_lag_from_outside_is_zero_when_all_is_through(living: Living) -> None:
    """Once nothing comes any more, the broker agrees that nothing waits at any of the four stages."""

    def lag() -> dict[str, float]:
        found = living.prometheus.query("stage:juice_group_lag_records:sum")
        return {sample["metric"]["stage"]: float(sample["value"][1]) for sample in found}

    # Silence lets time pass, and time lets a last few rows fall due: the lag may blink once more.
    eventually(lambda: lag() == dict.fromkeys(("ingest", "accept", "accumulate", "sink"), 0.0), 240, str(lag()))


def test_a_port_that_is_taken_is_left_to_who_has_it() -> None:
    """Another process of this machine has it: any free one does as well."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert telemetry.serve("127.0.0.1", port, lambda: {"live": True, "ready": True}) not in (0, port)


def test_an_address_of_another_machine_is_a_mistake() -> None:
    """Another port does not help there, and the line says which setting is wrong."""
    with pytest.raises(SettingsError, match=r"^JUICE_METRICS_HOST: 192.0.2.1 is no address of this machine$"):
        telemetry.serve("192.0.2.1", 9641, lambda: {"live": True, "ready": True})


def test_why_one_cannot_listen_is_said() -> None:
    """Whether a port is taken or may not be had."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"^cannot listen on 127.0.0.1:{port}: address already in use$"):
            listener("127.0.0.1", port)
    unknown = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    assert str(refused(unknown, "nowhere", 80)) == "JUICE_METRICS_HOST: nowhere: name or service not known"
    said = str(refused(PermissionError(errno.EACCES, "Permission denied"), "127.0.0.1", 80))
    assert said == "cannot listen on 127.0.0.1:80: permission denied"
