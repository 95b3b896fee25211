"""Ingest: bytes of `social.events` become claims for their ids, or dead letters with a true reason.

What it decides is a function of the source partition's log alone: an event is late against the largest event time
before it in its own partition, and in the future against the time at which Kafka appended it, not against our clock.
So a batch that is repeated after a crash, cut differently, comes out the same.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from infra import telemetry
from infra.clock import monotonic, wall
from schemas.decode import Reason, Rejected, decode
from schemas.fact import fact_of
from schemas.rows import events_row
from schemas.wire import UNHEARD, Claim, Decoded, encode, raw_fact
from streams.agents.routing import partition_of, rows_sends
from streams.engine.outbox import Send
from streams.engine.stage import Effects
from streams.engine.store import State
from streams.names import Names
from streams.subject import MINUTE

MAX_CLAIMS: Final = 512 * 1024
"""Bytes of event rows after which the next message begins: one more may come, and it must stay below MAX_MESSAGE."""
MAX_LETTER: Final = 16 << 20
"""Bytes of a record that its dead letter keeps, as many as the topic takes at once. A compressed record may turn out to
be larger, and its letter, in base64, would not fit into a message."""

_json = msgspec.json.Encoder().encode


@dataclass(slots=True)
class _Source:
    """What is kept of a source partition."""

    time: int = UNHEARD
    read: int = 0
    dead: dict[str, int] = field(default_factory=dict)
    heard_at: float = 0.0
    beat: int = -1
    """Number of the beat in which it was last said to be silent."""
    ticked: int = -1


class Ingest:
    """The body of the first stage."""

    def __init__(self, *, names: Names, partitions: int, lateness: int, future: int, idle: int) -> None:
        self.names, self.partitions = names, partitions
        self.lateness, self.future, self.idle_after = lateness, future, idle / 1000
        self._began = wall() - monotonic()
        self.sources: dict[int, _Source] = {}

    def forget(self) -> None:
        """Drop what is known of source partitions."""
        self.sources.clear()

    def restore(self, partition: int, entries: State, offset: int, kept: bytes) -> None:
        """Take up where the progress record says."""
        source = self.sources[partition] = _Source(heard_at=monotonic())
        if kept:
            source.time, source.read, source.dead = msgspec.msgpack.decode(kept)

    def reached(self, partition: int) -> int | None:
        """Return the largest event time seen in a source partition (ms), None before any."""
        source = self.sources.get(partition)
        return None if source is None or source.time == UNHEARD else source.time

    def process(self, partition: int, records: Sequence[Any], behind: bool) -> Effects:
        """Return claims and dead letters for `records`."""
        source = self.sources[partition]
        effects = Effects()
        parts = self.partitions
        claims: list[list[Claim]] = [[] for _ in range(parts)]
        topic = self.names.events
        time, lateness, future = source.time, self.lateness, self.future
        usable = False
        for record in records:
            raw, offset, appended = record.value, record.offset, record.timestamp
            decoded = decode(raw)
            if isinstance(decoded, Rejected):
                self._reject(effects, source, partition, record, decoded)
                continue
            event, at = decoded
            if at > appended + future:
                ahead = f"{(at - appended) / 1000:.0f} s ahead of its arrival; at most {future // 1000} s are allowed"
                self._reject(effects, source, partition, record, Rejected(Reason.FUTURE, ahead))
                continue
            late_by = 0
            if at > time:
                time = at
            elif at < time - lateness:
                late_by = time - at  # late, unless accept knows its id: then it is a duplicate that took long
            usable = usable or not late_by
            fact = fact_of(event, at)
            row = _json((*events_row(event, fact, raw, appended, topic, partition, offset), offset))
            claims[partition_of(event.id, parts)].append(
                Claim(offset, appended, raw_fact(fact), row, event.undo_of, late_by)
            )
        source.time = time
        source.read += len(records)
        self._send(effects, partition, source, records, claims)
        now = monotonic()
        if usable:
            source.heard_at = now
        elif self._is_silent(source, now):  # so is a source with records none of which counts, however many
            read = records[-1].timestamp / 1000 - self._began
            self._say_silent(effects, partition, source, records[-1].offset + 1, now, read)
        effects.kept = self._kept(source)
        self._say_outcomes(effects, partition, source, records[-1].offset + 1)
        if time > UNHEARD:
            telemetry.watermark(partition, time - lateness)
        return effects

    def rests(self, partition: int) -> bool:
        """Return False: silence has to be said from time to time."""
        return False

    def idle(self, partition: int, caught_up: float | None, offset: int, behind: bool) -> Effects | None:
        """Say from time to time that a caught-up partition is silent, and up to when it is known to have been.

        That moment is as long ago as it takes to count as silent, and no later than when Kafka was asked: a record that has not
        reached us yet is newer. It is said at once, and then once in every beat. Beats are the same for all partitions, so what
        they say together is read together.
        """
        source, now = self.sources[partition], monotonic()
        if caught_up is None or not self._is_silent(source, now):
            return None
        effects = Effects(kept=self._kept(source))
        self._say_silent(effects, partition, source, offset, now, caught_up)
        return effects

    def _is_silent(self, source: _Source, now: float) -> bool:
        """Tell whether nothing that counts has come for as long as `idle`, and that was not said in this beat."""
        return now - source.heard_at >= self.idle_after and int(now / self.idle_after) != source.beat

    def _say_silent(
        self, effects: Effects, partition: int, source: _Source, offset: int, now: float, read: float
    ) -> None:
        """Say that a source is silent up to `read`, when all of it was read, but no later than `idle` ago."""
        source.beat = int(now / self.idle_after)
        at = self._began + min(now - self.idle_after, read)  # whatever became of the wall clock meanwhile
        watermark = self._watermark(source)
        tick = Decoded(partition, offset, offset, source.time, watermark, appended=int(at * 1000), silent=True)
        effects.sends.extend(Send(self.names.decoded, p, None, encode(tick)) for p in range(self.partitions))

    def _watermark(self, source: _Source) -> int:
        return source.time - self.lateness if source.time > UNHEARD else UNHEARD

    def _send(
        self, effects: Effects, partition: int, source: _Source, records: Sequence[Any], claims: list[list[Claim]]
    ) -> None:
        """Send each accept partition its claims; those without get a tick when a minute of event time has passed."""
        begin, end, appended = records[0].offset, records[-1].offset + 1, records[-1].timestamp
        minute = source.time // MINUTE
        passed = minute != source.ticked
        source.ticked = minute
        watermark = self._watermark(source)
        for target, of_target in enumerate(claims):
            first = begin
            run: list[Claim] = []
            size = 0
            for claim in of_target:
                if size > MAX_CLAIMS:
                    message = Decoded(partition, first, claim.offset, source.time, UNHEARD, tuple(run), (), appended)
                    effects.sends.append(Send(self.names.decoded, target, None, encode(message)))
                    first, run, size = claim.offset, [], 0
                run.append(claim)
                size += len(claim.row) + 256
            if run or passed:
                message = Decoded(partition, first, end, source.time, watermark, tuple(run), (), appended)
                effects.sends.append(Send(self.names.decoded, target, None, encode(message)))

    def _reject(self, effects: Effects, source: _Source, partition: int, record: Any, rejected: Rejected) -> None:
        source.dead[rejected.reason] = source.dead.get(rejected.reason, 0) + 1
        telemetry.dead_letter(rejected.reason)
        effects.sends.append(
            dead_letter(self.names, rejected, partition, record.offset, record.value or b"", record.timestamp)
        )

    def _say_outcomes(self, effects: Effects, partition: int, source: _Source, version: int) -> None:
        rows = [("ingest", partition, partition, "read", source.read)]
        rows.extend(("ingest", partition, partition, reason, count) for reason, count in source.dead.items())
        effects.sends.extend(rows_sends(self.names.rows, partition % self.partitions, "outcomes", rows, version))

    @staticmethod
    def _kept(source: _Source) -> bytes:
        return msgspec.msgpack.encode((source.time, source.read, source.dead))


def dead_letter(names: Names, rejected: Rejected, partition: int, offset: int, raw: bytes, appended: int) -> Send:
    """Return the dead letter of a record of `social.events`; `appended` is when Kafka had it, in ms.

    Of a record beyond MAX_LETTER it keeps the beginning, and says the true `size`.
    """
    whole = len(raw) <= MAX_LETTER
    cut = "" if whole else f"; the first {MAX_LETTER} of {len(raw)} bytes are kept"
    letter: dict[str, Any] = {
        "reason": rejected.reason,
        "detail": rejected.detail + cut,
        "topic": names.events,
        "partition": partition,
        "offset": offset,
        "record": base64.b64encode(raw[:MAX_LETTER]).decode(),
        "at": appended,
    }
    if not whole:
        letter["size"] = len(raw)
    return Send(names.dead_letters, 0, None, _json(letter))
