"""A worker process: runs the app until told to stop, watches its own progress, serves its health.

`python -m streams.worker` is what `juice worker` starts and starts again; it never restarts itself.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from kafka import TopicPartition
from kafka.errors import KafkaError

from infra import allocator, logs, telemetry
from infra.clock import monotonic
from infra.core import Core
from infra.kafka import KafkaUnreachable, Topic, admin_client, broker_of, reader, remove_member, topics
from infra.settings import Settings, SettingsError, load
from infra.version import version
from streams.campaigns.rulefiles import RuleFiles
from streams.engine import faults, runtime, seat
from streams.engine.faults import Exit, die
from streams.engine.stage import Stage
from streams.names import STAGES, Names
from streams.subjects.registry import chosen
from streams.topology import Juice, build

log = structlog.get_logger("juice")

TICK = 0.5
"""Seconds between looks at what is due while no input comes, at health and at rules."""
STOP_WITHIN = 20.0
"""Seconds a graceful stop may take; after that the process ends as if killed, which loses nothing."""


RESTARTS = int(os.environ.get("JUICE_RESTARTS", "0"))
"""How often the supervisor has started this worker again."""
LOOKS = 3
"""Restarts before a topic is believed to be gone, or another: the broker that says so may be behind."""


class Watch:
    """Deadlines for recovery and progress, and the truth for the health endpoints."""

    def __init__(self, app: Juice, settings: Settings) -> None:
        self.app, self.settings = app, settings
        self.started = self.recovering_since = monotonic()
        self.ready = False
        self.silent: Callable[[], float] = lambda: monotonic() - self.started
        """Says for how many seconds no heartbeat was answered."""
        self.lags: dict[tuple[str, int], int] = {}
        self.moved_at = monotonic()
        self._progress: dict[Any, int] = {}

    def look(self) -> None:
        """Note progress and lags, and what follows of them for Python; end the process when a deadline has passed."""
        consumer: Any = self.app.consumer
        self.silent = consumer.lease.silent
        now = monotonic()
        ready = consumer.is_ready() or (self.ready and not self.app.rebalancing)
        if ready and not self.ready:
            seconds = now - self.recovering_since
            telemetry.recovery(seconds, sum(s.table.recovered_records for s in self.app.stages.values()))
            log.info("ready", recovery_seconds=round(seconds, 2), partitions=len(consumer.begins))
            for stage in self.app.stages.values():
                stage.table.recovered_records = 0
        elif self.ready and not ready:
            self.recovering_since = now
        self.ready = ready
        runtime.turns(backlog=ready and bool(consumer.pacing.late()))
        if not ready:
            if now - self.recovering_since > self.settings.recovery_deadline / 1000:
                die(Exit.RECOVERY, f"not ready after {now - self.recovering_since:.0f} s")
            self.moved_at = now
            return
        progress: dict[Any, int] = {}
        lags: dict[tuple[str, int], int] = {}
        for tp in list(consumer.begins):
            offset = self.app.stages[tp.topic].next_offset(tp.partition) or 0
            progress[tp] = offset
            lags[tp.topic, tp.partition] = consumer.waiting(tp)
        if progress != self._progress or not any(lags.values()):
            self.moved_at = now
        self._progress, self.lags = progress, lags
        telemetry.consumer_lag(lags)
        if now - self.moved_at > self.settings.stall_deadline / 1000:
            die(
                Exit.STALLED,
                f"{sum(lags.values())} records wait and nothing moved for {now - self.moved_at:.0f} s",
            )

    def health(self) -> dict[str, Any]:
        """Return what /healthz and /readyz say: who may have lost its partitions is alive, but not ready."""
        silent = self.silent()
        return {
            "live": True,
            "ready": self.ready and silent <= self.settings.session_timeout / 1000,
            "lag_records": sum(self.lags.values()),
            "seconds_since_progress": round(monotonic() - self.moved_at, 1),
            "seconds_since_heartbeat": round(silent, 1),
        }


async def run(settings: Settings, kafka: str, found: Mapping[str, Topic], rules: RuleFiles) -> int:
    """Run a worker until SIGTERM or SIGINT; return the exit code. `found` are the topics that there are."""
    sources = found[Names.of(settings).events].partitions
    app = build(settings, kafka=kafka, sources=sources, rulebook=rules.rulebook)
    app.topic_ids = {name: topic.id for name, topic in found.items()}
    app.verdict = verdict()
    watch = Watch(app, settings)
    port = telemetry.serve(settings.metrics_host, settings.worker_port, watch.health)
    log.info(
        "worker",
        version=version(),
        kafka=kafka,
        telemetry=f"http://{settings.metrics_host}:{port}/metrics",
    )
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    parent = os.getppid()
    starting = asyncio.ensure_future(app.start())
    stopping = asyncio.ensure_future(stop.wait())
    core = Core() if settings.pin else None
    ticking = asyncio.gather(*(_tick(app, watch, stage) for stage in app.stages.values()), _reload(app, rules))
    while not stopping.done():
        await asyncio.wait([stopping], timeout=TICK)
        if starting.done() and (error := starting.exception()) is not None:
            die(Exit.FAULT, f"start: {error!r}")
        if app.crashed:
            die(Exit.FAULT, f"Faust: {app.crash_reason!r}")
        if os.getppid() != parent:
            die(Exit.OK, "the supervisor is gone")
        watch.look()
        if core is not None:
            core.look()
        if ticking.done():
            die(Exit.FAULT, f"tick: {ticking.exception()!r}")
    log.info("stopping")
    try:
        await asyncio.wait_for(_stop(app, ticking), STOP_WITHIN)
    except TimeoutError:
        die(Exit.OK, "stopped the short way; nothing is lost by it")
    return Exit.OK


async def _stop(app: Juice, ticking: asyncio.Future[Any]) -> None:
    """End what ticks, then the app."""
    ticking.cancel()
    await asyncio.gather(ticking, return_exceptions=True)  # or asyncio complains of what nobody waited for
    await app.stop()


async def _tick(app: Juice, watch: Watch, stage: Stage) -> None:
    """Let a stage do what is due while no input comes; apart from the watch, which must see it hang."""
    while True:
        await asyncio.sleep(TICK)
        more = True
        while more and watch.ready and not app.rebalancing:
            more = await stage.tick()
            await asyncio.sleep(0)  # input goes first


async def _reload(app: Juice, rules: RuleFiles) -> None:
    """Put changed rules in force."""
    while True:
        await asyncio.sleep(TICK)
        if rules.changed():
            await app.reload(rules.look)


def verdict() -> Exit:
    """Return with which code to end for what one broker says of the topics."""
    return Exit.UNAVAILABLE if RESTARTS < LOOKS else Exit.USAGE


def cut_changelogs(settings: Settings, kafka: str, names: Names) -> list[str]:
    """Return the changelogs that do not begin at offset 0: compaction never does that, retention and deletion do."""
    with reader(settings, kafka) as consumer:
        changelogs = [names.changelog(stage) for stage in STAGES]
        tps = [TopicPartition(topic, p) for topic in changelogs for p in consumer.partitions_for_topic(topic) or ()]
        return sorted({tp.topic for tp, first in consumer.beginning_offsets(tps).items() if first > 0})


def main() -> int:
    """Run a worker with the environment's settings; return the exit code."""
    allocator.steady()
    try:
        settings = load()
    except SettingsError as error:
        print(f"juice: {error}", file=sys.stderr)
        return Exit.USAGE
    logs.configure(settings)
    try:
        if settings.crash_at:
            faults.arm(settings.crash_at)
        chosen(settings.chosen)
        rules = RuleFiles(settings.campaigns)
        kafka = broker_of(settings)
        names = Names.of(settings)
        with admin_client(settings, kafka) as admin:
            found = topics(admin)
            if member := seat.noted():
                kept = remove_member(admin, names.app, member)
                log.info("gave up the seat of the worker before", member=member, kept=kept or None)
        cut = cut_changelogs(settings, kafka, names)
    except (KafkaUnreachable, KafkaError) as error:
        said = str(error) if isinstance(error, KafkaUnreachable) else f"Kafka: {error}"
        logs.complain(settings, said)
        # At the first start most likely a wrong address or login, later a broker that comes back.
        return Exit.UNAVAILABLE if RESTARTS else Exit.USAGE
    except (SettingsError, ValueError) as error:
        logs.complain(settings, str(error))
        return Exit.USAGE
    needed = [names.events, names.decoded, names.routed, names.rows, names.dead_letters, names.rewards, names.trends]
    if missing := [topic for topic in needed if topic not in found]:
        logs.complain(settings, f"topics are missing: {', '.join(missing)}; run `juice migrate`")
        return verdict() if RESTARTS else Exit.USAGE
    if cut:
        text = f"{', '.join(cut)} lost its beginning, so state is incomplete; run `juice rebuild`"
        logs.complain(settings, text)
        return Exit.USAGE
    if (partitions := found[names.decoded].partitions) != settings.partitions:
        text = f"JUICE_PARTITIONS is {settings.partitions}, but the topics have {partitions}"
        logs.complain(settings, text)
        return Exit.USAGE
    changelog, partitions = found.get(names.changelog("ingest")), found[names.events].partitions
    if changelog and changelog.partitions != partitions:
        text = f"{names.events} has {partitions} partitions, its changelog {changelog.partitions}; run `juice migrate`"
        logs.complain(settings, text)
        return Exit.UNAVAILABLE if RESTARTS else Exit.USAGE  # who runs already waits for it
    telemetry.build(version=version())
    telemetry.restarts(RESTARTS)
    try:
        return runtime.run(run(settings, kafka, found, rules))
    except SettingsError as error:
        logs.complain(settings, str(error))
        return Exit.USAGE


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)
