"""Records on their way to one topic, by a thread of their own, so that reading and pacing go on meanwhile.

They go as batches of aiokafka's: 280,000 records of 130 bytes for a second of one core's time, where
kafka-python's producer does 18,000. What a replay takes, the worker beside it cannot have.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from contextlib import AbstractContextManager
from typing import Final, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from infra.kafka import KafkaUnreachable, client_settings
from infra.settings import Settings
from streams.engine.outbox import Send, send_all

MAX_REQUEST: Final = 32 << 20
BATCH: Final = 256 << 10
"""Bytes of a batch; brokers take 1 MB unless told otherwise."""
TAKEN: Final = 8_192
"""Records that are sent and acknowledged together, at most."""
HELD: Final = 8 << 20
"""Bytes that may wait; more make `send` wait."""
PATIENCE: Final = 60.0
"""Seconds for a broker to come back before we give up."""
LOOK: Final = 0.01
"""Seconds between looks for records, while there are none."""


class Publisher(AbstractContextManager["Publisher"]):
    """Sends values to partitions of `topic`, each once (idempotent producer), in the order they were given.

    To leave the context without `finish` gives up what was not sent. Raises KafkaUnreachable, on entering as
    from `send` and `finish`, when no broker answers (any more) or it refuses what is sent.
    """

    def __init__(self, settings: Settings, kafka: str, topic: str) -> None:
        self.settings, self.kafka, self.topic = settings, kafka, topic
        self.acknowledged = 0
        self._queue: deque[Send] = deque()
        self._put = self._gone = 0
        self._ready, self._moved = threading.Event(), threading.Event()
        self._ending = self._leaving = False
        self._error: str | None = None
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        self._raise()
        return self

    def __exit__(self, *_: object) -> None:
        self._leaving = True
        self._thread.join(5.0)

    def send(self, partition: int, value: bytes) -> None:
        """Put `value` on its way to `partition`; wait while too much is on its way already."""
        self._queue.append(Send(self.topic, partition, None, value))
        self._put += len(value)
        while self._put - self._gone > HELD and self._thread.is_alive():
            self._moved.wait(0.1)
            self._moved.clear()
        self._raise()

    def finish(self, timeout: float | None = None) -> bool:
        """Wait until all is acknowledged, and take no more; return False when `timeout` seconds are over."""
        self._ending = True
        self._thread.join(timeout)
        self._raise()
        return not self._thread.is_alive()

    def _raise(self) -> None:
        if self._error is not None:
            raise KafkaUnreachable(self._error)

    def _run(self) -> None:
        logger = logging.getLogger("aiokafka")
        level = logger.level
        logger.setLevel(logging.CRITICAL)  # it has a line for each try at a broker; the user gets one, ours
        try:
            asyncio.run(self._pump())
        except TimeoutError:
            self._error = f"Kafka at {self.kafka} has not answered for {PATIENCE:.0f} s"
        except (KafkaError, OSError) as error:
            self._error = f"Kafka at {self.kafka} does not take {self.topic} ({type(error).__name__})"
        except Exception as error:
            self._error = f"sending to {self.topic}: {error!r}"
        finally:
            logger.setLevel(level)
            self._ready.set()
            self._moved.set()

    async def _pump(self) -> None:
        producer = AIOKafkaProducer(
            **client_settings(self.settings, self.kafka),
            acks="all",
            enable_idempotence=True,
            max_batch_size=BATCH,
            max_request_size=MAX_REQUEST,
        )
        await producer.start()
        try:
            self._ready.set()
            while not self._leaving:
                ending = self._ending  # looked at before the queue: nothing is put after it
                if sends := self._take():
                    async with asyncio.timeout(PATIENCE):  # on its own, an idempotent producer tries for ever
                        await send_all(producer, sends)
                    self.acknowledged += len(sends)
                    self._gone += sum(len(send.value or b"") for send in sends)
                    self._moved.set()
                elif ending:
                    return
                else:
                    await asyncio.sleep(LOOK)
        finally:
            await asyncio.wait([asyncio.ensure_future(producer.stop())], timeout=2.0)

    def _take(self) -> list[Send]:
        queue = self._queue
        return [queue.popleft() for _ in range(min(len(queue), TAKEN))]
