"""Dead letters: what is on `social.dead-letters`, and sending the records they are about again."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from typing import Any

import msgspec

from infra.kafka import KafkaUnreachable, broker_of, reader
from infra.settings import Settings
from streams.names import Names
from streams.replay.log import partitions_of, records
from streams.replay.publish import Publisher


class Letter(msgspec.Struct, frozen=True):
    """A dead letter: the `record` at `offset` of a `partition` of `topic` could not be used.

    `reason` is one of schemas.decode.Reason, `detail` is for people. `at` is when the record arrived, epoch
    ms. `size` is 0, or how many bytes the record had of which only the first are here.
    """

    reason: str
    detail: str
    topic: str
    partition: int
    offset: int
    record: bytes  # base64 in JSON
    at: int = 0
    size: int = 0

    def glimpse(self, width: int) -> str:
        """Return the first `width` characters of the record, with what cannot be printed escaped."""
        text = self.record[: width * 4].decode(errors="replace")
        text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
        return text if len(text) <= width else text[: width - 1] + "…"


class Resent(msgspec.Struct, frozen=True, kw_only=True):
    """What sending again did: `sent` records are acknowledged; `foreign` letters are about another topic, `cut` ones hold only
    the beginning of their record, and neither is sent.
    """

    sent: int
    foreign: int
    cut: int
    reasons: dict[str, int]
    interrupted: bool


_letter = msgspec.json.Decoder(Letter).decode


def read_letters(
    settings: Settings,
    *,
    reason: str | None = None,
    limit: int | None = None,
    unreadable: Callable[[str], None] = lambda _: None,
) -> Iterator[Letter]:
    """Yield the dead letters there are now, or the newest `limit` of those with `reason`, newest last.

    Without a limit none is held in memory, and only within a partition (`juice migrate` makes one) is the
    newest last. Records that are no dead letters are passed over, and `unreadable` is told where they stand.
    Raises SettingsError when there is no broker or topic.
    """
    topic = Names.of(settings).dead_letters
    newest: dict[int, deque[tuple[int, Letter]]] = {}
    with reader(settings, broker_of(settings)) as consumer:
        partitions_of(consumer, topic)
        for record in records(consumer, topic, last=limit if reason is None else None):
            letter = _read(record)
            if letter is None:
                unreadable(f"{topic}, partition {record.partition}, offset {record.offset}: no dead letter")
            elif reason is not None and letter.reason != reason:
                continue
            elif limit is None:
                yield letter
            else:
                newest.setdefault(record.partition, deque(maxlen=limit)).append((record.timestamp, letter))
    found = sorted((pair for kept in newest.values() for pair in kept), key=itemgetter(0))
    yield from (letter for _, letter in found[max(len(found) - (limit or 0), 0) :])


def _read(record: Any) -> Letter | None:
    try:
        return _letter(record.value or b"")
    except (ValueError, RecursionError):
        return None


def send_again(
    settings: Settings, letters: Iterable[Letter], *, progress: Callable[[int], None] = lambda _: None
) -> Resent:
    """Send the records of `letters`, byte for byte, to the partition of `social.events` they came from.

    What still cannot be used comes back as a new dead letter; the old ones stay, the topic is a log.
    `progress` is told how many are acknowledged. Interruption and errors are as for `replay_files`.
    """
    names, kafka = Names.of(settings), broker_of(settings)
    with reader(settings, kafka) as consumer:
        partitions = partitions_of(consumer, names.events)
    reasons: Counter[str] = Counter()
    foreign = cut = 0
    interrupted = False
    with Publisher(settings, kafka, names.events) as publisher:
        try:
            for letter in letters:
                if letter.topic != names.events:
                    foreign += 1
                    continue
                if letter.size:
                    cut += 1
                    continue
                publisher.send(letter.partition % partitions, letter.record)
                reasons[letter.reason] += 1
                progress(publisher.acknowledged)
            publisher.finish()
        except KeyboardInterrupt:
            interrupted = True
            publisher.finish(10.0)
        except KafkaUnreachable as error:
            raise KafkaUnreachable(f"{error}; at least {publisher.acknowledged:,} were sent") from None
        progress(publisher.acknowledged)
        sent = publisher.acknowledged
    return Resent(sent=sent, foreign=foreign, cut=cut, reasons=dict(reasons), interrupted=interrupted)
