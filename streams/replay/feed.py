"""From files to `social.events`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import BinaryIO, Final

import msgspec

from infra.clock import monotonic
from infra.kafka import KafkaUnreachable, broker_of, reader
from infra.settings import Settings
from streams.names import Names
from streams.replay.events import UNKNOWN, instant
from streams.replay.lines import Lines, ReplayError
from streams.replay.log import newest, partitions_of
from streams.replay.order import Order
from streams.replay.publish import Publisher
from streams.replay.run import Plan, Progress, Run

GRACE: Final = 10.0
"""Seconds that what was given to the publisher may take after an interruption."""


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay did.

    `sent` events are acknowledged by Kafka. `broken` lines were left out. `late` of the sent will be dead
    letters (unless they are duplicates), as far as the order of their times and the end of the topic let
    foresee. `earliest` and `latest` are event times as sent, RFC 3339; `shift_ms` is by how much they were
    moved. `stopped_at` says how far it came, when interrupted.
    """

    files: tuple[str, ...]
    sent: int
    broken: int
    late: int
    earliest: str | None
    latest: str | None
    shift_ms: int
    seconds: float
    per_second: float
    interrupted: bool
    stopped_at: str | None


def replay_files(
    settings: Settings,
    paths: Sequence[str],
    *,
    speed: float | None = None,
    rebase_to: int | None = None,
    sort: bool = False,
    limit: int | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
    warn: Callable[[str], None] = lambda _: None,
    stdin: BinaryIO | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> Summary:
    """Send each line of `paths` as one record to `social.events`; return when Kafka has acknowledged them.

    Lines go to the partitions in turn, so that each partition has the files' order, and `limit` of them at
    most. `speed` is how many times faster than event time; None is as fast as it goes. `rebase_to` (epoch ms)
    moves all times by one amount: at a speed up to 1 the first event lands there, else the latest. `sort`
    brings all files together by time first, in memory. `warn` is told, a line each, of broken lines (left
    out) and of events that will be late.

    An interruption (KeyboardInterrupt) sends what was given already and returns a summary that says so; a
    second one is raised. Raises SettingsError, with one line, for files, brokers and topics that cannot be
    used.
    """
    names, kafka, started = Names.of(settings), broker_of(settings), monotonic()
    lines = Lines(paths, stdin)
    with reader(settings, kafka) as consumer:
        partitions = partitions_of(consumer, names.events)
        held = newest(consumer, names.events, future=settings.future)
    interrupted = False
    with Publisher(settings, kafka, names.events) as publisher:
        run = Run(
            lines,
            publisher,
            Order(held, partitions=partitions, lateness=settings.lateness),
            plan=Plan(speed=speed, rebase_to=rebase_to, sort=sort, limit=limit),
            progress=progress,
            warn=warn,
            clock=monotonic,
            pause=pause,
        )
        try:
            run.send()
            publisher.finish()
        except KeyboardInterrupt:
            interrupted = True
            publisher.finish(GRACE)
        except ReplayError as error:
            publisher.finish(GRACE)
            raise ReplayError(f"{error}; {publisher.acknowledged:,} events were sent") from None
        except KafkaUnreachable as error:
            raise KafkaUnreachable(f"{error}; at least {publisher.acknowledged:,} were sent") from None
        run.tell("sending", None if interrupted else 1.0)
        sent = publisher.acknowledged
    seconds = monotonic() - started
    return Summary(
        files=tuple(paths),
        sent=sent,
        broken=run.broken,
        late=run.late,
        earliest=None if run.earliest == UNKNOWN else instant(run.earliest),
        latest=None if run.latest == UNKNOWN else instant(run.latest),
        shift_ms=run.shift,
        seconds=round(seconds, 3),
        per_second=round(sent / seconds, 1),
        interrupted=interrupted,
        stopped_at=run.reached if interrupted else None,
    )
