"""What is kept, and what the stream of events says, without a database."""

from __future__ import annotations

import asyncio
from threading import Barrier, Thread

import pytest

from streams.campaigns.queries import Query
from streams.page.events import Beat
from streams.page.source import Answers, Row, Unavailable


class Knows:
    """Somebody who knows everything, and counts who asks."""

    def __init__(self) -> None:
        """Nobody has asked."""
        self.asked: list[Query] = []
        self.fails = False

    def __call__(self, query: Query) -> list[Row]:
        """Answer, or fail."""
        self.asked.append(query)
        if self.fails:
            raise Unavailable("away")
        return [{"n": len(self.asked)}]


def test_an_answer_is_kept_for_one_version_only() -> None:
    """The same question costs one answer per version; another parameter is another question."""
    knows = Knows()
    answers = Answers(knows)
    answers.begin(1)
    assert answers.ask(Query("q", {"a": 1})) == answers.ask(Query("q", {"a": 1}))
    assert answers.ask(Query("q", {"a": 2})) == [{"n": 2}]
    answers.begin(2)
    assert answers.ask(Query("q", {"a": 1})) == [{"n": 3}]


def test_nothing_is_kept_while_clickhouse_is_away() -> None:
    """Without a version every question is asked, and a failure is never kept."""
    knows = Knows()
    answers = Answers(knows)
    answers.ask(Query("q", {}))
    answers.ask(Query("q", {}))
    assert len(knows.asked) == 2
    answers.begin(1)
    knows.fails = True
    with pytest.raises(Unavailable):
        answers.ask(Query("q", {}))
    knows.fails = False
    assert answers.ask(Query("q", {})) == [{"n": 4}]


def test_readers_who_ask_at_once_share_one_answer() -> None:
    """Twenty threads with one question cost one answer."""
    knows = Knows()
    answers, together, said = Answers(knows), Barrier(20), list[list[Row]]()
    answers.begin(1)

    def read() -> None:
        together.wait()
        said.append(answers.ask(Query("q", {})))

    threads = [Thread(target=read) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == [[{"n": 1}]] * 20
    assert len(knows.asked) == 1


def test_a_reader_is_told_of_every_kind_of_change() -> None:
    """The stream says the version, that ClickHouse is away and why, and that it is back."""
    looks: list[int | str] = [7, "gone fishing", 7, 8]
    told: list[int | None] = []

    def look() -> int:
        found = looks.pop(0) if len(looks) > 1 else looks[0]
        if isinstance(found, str):
            raise Unavailable(found)
        return found

    async def listen() -> list[bytes]:
        beat = Beat(look, told.append)
        task = asyncio.create_task(beat.run())
        said: list[bytes] = []
        async for chunk in beat.follow():
            said.append(chunk)
            if b'"version":8' in chunk:
                break
        task.cancel()
        return said

    text = b"".join(asyncio.run(asyncio.wait_for(listen(), 30))).decode()
    states = [line for line in text.splitlines() if line.startswith("data: ") and "not asked" not in line]
    assert states == [
        'data: {"version":7,"up":true,"error":""}',
        'data: {"version":7,"up":false,"error":"gone fishing"}',
        'data: {"version":7,"up":true,"error":""}',
        'data: {"version":8,"up":true,"error":""}',
    ]
    assert told == [7, None, 7, 8]


def test_a_fault_of_the_page_does_not_end_its_looking() -> None:
    """Whatever goes wrong at a look is said, and the next look is made."""
    looks = iter([ZeroDivisionError("one by nothing"), None])

    def look() -> int:
        if (error := next(looks)) is not None:
            raise error
        return 3

    async def listen() -> bytes:
        beat = Beat(look, lambda _: None)
        task = asyncio.create_task(beat.run())
        said = b""
        async for chunk in beat.follow():
            said += chunk
            if b'"version":3' in said:
                break
        task.cancel()
        return said

    assert b'"up":false,"error":"the page: one by nothing"' in asyncio.run(asyncio.wait_for(listen(), 30))
