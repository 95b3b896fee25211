"""Reloading rules while the stream runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from schemas.fact import POST
from streams.campaigns.rulebook import Rulebook
from streams.campaigns.watch import Watch
from tests.unit.campaigns.drive import fact
from tests.unit.campaigns.every_kind import every_kind

RULE = """
[[campaign]]
id = "{id}"
kind = "contest"
start = 2024-05-01T00:00:00Z
end = 2024-06-01T00:00:00Z
"""


def test_reload(tmp_path: Path) -> None:
    """A change puts the new rules in force; a change for the worse keeps the old and says why, once."""
    file = tmp_path / "rules.toml"
    file.write_text(RULE.format(id="one"))
    book = Rulebook()
    watch = Watch(file, book)
    assert watch.poll() == (1, [])
    assert watch.poll() is None
    file.write_text(RULE.format(id="one") + RULE.format(id="two"))
    assert watch.poll() == (2, [])
    assert list(book.rules) == ["one", "two"]
    file.write_text(RULE.format(id="one") + 'kind = "mayor"')
    changed = watch.poll()
    assert changed is not None
    assert [problem.line for problem in changed.problems] == [7]
    assert list(book.rules) == ["one", "two"]
    assert watch.poll() is None
    file.unlink()
    gone = watch.poll()
    assert gone is not None
    assert "cannot be read" in gone.problems[0].says
    assert list(book.rules) == ["one", "two"]


def test_folder(tmp_path: Path) -> None:
    """A file that is added to a folder or removed from it is a change."""
    (tmp_path / "a.toml").write_text(RULE.format(id="a"))
    book = Rulebook()
    watch = Watch(tmp_path, book)
    assert watch.poll() == (1, [])
    (tmp_path / "b.toml").write_text(RULE.format(id="b"))
    assert watch.poll() == (2, [])
    (tmp_path / "a.toml").unlink()
    assert watch.poll() == (1, [])
    assert list(book.rules) == ["b"]


@pytest.fixture
def restless() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("restless")
def test_questions_on_two_threads_while_rules_change() -> None:
    """Each is answered by all of the old rules or all of the new ones, and by those of its own fact."""
    start = 1_700_000_000_000
    books = [every_kind(start, "a"), every_kind(start, "b")]
    book = Rulebook(books[0])

    def ask(tag: str) -> set[int]:
        return {
            len(book.entered(fact(f"{tag}{n}", POST, start, "ada", tags=(tag,), media=("photo",))))
            for n in range(3_000)
        }

    with ThreadPoolExecutor() as threads:
        answers = [threads.submit(ask, tag) for tag in "ab"]
        turn = 0
        while not all(answer.done() for answer in answers):
            turn += 1
            book.replace(books[turn % 2])
        everything = len(Rulebook(books[0]).entered(fact("one", POST, start, "ada", tags=("a",), media=("photo",))))
        assert everything > 1
        assert all(answer.result() <= {0, everything} for answer in answers)
